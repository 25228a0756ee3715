"""Files beside demucs and open-unmix: seconds of music for a second of work, on all cores of the machine.

Ours is `vqss separate` as a user runs it, from a file on disk to 16 stems on disk, timed by its own manifest from the
opened song to the closed stems. The peers are given the start of the same song as an array and give back arrays: they
read and write nothing. They are slow; what they are given is short, and their rate does not depend on it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.machine import ROOT
from benchmarks.peer_models import demucs_file, openunmix_file
from benchmarks.rows import Row, compared
from benchmarks.targets import FILES_OURS
from bridge.bench_signal import bench_signal

RATE_HZ, RUNS = 44_100, 3
SONG_S, PEERS_S = 60.0, 11.7
DEMUCS, OPEN_UNMIX = "demucs (htdemucs), 4 stems, in memory", "open-unmix (umxl), 4 stems, in memory"

Rate = Callable[[], float]
"""Runs once; seconds of music for a second of work."""


def _ours(song: Path, folder: Path) -> float:
    command = [sys.executable, "-m", "bridge", "separate", str(song), "-o", str(folder), "--clusters", "all",
               "--overwrite", "--json"]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True)
    return float(json.loads(done.stdout)["songs"][0]["realtime_factor"])


def _peer(call: Callable[[np.ndarray], object], song: np.ndarray) -> float:
    started = time.perf_counter()
    call(song)
    return song.shape[1] / RATE_HZ / (time.perf_counter() - started)


def _peers(song: np.ndarray) -> dict[str, Rate]:
    found: dict[str, Rate] = {}
    try:
        import torch

        torch.set_num_threads(os.cpu_count() or 1)
    except ImportError:
        print("bench_peer_files: no torch; the peers are left out", file=sys.stderr, flush=True)
        return found
    for name, make in ((DEMUCS, demucs_file), (OPEN_UNMIX, openunmix_file)):
        try:
            found[name] = partial(_peer, make(), song)
        except Exception as error:  # another's program, which may fail in any way
            print(f"bench_peer_files: {name} is left out: {error}", file=sys.stderr, flush=True)
    return found


def run(seconds: float = 10.0) -> list[Row]:
    """Rows in × real time, where more is better; the reference is demucs. Below 5 seconds one short run each."""
    brief = seconds < 5.0
    signal = bench_signal(PEERS_S if brief else SONG_S, RATE_HZ)
    with tempfile.TemporaryDirectory(prefix="vqss-bench-") as name:
        song = Path(name) / "song.wav"
        soundfile.write(song, signal.T, RATE_HZ, subtype="FLOAT")
        contenders: dict[str, Rate] = {FILES_OURS: lambda: _ours(song, Path(name) / "stems")}
        contenders |= _peers(np.ascontiguousarray(signal[:, : round(PEERS_S * RATE_HZ)]))
        rates: dict[str, list[float]] = {name: [] for name in contenders}
        for index in range(1 if brief else RUNS):
            for name_, rate in contenders.items():
                rates[name_].append(rate())
            print(f"  bench_peer_files: {index + 1} of {1 if brief else RUNS}", file=sys.stderr, flush=True)
    return compared(rates, "× real time", DEMUCS if DEMUCS in rates else FILES_OURS, more_is_better=True)
