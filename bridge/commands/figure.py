"""`vqss figure`: the mel spectrograms of a song and of each of its clusters."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge.commands import options
from bridge.console import print_json
from vqss_engine.errors import UsageError, VQSSError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("song", type=Path, metavar="SONG", help="audio file to draw")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="PNG", help="the picture to write")
    options.add_model(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace an existing picture")
    options.add_latency(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    # Imported here so that help and usage errors come at once.
    from bridge.audio_files import AudioReader, disk_error
    from bridge.figure import save_picture
    from bridge.progress import AudioProgress
    from bridge.song_separation import SongSeparation
    from vqss_engine.bundle import ModelBundle

    out: Path = arguments.out
    _check_out(out, arguments.overwrite)
    bundle = ModelBundle.load(arguments.model)
    with AudioReader(arguments.song) as reader:
        seconds = reader.frames / reader.sample_rate if reader.frames else None
        separation = SongSeparation(reader, bundle, arguments.latency, picture=True)
        with AudioProgress(seconds, arguments.song.name) as bar:
            separation.run(lambda mix, stems: None, bar.reach)
    active = separation.meter.active.tolist()
    assert separation.picture is not None
    try:
        save_picture(out, separation.picture, bundle.cluster_names, arguments.song.stem, active)
    except OSError as error:
        raise disk_error(out.absolute().parent, error) from error
    if arguments.json:
        print_json({"file": str(out), "active": [index for index, used in enumerate(active) if used]})
    else:
        print(out)
    return 0


def _check_out(out: Path, overwrite: bool) -> None:
    if out.suffix.lower() != ".png":
        raise UsageError(f"'{out}' is no PNG; give -o a name that ends in .png")
    if not out.absolute().parent.is_dir():
        raise VQSSError(f"there is no folder '{out.parent}'; create it first")
    if out.is_dir() or (out.exists() and not overwrite):
        raise VQSSError(f"'{out}' already exists; pass --overwrite or choose another name")
