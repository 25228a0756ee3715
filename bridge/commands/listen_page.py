"""`vqss listen-page`: songs separated onto a page with players, for any browser."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.coding import Coding
from bridge.commands import options
from bridge.commands.outcomes import Outcomes
from bridge.console import print_json
from bridge.manifest import printable

if TYPE_CHECKING:
    from bridge.files import Separation
    from bridge.listen_page import Track


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("songs", nargs="+", type=Path, metavar="SONG", help="audio files to separate")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="DIR", help="gets index.html and a folder for each song"
    )
    options.add_model(parser)
    parser.add_argument(
        "--clusters", type=options.cluster_choice, default="active", metavar="active|all|0,3,14",
        help="which clusters get a player (default: active, those the song uses)",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=("flac", "wav", "mp3"), default="flac", help="of the audio files (default: flac)"
    )
    parser.add_argument(
        "--jobs", type=options.positive_int, default=1, metavar="N", help="songs separated at once (default: 1)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier page and its songs")
    options.add_latency(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    # Imported here so that help and usage errors come at once.
    from bridge.batch import Batch, plan_folders, run_batch
    from bridge.files import FileJob
    from bridge.listen_page import check_page, page_report, write_page

    out: Path = arguments.out
    check_page(out, arguments.overwrite)
    # Players everywhere take 16 bits; a page is for listening.
    coding = Coding.named(arguments.format, None if arguments.format == "mp3" else "PCM_16")
    job = FileJob(
        clusters=arguments.clusters, coding=coding, profile=arguments.latency, mixdown=True, figure=True,
        overwrite=arguments.overwrite,
    )  # fmt: skip
    songs = plan_folders(arguments.songs, out)
    collected = _Collected()
    run_batch(Batch(songs, job, arguments.model, arguments.jobs), collected.add)
    ready = [collected.done[song] for song, _ in songs if song in collected.done]
    page = write_page(out, ready) if ready else None
    if arguments.json:
        reports = [{"folder": str(separation.folder), **separation.manifest} for separation, _ in ready]
        print_json(page_report(page, reports, collected.failed))
    elif page:
        print(printable(str(page)))
    return 1 if collected.failed else 0


class _Collected(Outcomes):
    """The songs that went well, with their tracks on the page."""

    def __init__(self) -> None:
        super().__init__()
        self.done: dict[Path, tuple[Separation, list[Track]]] = {}

    def keep(self, song: Path, result: Separation) -> None:
        from bridge.listen_page import page_tracks

        self.done[song] = (result, page_tracks(result))
