"""`vqss render`: training songs, one folder a song, one file a stem."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bridge.commands import options
from bridge.commands.said import warnings_said
from bridge.console import counted, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--out", type=options.target, required=True, metavar="DIR", help="where the songs' folders go"
    )
    parser.add_argument("--songs", type=options.positive_int, default=10, metavar="N", help="default: 10")
    parser.add_argument(
        "--seconds", type=options.positive_seconds, default=20.0, metavar="S", help="length of a song (default: 20)"
    )
    parser.add_argument("--samples", type=Path, metavar="DIR", help="a library of real recordings to play with")
    parser.add_argument(
        "--midi", type=Path, metavar="DIR", help="play excerpts of the MIDI files in DIR instead of composing songs"
    )
    parser.add_argument(
        "--split", choices=("train", "test", "all"), default="train",
        help="which of the recordings to play: nine tenths (train, default), the others (test), or all",
    )  # fmt: skip
    parser.add_argument(
        "--whole-kits", type=options.probability, metavar="P",
        help="how often a drum kit is one stem instead of one for each piece, 0 to 1 (default: 0.15)",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=("flac", "opus"), default="flac",
        help="of the stems: flac (default), or opus, mono and twenty times smaller, to train on elsewhere",
    )  # fmt: skip
    parser.add_argument("--seed", type=options.seed, default=0, metavar="N", help="the same seed gives the same songs")
    parser.add_argument(
        "--jobs", type=options.positive_int, default=os.cpu_count() or 1, metavar="N",
        help="songs rendered at once (default: one for each core)",
    )  # fmt: skip
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from training.band import WHOLE_KITS
    from training.render import render_songs

    whole_kits = WHOLE_KITS if arguments.whole_kits is None else arguments.whole_kits
    with warnings_said(), tqdm(total=arguments.songs, desc="songs", disable=None, leave=False) as bar:
        folders = render_songs(
            arguments.out, arguments.songs, arguments.seconds, arguments.samples, arguments.seed, arguments.jobs,
            arguments.split, whole_kits=whole_kits, midi_dir=arguments.midi,
            stem_format=arguments.format, progress=lambda done, songs: bar.update(done - bar.n) and None,
        )  # fmt: skip
    if arguments.json:
        print_json({"songs": [str(folder) for folder in folders]})
    else:
        print(f"{counted(len(folders), 'song')} in {arguments.out}")
    return 0
