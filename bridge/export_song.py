"""One song written for a window, as `vqss separate` does it, in a process of its own that tells how far it is.

    python -m bridge.export_song [--mix] [--rack-on-stdin] TARGET <the arguments of vqss separate>

TARGET is a folder for the stems, or the file that the mixdown goes to. A rack comes on stdin as that of the moment: a
file could be another by the time it is read. Progress is one number 0...1 a line on stdout.
Cancelling it with SIGTERM leaves nothing behind; whatever was there before is as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bridge.batch import song_seconds
from bridge.coding import Coding
from bridge.commands import separate
from bridge.console import say
from bridge.files import FileJob, Separation, separate_file
from bridge.rack_file import parse_rack
from bridge.song_separation import Advance
from vqss_engine.bundle import ModelBundle
from vqss_engine.errors import VQSSError
from vqss_engine.stop_signals import end_on_signals

_STEPS = 200


def main() -> int:
    parser = argparse.ArgumentParser(prog="export_song")
    parser.add_argument("--mix", action="store_true", help="one file, the mix, instead of a folder of stems")
    parser.add_argument("--rack-on-stdin", action="store_true", help="effects, as a rack file has them")
    parser.add_argument("target", type=Path)
    separate.add_arguments(parser)
    arguments = parser.parse_args()
    end_on_signals()
    try:
        result = _export(arguments)
    except VQSSError as error:
        say(str(error))
        return 1
    for remark in result.remarks:
        say(remark)
    return 0


def _export(arguments: argparse.Namespace) -> Separation:
    song, bundle = arguments.songs[0], ModelBundle.load(arguments.model)
    job = separate.file_job(arguments)
    if arguments.rack_on_stdin:
        job = replace(job, rack=parse_rack(json.load(sys.stdin.buffer)))
    length_s = song_seconds(song)
    told = -1

    def advance(seconds: float) -> None:
        nonlocal told
        step = int(_STEPS * min(seconds / length_s, 1.0)) if length_s else -1
        if step != told:
            told = step
            print(step / _STEPS, flush=True)

    if not arguments.mix:
        return separate_file(song, arguments.target, bundle, job, advance)
    return _mix(song, arguments.target, bundle, job, advance)


def _mix(song: Path, target: Path, bundle: ModelBundle, job: FileJob, advance: Advance) -> Separation:
    """The mixdown alone, moved to its place once it is whole."""
    format_name = target.suffix.lower().removeprefix(".")
    job = replace(job, clusters=(), mixdown=True, coding=Coding.named(format_name, None))
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.stem}.", dir=target.parent) as folder:
            result = separate_file(song, Path(folder) / "mix", bundle, job, advance)
            os.replace(result.folder / f"mixdown.{format_name}", target)
            return result
    except OSError as error:
        raise VQSSError(f"'{target}' cannot be written ({error.strerror}); choose another place") from error


if __name__ == "__main__":
    sys.exit(main())
