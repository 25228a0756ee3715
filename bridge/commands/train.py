"""`vqss train`: train a model, alone or under torchrun."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path
from typing import Any

from bridge.commands import options
from bridge.console import print_json, print_table, say
from vqss_engine.errors import VQSSError
from vqss_engine.stop_signals import Stopped, exit_code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, metavar="CONFIG.toml", help="what to train, on what, and where to save it")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change an entry of the configuration, as in --set seed=3 (repeatable)",
    )  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    parser.add_argument(
        "--init", metavar="BUNDLE", help="go on from a bundle with your own stems, and say what got better"
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    if sys.version_info < (3, 11, 0, "final"):  # Ubuntu 22.04 has no other
        raise VQSSError(f"torch does not train with Python {platform.python_version()}; install a newer one")
    from training.train import run_training

    reports: list[dict[str, Any]] = []
    try:
        run_training(arguments.config, arguments.overrides, arguments.resume, arguments.init, adapted=reports.append)
    except (KeyboardInterrupt, Stopped) as stopped:
        say("stopped; go on from the last checkpoint with --resume")
        return exit_code(stopped)
    if arguments.json and os.environ.get("RANK", "0") == "0":  # of several processes one speaks
        print_json(reports[0] if reports else {})
    elif reports and not arguments.json:
        _print(reports[0])
    return 0


def _print(report: dict[str, Any]) -> None:
    """SDR over the mix of each code on the held-out ends of the stems, before and after."""
    print(f"SDR in dB over the mix on the held-out ends of your stems; before: '{report['bundle']}'")
    rows = [("cluster", "name", "stems", "before", "after", "gain", "")]
    for code in report["codes"]:
        rows.append(_row(str(code["code"]), code["name"], str(code["stems"]), code, "new" if code["new"] else ""))
    stems = sum(code["stems"] for code in report["codes"])
    rows.append(_row("mean", "", str(stems), report["mean"], ""))
    print_table(rows, right=frozenset((0, 2, 3, 4, 5)))
    if report["left_out"]:
        print(f"{report['left_out']} stems are like no cluster, and no cluster was free: they joined the nearest")


def _row(
    code: str, name: str, stems: str, gains: dict[str, Any], remark: str
) -> tuple[str, str, str, str, str, str, str]:
    before, after = gains["before_db"], gains["after_db"]
    return code, name, stems, f"{before:.2f}", f"{after:.2f}", f"{after - before:+.2f}", remark
