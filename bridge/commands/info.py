"""`vqss info`: what a model bundle holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.commands import options
from bridge.console import print_json, print_table
from vqss_engine.config import PROFILES

if TYPE_CHECKING:
    from vqss_engine.bundle import ModelBundle


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", nargs="?", type=Path, metavar="BUNDLE", help="default: the shipped model")
    options.add_json(parser)


def describe(bundle: ModelBundle) -> dict[str, Any]:
    """All of a bundle but its weights, as plain data."""
    rate = bundle.config.sample_rate
    return {
        "model": bundle.name,
        "sha256": bundle.sha256,
        "parameters": sum(int(weight.size) for weight in bundle.weights.values()),
        "bytes": sum(int(weight.nbytes) for weight in bundle.weights.values()),
        "sample_rate": rate,
        "clusters": [
            {"index": index, "name": name} for index, name in enumerate(bundle.cluster_names)
        ],
        "latency": {
            name: {"samples": synthesis, "ms": round(1000.0 * synthesis / rate, 2), "hop": hop}
            for name, (hop, synthesis) in PROFILES.items()
        },
        "config": bundle.config.to_dict(),
        "provenance": bundle.provenance,
    }


def run(arguments: argparse.Namespace) -> int:
    from vqss_engine.bundle import ModelBundle

    facts = describe(ModelBundle.load(arguments.bundle))
    if arguments.json:
        print_json(facts)
    else:
        _print(facts)
    return 0


def _print(facts: dict[str, Any]) -> None:
    latency = ", ".join(f"{name} {v['samples']} samples ({v['ms']:.1f} ms)" for name, v in facts["latency"].items())
    named = [f"{cluster['index']} {cluster['name']}" for cluster in facts["clusters"] if cluster["name"]]
    rows = [
        ("model", facts["model"]),
        ("sha256", facts["sha256"]),
        ("size", f"{facts['parameters']:,} parameters, {facts['bytes'] / 2**20:.1f} MiB"),
        ("sample rate", f"{facts['sample_rate']} Hz"),
        ("clusters", f"{len(facts['clusters'])}: {', '.join(named) if named else 'none of them named'}"),
        ("latency", latency),
        *((key.replace("_", " "), _text(value)) for key, value in facts["provenance"].items() if _text(value)),
    ]
    print_table(rows)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_text(item) for item in value)
    return " ".join(str(value).split())
