"""`python -m benchmarks [ROOM...] [--seconds S]`: this machine measured, beside others' programs, in one table.

Each room runs in a process of its own and appends one JSON line to benchmarks/results.jsonl; at the end the tables in
docs/performance.md are written anew from the latest of each. Without a name all rooms run but the long ones. A room
that cannot run says so in one line, and the others go on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine, peers, report

SECONDS = 10.0


@dataclass(frozen=True)
class Room:
    """peers: runs in the interpreter that finds the programs we compare with. long: only when named.

    A module without `run` is a program of its own that prints what it finds.
    """

    module: str
    about: str
    peers: bool = False
    long: bool = False

    @property
    def source(self) -> Path:
        return Path(__file__).with_name(f"{self.module}.py")

    @property
    def table(self) -> bool:
        """Whether it gives rows; told from its text, as importing it would bring all it measures into this process."""
        return any(line.startswith("def run(") for line in self.source.read_text("utf-8").splitlines())


ROOMS = {
    "stft": Room("bench_stft", "forward and inverse transform beside scipy, torch and rocket-fft", peers=True),
    "runtime": Room("bench_runtime", "a step of the network beside ONNX Runtime and torch"),
    "hop": Room("bench_hop", "where the time of a hop goes"),
    "rack": Room("bench_rack", "effects on all clusters"),
    "peers": Room("bench_peers", "live beside HS-TasNet, on one core", peers=True),
    "pace": Room("bench_pace", "10,000 hops at the pace of a device beside an empty callback"),
    "peer_files": Room("bench_peer_files", "files beside demucs and open-unmix, on all cores", peers=True),
    "files": Room("bench_files", "files, part by part"),
    "start": Room("bench_start", "how soon a command answers, and live sounds"),
    "memory": Room("bench_memory", "memory of separating a song and a long file"),
    "exact": Room("bench_exact", "null, and live against offline"),
    "sdr": Room("bench_sdr", "what speed costs in SDR, beside the network run by torch"),
    "osc": Room("bench_osc", "OSC under load", long=True),
    "host": Room("bench_host", "ways to hand sound to the engine", long=True),
    "gui": Room("bench_gui", "the mixer window", long=True),
    "soak": Room("soak", "ten minutes of live use", long=True),
}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _interpreter(room: Room) -> str:
    return str(peers.interpreter()) if room.peers and peers.ready() else sys.executable


def _measure(room: Room, seconds: float) -> dict[str, Any] | str:
    """What the room's process found, or why it found nothing."""
    command = [_interpreter(room), "-m", "benchmarks.room", room.module, str(seconds)]
    patience_s = 300.0 + 60.0 * seconds
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=machine.ROOT, timeout=patience_s)
    except subprocess.TimeoutExpired:
        return f"had not ended after {patience_s:.0f} s"
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return f"ended with exit code {done.returncode}"
    return dict(json.loads(lines[-1]))


def _run_table(name: str, seconds: float, about: dict[str, object]) -> bool:
    started = time.monotonic()
    found = _measure(ROOMS[name], seconds)
    if isinstance(found, str):
        _say(f"benchmarks: the room '{name}' {found}; the others go on")
        return False
    facts = {"room": name, "date": machine.today(), "revision": machine.revision(), "seconds": seconds}
    report.append({**facts, "machine": about, **found})
    for row in found["rows"]:
        print(report.console_line(row), flush=True)
    _say(f"  {name}: {time.monotonic() - started:.0f} s")
    return True


def _run_program(room: Room) -> bool:
    return subprocess.run([sys.executable, "-m", f"benchmarks.{room.module}"], cwd=machine.ROOT).returncode == 0


def _arguments() -> argparse.Namespace:
    rooms = "\n".join(f"  {name:11} {room.about}{' (only when named)' * room.long}" for name, room in ROOMS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").split("\n\n")[0], epilog=f"rooms:\n{rooms}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help="default: all that are not long")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="S",
        help=f"how long each comparison goes on; paced hops and files grow with it (default: {SECONDS:g})",
    )  # fmt: skip
    parser.add_argument("--no-docs", action="store_true", help="leave docs/performance.md as it is")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.rooms) - set(ROOMS)):
        parser.error(f"there is no room '{unknown[0]}'; there are {', '.join(ROOMS)}")
    if not 0.0 < arguments.seconds <= 3600.0:
        parser.error(f"--seconds {arguments.seconds:g}; give more than 0 and at most 3600")
    return arguments


def main() -> int:
    arguments = _arguments()
    names = arguments.rooms or [name for name, room in ROOMS.items() if not room.long]
    if machine.load() > machine.LOADED:
        _say(f"benchmarks: other programs compute here (load {machine.load():.1f}); the figures will suffer")
    if any(ROOMS[name].peers for name in names) and (problem := peers.set_up()):
        _say(f"benchmarks: the peers could not be installed ({problem}); their rows are left out")
    print(report.console_head())
    good = _run_all(names, arguments.seconds)
    if not arguments.no_docs:
        report.write_docs()
    return 0 if good else 1


def _run_all(names: list[str], seconds: float) -> bool:
    about, good = machine.about_machine(), True
    for index, name in enumerate(names):
        room = ROOMS[name]
        _say(f"[{index + 1}/{len(names)}] {name}: {room.about}")
        if not room.source.is_file():
            _say(f"benchmarks: this copy has no benchmarks/{room.source.name}; '{name}' is left out")
            continue
        good = (_run_table(name, seconds, about) if room.table else _run_program(room)) and good
    return good


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        _say("benchmarks: interrupted; the rooms that were measured are kept")
        sys.exit(130)
