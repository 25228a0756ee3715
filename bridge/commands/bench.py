"""`vqss bench`: latency, cost and exactness on this machine."""

from __future__ import annotations

import argparse
from typing import Any

from bridge.commands import options
from bridge.console import print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser)
    options.add_latency(parser)
    parser.add_argument(
        "--seconds", type=options.positive_seconds, default=30.0, metavar="S",
        help="how long hops are timed at the pace of a device (default: 30)",
    )  # fmt: skip
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from bridge.bench import run_bench

    facts = run_bench(arguments.model, arguments.latency, arguments.seconds)
    if arguments.json:
        print_json(facts)
    else:
        _print(facts)
    return 0


def _print(facts: dict[str, Any]) -> None:
    hop, budget = facts["hop_ms"], facts["budget_ms"]
    times = ", ".join(f"{name} {value:.2f}" for name, value in hop.items())
    costs = ", ".join(f"{count}: {cost:.2f}" for count, cost in facts["cost_ms_by_audible"].items())
    print_table(
        [
            ("model", f"{facts['model']}, {facts['clusters']} clusters at {facts['sample_rate']} Hz"),
            ("runs on", f"{facts['runtime']}, {facts['threads']} thread"),
            ("latency", f"{facts['latency_samples']} samples, {facts['latency_ms']:.1f} ms"),
            ("time of a hop, ms", f"{times}; {100 * hop['p50'] / budget:.0f} % of the {budget:.2f} ms there are"),
            ("late hops", f"{facts['misses']} of {facts['hops']}"),
            ("by audible clusters, ms", costs),
            ("files", f"{facts['file_realtime_factor']:.1f} × real time, all stems written"),
            ("sum of clusters − mix", f"{facts['null_dbfs']:.0f} dBFS"),
            ("live − offline", f"{facts['stream_equals_offline_max_abs']:.1e}"),
            ("start", f"{facts['start_seconds']:.1f} s"),
            ("memory", f"{facts['peak_rss_mb']:.0f} MiB"),
        ]
    )
