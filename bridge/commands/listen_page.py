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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("songs", nargs="+", type=Path, metavar="SONG", help="audio files to separate")
    parser.add_argument(
        "-o", "--out", type=options.target, required=True, metavar="DIR",
        help="gets index.html and a folder for each song",
    )  # fmt: skip
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
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier page and its songs; stems stay")
    options.add_latency(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    # Imported here so that help and usage errors come at once.
    from bridge.batch import plan_folders
    from bridge.first_start import tell_first_start
    from bridge.listen_page import PAGE_NAME, check_page, page_report

    out: Path = arguments.out
    songs = plan_folders(arguments.songs, out)
    check_page(out, [folder for _, folder in songs], arguments.overwrite)
    tell_first_start()
    ready, failed = _fill(songs, arguments)
    page = out / PAGE_NAME if ready else None
    if arguments.json:
        reports = [{"folder": str(song.folder), **song.manifest} for song in ready]
        print_json(page_report(page, reports, failed))
    elif page:
        print(printable(str(page)))
    return 1 if failed else 0


def _fill(
    songs: tuple[tuple[Path, Path], ...], arguments: argparse.Namespace
) -> tuple[list[Separation], list[dict[str, str]]]:
    """Separate the songs, and show those that went well together with their page; returns these, and failures."""
    from bridge.batch import Batch, run_batch
    from bridge.files import FileJob
    from bridge.listen_page import draw_strips, write_page
    from bridge.output_folder import filled_together

    # Players everywhere take 16 bits; a page is for listening.
    coding = Coding.named(arguments.format, None if arguments.format == "mp3" else "PCM_16")
    collected = _Collected()
    with filled_together(arguments.out, arguments.overwrite) as waiting:
        job = FileJob(
            clusters=arguments.clusters, coding=coding, profile=arguments.latency, mixdown=True, figure=True,
            overwrite=arguments.overwrite, finish=draw_strips, waiting=waiting,
        )  # fmt: skip
        run_batch(Batch(songs, job, arguments.model, arguments.jobs), collected.add)
        ready = [collected.done[song] for song, _ in songs if song in collected.done]
        if ready:
            write_page(waiting, ready)
    return ready, collected.failed


class _Collected(Outcomes):
    """The songs that went well."""

    def __init__(self) -> None:
        super().__init__()
        self.done: dict[Path, Separation] = {}

    def keep(self, song: Path, result: Separation) -> None:
        self.done[song] = result
