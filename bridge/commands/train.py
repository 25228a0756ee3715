"""`vqss train`: train a model, alone or under torchrun."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, metavar="CONFIG.toml", help="what to train, on what, and where to save it")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change an entry of the configuration, as in --set seed=3 (repeatable)",
    )  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    parser.add_argument("--init", metavar="BUNDLE", help="start from the weights of a bundle")


def run(arguments: argparse.Namespace) -> int:
    from training.train import run_training

    return run_training(arguments.config, arguments.overrides, arguments.resume, arguments.init)
