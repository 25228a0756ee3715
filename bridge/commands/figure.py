"""`vqss figure`: the mel spectrograms of songs and of each of their clusters."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.commands import options
from bridge.console import print_json
from vqss_engine.errors import UsageError, VQSSError

if TYPE_CHECKING:
    from bridge.figure_grid import SongPicture
    from vqss_engine.bundle import ModelBundle


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "songs", nargs="+", type=Path, metavar="SONG", help="audio file to draw; several get a column each"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="PNG", help="the picture to write")
    options.add_model(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace an existing picture")
    options.add_latency(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    # Imported here so that help and usage errors come at once.
    from bridge.audio_files import disk_error
    from bridge.figure import save_picture
    from bridge.figure_grid import save_grid
    from bridge.first_start import tell_first_start
    from vqss_engine.bundle import ModelBundle

    out: Path = arguments.out
    _check_out(out, arguments.overwrite)
    bundle = ModelBundle.load(arguments.model)
    titles = _titles(arguments.songs)
    tell_first_start()
    drawn = [_separate(song, title, bundle, arguments.latency) for song, title in zip(arguments.songs, titles)]
    try:
        if len(drawn) == 1:
            save_picture(out, drawn[0].picture, bundle.cluster_names, drawn[0].title, drawn[0].active)
        else:
            save_grid(out, drawn, bundle.cluster_names)
    except OSError as error:
        raise disk_error(out.parent, error) from error
    if arguments.json:
        active = [[index for index, used in enumerate(song.active) if used] for song in drawn]
        songs = [{"song": song.title, "active": used} for song, used in zip(drawn, active)]
        print_json({"file": str(out), "active": active[0], "songs": songs})
    else:
        print(out)
    return 0


def _titles(songs: list[Path]) -> list[str]:
    """The songs' names, with their folders' where two are called the same."""
    stems = [song.stem for song in songs]
    return [f"{song.absolute().parent.name}/{song.stem}" if stems.count(song.stem) > 1 else song.stem for song in songs]


def _separate(song: Path, title: str, bundle: ModelBundle, profile: str) -> SongPicture:
    from bridge.audio_files import AudioReader
    from bridge.figure_grid import SongPicture
    from bridge.progress import AudioProgress
    from bridge.song_separation import SongSeparation

    with AudioReader(song) as reader:
        seconds = reader.frames / reader.sample_rate if reader.frames else None
        separation = SongSeparation(reader, bundle, profile, picture=True)
        with AudioProgress(seconds, song.name) as bar:
            separation.run(lambda mix, stems: None, bar.reach)
    assert separation.picture is not None
    return SongPicture(title, separation.picture, separation.meter.active.tolist())


def _check_out(out: Path, overwrite: bool) -> None:
    if out.suffix.lower() != ".png":
        raise UsageError(f"'{out}' is no PNG; give -o a name that ends in .png")
    if not out.absolute().parent.is_dir():
        raise VQSSError(f"there is no folder '{out.parent}'; create it first")
    if out.is_dir() or (out.exists() and not overwrite):
        raise VQSSError(f"'{out}' already exists; pass --overwrite or choose another name")
