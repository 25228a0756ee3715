"""`vqss evaluate`: scores on songs whose stems are known."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bridge.commands import options
from bridge.commands.said import warnings_said
from bridge.console import counted, print_json, print_table

SHOWN_PAIRS = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "dir", type=Path, metavar="DIR", help="songs as DIR/<song>/<class>.<ext>, or as MoisesDB or Slakh lay them out"
    )
    options.add_model(parser)
    options.add_latency(parser)
    parser.add_argument("--map", type=Path, metavar="FILE", help="which class each cluster counts for (JSON)")
    parser.add_argument("--save-map", type=Path, metavar="FILE", help="write the map that was used")
    parser.add_argument("--figure", type=Path, metavar="PNG", help="draw which cluster each class's clips fall into")
    parser.add_argument(
        "--robust", action="store_true", help="score the songs louder, softer, mono, at 48 kHz and limited too"
    )
    parser.add_argument(
        "--leave-out", action="append", default=[], metavar="PATTERN",
        help="songs without the stems whose source/file matches, such as 'gm/*' for General MIDI in rendered songs",
    )  # fmt: skip
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from training.evaluate import run_evaluation

    with warnings_said(), tqdm(unit="song", desc="songs", disable=None, leave=False) as bar:

        def advance(done: int, songs: int) -> None:
            bar.total = songs
            bar.update(done - bar.n)

        scores = run_evaluation(
            arguments.dir, arguments.model, arguments.map, arguments.save_map, arguments.figure,
            arguments.robust, tuple(arguments.leave_out), advance, arguments.latency,
        )  # fmt: skip
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
    print(f"{counted(scores['songs'], 'song')}, {scores['skipped']} skipped")
    _print_clusters(scores)
    if "robust" in scores:
        _print_robust(scores["robust"])


def _print_clusters(scores: dict[str, Any]) -> None:
    print("\nclusters, and what their energy is of")
    rows = [("cluster", "share", "with the mix", "holds")]
    for k, share in enumerate(scores["cluster_shares"]):
        parts = sorted(scores["cluster_classes"][str(k)].items(), key=lambda item: -item[1])[:3]
        holds = ", ".join(f"{name} {100 * part:.0f} %" for name, part in parts)
        rows.append((str(k), f"{100 * share:.1f} %", f"{scores['correlation']['with_mix'][k]:.2f}", holds))
    print_table(rows, right=frozenset((0, 1, 2)))
    alike = scores["correlation"]
    found = alike["near_duplicates"]
    twins = ", ".join(f"{i} and {j} ({value:.2f})" for i, j, value in found[:SHOWN_PAIRS]) or "none"
    if len(found) > SHOWN_PAIRS:
        twins += f" and {len(found) - SHOWN_PAIRS} pairs more"
    if alike["largest_pair"]:
        pair = " and ".join(map(str, alike["largest_pair"]))
        print(f"most alike: {pair} (correlation {alike['largest']:.2f}); near-duplicates: {twins}")
    if "codes_used" in scores:
        _print_codes(scores)


def _print_codes(scores: dict[str, Any]) -> None:
    finer, partition, steadiness = scores["instruments"], scores["partition"], scores["steadiness"]
    steady = f"; {100 * steadiness['share']:.0f} % of clips keep their stem's code" if steadiness["clips"] else ""
    print(
        f"{scores['codes_used']} codes in use, perplexity {scores['perplexity']:.1f}; purity {scores['purity']:.2f} and"
        f" NMI {scores['nmi']:.2f} by class, {finer['purity']:.2f} and {finer['nmi']:.2f} by instrument{steady}"
    )
    print(
        f"partition: {partition['sdr_improvement_db']:.1f} dB over the mix, clusters without a stem at"
        f" {partition['silence_db']:.1f} dB"
    )


def _print_robust(robust: dict[str, dict[str, float]]) -> None:
    print("\naverage SDR of the same songs, changed")
    rows = [("songs", "SDR dB", "against plain", "over their mix")]
    for name, row in robust.items():
        sdr, difference, improvement = (f"{row[key]:.2f}" for key in ("sdr_db", "difference_db", "improvement_db"))
        rows.append((name.replace("_", " "), sdr, difference, improvement))
    print_table(rows, right=frozenset((1, 2, 3)))
