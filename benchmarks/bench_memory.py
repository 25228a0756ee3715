"""How much memory `vqss separate` needs: a song of two minutes and a long file, all stems written.

What is told is the most that the command and its children held together, looked at 50 times a second, or what its
manifest says where that is more.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import soundfile

from benchmarks.machine import ROOT
from benchmarks.rows import Row, row
from benchmarks.targets import LONG_FILE
from bridge.bench_signal import bench_signal

RATE_HZ, SONG = 44_100, "vqss separate, a song"
LOOK_S, MB, OUT = 0.02, 1e6, ROOT / "out"


def _write_song(path: Path, seconds: float) -> None:
    """Ten seconds over and over, so that writing a long file needs no memory to speak of."""
    part = bench_signal(10.0, RATE_HZ).T
    with soundfile.SoundFile(path, "w", RATE_HZ, 2, subtype="PCM_16") as file:
        for _ in range(max(1, round(seconds / 10.0))):
            file.write(part)


def _held(process: psutil.Process) -> int:
    """Bytes that it and its children hold now."""
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.Error:
        pass
    return total


def _separate(song: Path, out: Path) -> tuple[float, float]:
    """Most MB held, and × real time."""
    command = [sys.executable, "-m", "bridge", "separate", str(song), "-o", str(out), "--clusters", "all", "--subtype",
               "PCM_16", "--json"]  # fmt: skip
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    process, most = psutil.Process(child.pid), 0
    while child.poll() is None:
        most = max(most, _held(process))
        time.sleep(LOOK_S)
    text = child.communicate()[0]
    if child.returncode:
        raise SystemExit("bench_memory: vqss separate has failed")
    manifest = json.loads(text)["songs"][0]
    return max(most, manifest["peak_rss_mb"] * 2**20) / MB, float(manifest["realtime_factor"])


def run(seconds: float = 10.0) -> list[Row]:
    """Rows in MB; the long file has 36 s for each of `seconds`, the song two minutes; beside the song."""
    brief = seconds < 5.0
    lengths = {SONG: 20.0 if brief else 120.0, LONG_FILE: 36.0 * seconds}
    found: dict[str, tuple[float, float]] = {}
    for name, length in lengths.items():
        OUT.mkdir(exist_ok=True)  # on disk: elsewhere temporary files may be kept in memory
        with tempfile.TemporaryDirectory(prefix="bench-", dir=OUT) as folder:
            song = Path(folder) / "song.wav"
            _write_song(song, length)
            found[name] = _separate(song, Path(folder) / "stems")
        print(f"  bench_memory: {name} is done", file=sys.stderr, flush=True)
    reference = found[SONG][0]
    return [
        row(name, [most], "MB", SONG, reference, seconds=lengths[name],
            note=f"{lengths[name] / 60.0:.3g} min of music at {rate:.1f} × real time, 16 stems")
        for name, (most, rate) in found.items()
    ]  # fmt: skip
