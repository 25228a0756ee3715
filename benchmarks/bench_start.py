"""How soon a command answers, from shell to shell, and `vqss live` sounds, from the shell to the first sound.

The first sound is what the server tells a subscriber to the levels, 60 times a second: the main's peak above -60 dBFS
while a song plays, with the clock for a device, and with JACK's dummy driver where jackd is installed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import soundfile

from benchmarks.machine import ROOT
from benchmarks.rows import Row, row
from benchmarks.targets import HELP, LIVE_CLOCK, SEPARATE
from bridge.bench_signal import bench_signal
from bridge.osc_packet import decode_packet, encode_message
from bridge.osc_sockets import free_port
from tests.jack_server import JackServer

RATE_HZ, SONG_S = 44_100, 10.0
HELP_RUNS, RUNS = 10, 3
AUDIBLE_DBFS, PATIENCE_S = -60.0, 60.0
EMPTY = "an empty program in Python"
SUBSCRIBE = encode_message("/vqss/subscribe", 0, 60.0, 0.0)


def _vqss() -> list[str]:
    """The command as installed, or the same without its installation."""
    script = Path(sys.executable).with_name("vqss")
    return [str(script)] if script.exists() else [sys.executable, "-m", "bridge"]


def _shell_to_shell(*command: str) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def _separations(song: Path, out: Path) -> list[float]:
    """The first, which may compile and cache, does not count."""
    command = (*_vqss(), "separate", str(song), "-o", str(out), "--overwrite")
    return [_shell_to_shell(*command) for _ in range(RUNS + 1)][1:]


def _heard(wire: socket.socket, port: int) -> bool:
    """Ask for levels, and whether one has come in which the main is audible."""
    try:
        wire.sendto(SUBSCRIBE, ("127.0.0.1", port))
        messages = decode_packet(wire.recv(65536))
    except OSError:  # nobody there yet, or nothing to tell
        return False
    return any(
        message.address == "/vqss/levels" and float(message.arguments[-1]) > AUDIBLE_DBFS  # type: ignore[arg-type]
        for message in messages
    )


def _sounding(device: str, song: Path, environment: Mapping[str, str]) -> float:
    """Seconds from starting `vqss live` to its first sound."""
    port, started = free_port(), time.perf_counter()
    command = [*_vqss(), "live", "--input", device, "--output", device, "--source", str(song), "--osc",
               f"127.0.0.1:{port}"]  # fmt: skip
    live = subprocess.Popen(
        command, cwd=ROOT, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.settimeout(0.02)
        while not _heard(wire, port):
            if live.poll() is not None or time.perf_counter() - started > PATIENCE_S:
                live.kill()
                raise RuntimeError(f"vqss live on '{device}' stays silent: {live.communicate()[1].strip()[-300:]}")
            time.sleep(0.002)
        taken = time.perf_counter() - started
    live.terminate()
    live.communicate(timeout=PATIENCE_S)
    return taken


def _live(device: str, song: Path, environment: Mapping[str, str]) -> list[float]:
    try:
        return [_sounding(device, song, environment) for _ in range(RUNS)]
    except RuntimeError as error:
        print(f"bench_start: {error}", file=sys.stderr, flush=True)
        return []


def _live_jack(song: Path) -> list[float]:
    if not (shutil.which("jackd") and shutil.which("jack_wait")):
        print("bench_start: JACK is left out: jackd is not installed", file=sys.stderr, flush=True)
        return []
    try:
        with JackServer() as server:
            return _live("jack", song, server.environment)
    except pytest.skip.Exception as reason:
        print(f"bench_start: JACK is left out: {reason}", file=sys.stderr, flush=True)
        return []


def run(seconds: float = 10.0) -> list[Row]:
    """Rows in s; the reference is how long Python takes to start and end."""
    times: dict[str, list[float]] = {EMPTY: [], HELP: []}
    for _ in range(HELP_RUNS + 1):
        times[EMPTY].append(_shell_to_shell(sys.executable, "-c", "pass"))
        times[HELP].append(_shell_to_shell(*_vqss(), "--help"))
    times = {name: values[1:] for name, values in times.items()}
    with tempfile.TemporaryDirectory(prefix="vqss-bench-") as folder:
        song = Path(folder) / "song.wav"
        soundfile.write(song, bench_signal(SONG_S, RATE_HZ).T, RATE_HZ, subtype="PCM_16")
        times[SEPARATE] = _separations(song, Path(folder) / "stems")
        times[LIVE_CLOCK] = _live("none", song, os.environ)
        times["vqss live on JACK, until it sounds"] = _live_jack(song)
    empty = float(sorted(times[EMPTY])[len(times[EMPTY]) // 2])
    return [row(name, values, "s", EMPTY, empty) for name, values in times.items() if values]
