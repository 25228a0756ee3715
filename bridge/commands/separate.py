"""`vqss separate`: songs on disk into the stems of their clusters."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.coding import SUBTYPES, Coding
from bridge.commands import options
from bridge.commands.outcomes import Outcomes
from bridge.console import counted, print_json, print_table
from bridge.manifest import printable

if TYPE_CHECKING:
    from bridge.files import FileJob, Separation
    from bridge.rack_file import RackSource

DEFAULT_OUT = Path("vqss-out")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("songs", nargs="+", type=Path, metavar="SONG", help="audio files to separate")
    parser.add_argument(
        "-o", "--out", type=options.target, default=DEFAULT_OUT, metavar="DIR",
        help="each song gets a folder in DIR (default: ./vqss-out)",
    )  # fmt: skip
    options.add_model(parser)
    parser.add_argument(
        "--clusters", type=options.cluster_choice, default="active", metavar="active|all|0,3,14",
        help="which stems to write (default: active, those the song uses)",
    )  # fmt: skip
    parser.add_argument("--format", choices=tuple(SUBTYPES), default="wav", help="default: wav")
    parser.add_argument(
        "--subtype", choices=("PCM_16", "PCM_24", "FLOAT"), help="default: FLOAT for wav, PCM_24 for flac"
    )
    options.add_settings(parser)
    parser.add_argument(
        "--preset", type=options.preset_file, metavar="FILE",
        help="mixer and effects as in a preset (or its name); --set and --rack go first",
    )  # fmt: skip
    parser.add_argument("--rack", type=Path, metavar="FILE", help="effects on stems and mixdown, as a rack file")
    parser.add_argument(
        "--mixdown", action="store_true", help="write mixdown.wav too, mixed as --preset and --set say"
    )
    parser.add_argument("--figure", action="store_true", help="write spectrograms.png too")
    parser.add_argument(
        "--jobs", type=options.positive_int, default=1, metavar="N", help="songs separated at once (default: 1)"
    )
    parser.add_argument(
        "--device", choices=("cpu", "cuda", "mps"), default="cpu", help="what runs the network (default: cpu)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the output of an earlier run, but no page")
    options.add_latency(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    # Imported here so that help and usage errors come at once.
    from bridge.batch import Batch, plan_folders, run_batch
    from bridge.first_start import tell_first_start

    job = file_job(arguments)
    songs = plan_folders(arguments.songs, arguments.out)
    tell_first_start()
    report = _Report(shown=not arguments.json)
    run_batch(Batch(songs, job, arguments.model, arguments.jobs), report.add)
    if arguments.json:
        print_json({"songs": report.songs, "failed": report.failed})
    return 1 if report.failed else 0


def file_job(arguments: argparse.Namespace) -> FileJob:
    """How the arguments say that songs are to be separated."""
    from bridge.files import FileJob
    from vqss_engine.presets import read_preset

    preset = read_preset(arguments.preset) if arguments.preset else {}
    rack, bypasses = _effects(arguments.rack, preset)
    return FileJob(
        clusters=arguments.clusters,
        coding=Coding.named(arguments.format, arguments.subtype),
        profile=arguments.latency,
        preset=(str(arguments.preset), preset) if arguments.preset else None,
        settings=(*bypasses, *arguments.settings),
        mixdown=arguments.mixdown,
        figure=arguments.figure,
        overwrite=arguments.overwrite,
        rack=rack,
        device=arguments.device,
    )


def _effects(path: Path | None, preset: dict[str, Any]) -> tuple[RackSource | None, list[tuple[str, str]]]:
    """The rack of a file, else that of a preset with the settings that pass chains by.

    It is tried once, so that an error in it is told before any work.
    """
    if path is None and preset.get("rack") is None:
        return None, []
    from bridge.rack_bypass import without_bypass
    from bridge.rack_file import parse_rack, read_rack
    from vqss_engine.fx_addresses import bypass_path

    bypassed, content = ([], None) if path else without_bypass(preset["rack"])
    rack = read_rack(path) if path else parse_rack(content)
    rack.build()
    heard = {str(key) for key, chain in rack.chains.items() if chain}
    return (rack if heard else None), [(bypass_path(key), "1") for key in bypassed if key in heard]


class _Report(Outcomes):
    """Shows each song as soon as it is done; keeps it all for --json."""

    def __init__(self, shown: bool) -> None:
        super().__init__()
        self._shown = shown
        self.songs: list[dict[str, Any]] = []

    def keep(self, song: Path, result: Separation) -> None:
        self.songs.append({"folder": str(result.folder), **result.manifest})
        if self._shown:
            print_summary(result)


def print_summary(result: Separation) -> None:
    """What was written, as a table for people."""
    manifest = result.manifest
    rows = [("cluster", "name", "share", "rms dBFS", "file")]
    for cluster in manifest["clusters"]:
        if cluster["file"]:
            share = f"{100.0 * cluster['share']:.1f} %"
            level = f"{cluster['rms_dbfs']:.1f}"
            rows.append((str(cluster["index"]), cluster["name"], share, level, cluster["file"]))
    print(f"{manifest['song']} -> {printable(str(result.folder))}")
    if len(rows) > 1:
        print_table(rows, right=frozenset((0, 2, 3)))
    for effect in manifest.get("effects", []):
        print(f"{effect['entry']} {effect['plugin']}: latency {effect['latency_samples']} samples, compensated")
    left_out = sum(cluster["file"] is None for cluster in manifest["clusters"])
    seconds = manifest["frames"] / manifest["sample_rate"]
    device = "" if manifest["device"] == "cpu" else f"; network on {manifest['device']}"
    print(
        f"{counted(len(rows) - 1, 'stem')}, {counted(left_out, 'cluster')} not written; {seconds:.1f} s of audio in"
        f" {manifest['seconds']:.1f} s ({manifest['realtime_factor']:.1f} × real time);"
        f" all clusters minus the song: {manifest['null_dbfs']:.0f} dBFS{device}"
    )
