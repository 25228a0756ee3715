"""`vqss evaluate`: scores on songs whose stems are known."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bridge.commands import options
from bridge.console import print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", type=Path, metavar="DIR", help="songs as DIR/<song>/<class>.<ext>")
    options.add_model(parser)
    parser.add_argument("--map", type=Path, metavar="FILE", help="which class each cluster counts for (JSON)")
    parser.add_argument("--save-map", type=Path, metavar="FILE", help="write the map that was used")
    parser.add_argument("--figure", type=Path, metavar="PNG", help="draw which cluster each class's clips fall into")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from training.evaluate import run_evaluation

    scores = run_evaluation(
        arguments.dir, arguments.model, arguments.map, arguments.save_map, arguments.figure
    )
    if arguments.json:
        print_json(scores)
    else:
        _print(scores)
    return 0


def _print(scores: dict[str, Any]) -> None:
    baselines = scores["baseline_sdr_db"]
    rows = [("class", "SDR dB", "over the mix", "mix itself", "ideal mask")]
    for name, sdr in scores["sdr_db"].items():
        columns = (
            sdr, scores["sdr_improvement_db"][name], baselines["mix"][name], baselines["ideal_ratio_mask"][name],
        )  # fmt: skip
        rows.append((name, *(f"{value:.2f}" for value in columns)))
    print_table(rows, right=frozenset((1, 2, 3, 4)))
    print(
        f"{scores['songs']} songs; {scores['codes_used']} codes in use, perplexity {scores['perplexity']:.1f},"
        f" purity {scores['purity']:.2f}, NMI {scores['nmi']:.2f}"
    )
