"""What the mixer window costs: `python -m benchmarks.bench_gui [--seconds 60] [--rounds 2] [--minutes 0]`.

An engine plays the demo song in a loop, paced by the clock, by turns without a window and with one whose spectrograms
all scroll (strips and the view of all rows by turns). Told, as JSON lines: CPU time of the window's process as part of
a core, columns drawn a second, its memory at start and end, the engine's hop p99 without and with the window, and the
seconds from the start of `vqss gui` to the first painted mixer. `--minutes M` looks at one window for so long, for its
memory. Meaningful on an idle machine only. Set QT_QPA_PLATFORM (offscreen, xcb under Xvfb) to choose the screen.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
import soundfile

from bridge.device_facts import RUNNING
from bridge.osc_sockets import free_port
from examples import demo_song

RATE = 44100
_SETTLE_S, _TURN_S = 3.0, 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a run with and one without window")
    parser.add_argument("--rounds", type=int, default=2, help="how often both are run, by turns")
    parser.add_argument("--minutes", type=float, default=0.0, help="then watch the memory of one window so long")
    parser.add_argument("--size", default="1400x800", help="of the window")
    parser.add_argument("--window", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if arguments.window:
        _show_window(int(arguments.window), arguments.size)
        return
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "demo song.wav"
        mix = np.sum(list(demo_song.render().values()), axis=0)
        soundfile.write(song, mix.T, RATE, subtype="PCM_16")
        print(json.dumps({"start_s": [round(_start_seconds(song), 2) for _ in range(3)]}), flush=True)
        _compare(song, mix.shape[1] / RATE, arguments)
        if arguments.minutes:
            watched = _run(song, mix.shape[1] / RATE, 60.0 * arguments.minutes, arguments.size)
            print(json.dumps({"minutes": arguments.minutes, **watched["window"]}))


def _compare(song: Path, length_s: float, arguments: argparse.Namespace) -> None:
    """Runs without and with a window by turns."""
    p99: dict[str, list[float]] = {"headless": [], "window": []}
    for _ in range(arguments.rounds):
        for name, size in (("headless", ""), ("window", arguments.size)):
            report = _run(song, length_s, arguments.seconds, size)
            p99[name].append(report["hop_ms"]["p99"])
            told = {key: report[key] for key in ("hops", "misses", "fallbacks", "hop_ms")}
            print(json.dumps({"run": name, **told, **report.get("window", {})}), flush=True)
    middle = {name: median(values) for name, values in p99.items()}
    print(json.dumps({"hop_p99_ms": middle, "ratio": round(middle["window"] / middle["headless"], 3)}), flush=True)


def _run(song: Path, length_s: float, seconds: float, size: str) -> dict[str, Any]:
    """The report of a live run; `size` asks for a window, whose figures are added as "window"."""
    port = free_port()
    command = [
        sys.executable, "-m", "bridge", "live", "--input=none", "--output=none", f"--source={song}", "--json",
        f"--osc=127.0.0.1:{port}", f"--set=/vqss/transport/loop=0 {length_s:.3f}",
    ]  # fmt: skip
    engine = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert engine.stderr is not None
    for line in engine.stderr:
        if RUNNING in line:
            break
    window = _watch(port, seconds, size) if size else time.sleep(seconds + _SETTLE_S)
    engine.terminate()
    report: dict[str, Any] = json.loads(engine.communicate()[0])
    return {**report, "window": window} if size else report


def _watch(port: int, seconds: float, size: str) -> dict[str, Any]:
    """Look at a window's process for so long."""
    command = [sys.executable, "-m", "benchmarks.bench_gui", f"--window={port}", f"--size={size}"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        child.stdout.readline()     # it is there
        time.sleep(_SETTLE_S)
        process = psutil.Process(child.pid)
        before, began, memory = process.cpu_times(), time.monotonic(), [process.memory_info().rss]
        while time.monotonic() - began < seconds:
            time.sleep(min(1.0, seconds / 10))
            memory.append(process.memory_info().rss)
        after, took = process.cpu_times(), time.monotonic() - began
    finally:
        child.terminate()
        said = child.communicate()[0].split()
    used = after.user + after.system - before.user - before.system
    return {
        "cpu_of_a_core": round(used / took, 3),
        "columns_per_s": round(float(said[-1]), 1) if said else None,
        "rss_mb": {"start": memory[0] >> 20, "end": memory[-1] >> 20, "max": max(memory) >> 20},
    }


def _start_seconds(song: Path) -> float:
    """From the shell to the first painted mixer."""
    began = time.monotonic()
    command = [sys.executable, "-m", "bridge", "gui", str(song), "--input=none", "--output=none", "--debug"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    try:
        for line in child.stderr:
            if "mixer painted" in line:
                return time.monotonic() - began
    finally:
        child.terminate()
        child.communicate()
    raise SystemExit("the window did not come up; try `vqss gui --debug`")


def _show_window(port: int, size: str) -> None:
    """The window's process: shows a mixer, changes its view every five seconds, and tells its pace at the end."""
    import signal

    from PyQt6.QtCore import QSettings, QTimer
    from PyQt6.QtWidgets import QApplication

    from bridge.commands.gui_services import services_for
    from bridge.osc_client import RemoteControl
    from gui import theme
    from gui.mixer_window import MixerWindow

    application = QApplication(["vqss"])
    theme.apply(application)
    remote = RemoteControl("127.0.0.1", port)
    remote.connect()
    window = MixerWindow(remote, services_for(remote, None, "engine"), QSettings())
    window.resize(*map(int, size.split("x")))
    window.show()
    print("shown", flush=True)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: application.quit())
    turn, poll = QTimer(), QTimer()
    turn.timeout.connect(lambda: window.show_spectra(window.pages.currentIndex() == 0))
    turn.start(round(1000 * _TURN_S))
    poll.timeout.connect(lambda: None)      # lets Python look at signals
    poll.start(100)
    application.exec()
    print(window.ring.count / (time.monotonic() - began), flush=True)
    remote.close()


if __name__ == "__main__":
    main()
