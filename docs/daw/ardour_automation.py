"""Ardour writes automation by its faders and plays it; VQSS writes down what it hears, and mixes it down twice.

    python -m docs.daw.ardour_automation

What it prints is the transcript in ardour.md. Needs Ardour 7 and jackd2; every program here is a process of its own.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile

from bridge.automation import read_take
from bridge.engine_child import free_port
from bridge.osc_client import RemoteControl
from examples.demo_song import render
from tests.headless_ardour import HeadlessArdour
from tests.osc_peers import wait_until
from tests.test_ardour import FADER, Hand

PATIENCE_S = 120.0


def _shown(argument: object) -> object:
    """Without the folder."""
    return argument.name if isinstance(argument, Path) else argument


def started(*arguments: object) -> subprocess.Popen[bytes]:
    print("$ vqss", *map(_shown, arguments), "&", flush=True)
    command = [sys.executable, "-m", "bridge", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(*arguments: object) -> None:
    print("$ vqss", *map(_shown, arguments), flush=True)
    command = [sys.executable, "-m", "bridge", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def perform(port: int) -> None:
    """Move a fader while Ardour writes, then let Ardour play it."""
    mixer = RemoteControl(port=port)
    mixer.start()
    wait_until(lambda: mixer.connected, PATIENCE_S)
    with started("osc", "--connect", f"127.0.0.1:{port}", "--ardour") as joint:
        wait_until(lambda: mixer.get("/vqss/cluster/3/name") == "track 4", PATIENCE_S)
        hand = Hand()
        hand.write(mixer)
        print(f"  Ardour wrote the fader of track 2, moved over OSC as {FADER}", flush=True)
        time.sleep(1.0)
        hand.rewind()
        hand.play()
        print("  Ardour plays it", flush=True)
        time.sleep(3.0)
        joint.terminate()
    mixer.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        soundfile.write(folder / "song.wav", sum(render(20.0).values()).T, 44100, subtype="FLOAT")
        with HeadlessArdour(folder, 16) as daw:
            port = free_port()
            clock = ("live", "--input", "none", "--output", "none", "--source", folder / "song.wav", "--seconds", 40)
            with started(*clock, "--osc", f"127.0.0.1:{port}", "--write-automation", folder / "take.json") as live:
                perform(port)
                live.terminate()
            for second, gain in daw.gain_automation(2):
                print(f"  in Ardour's session: {second:8.3f} s  {gain:.4f}")
        take = read_take(folder / "take.json")
        moves = [(second, value) for second, path, value in take.changes if path == FADER]
        print(f"  take.json: {len(moves)} moves of {FADER}, from {moves[0][0]:.3f} s to {moves[-1][0]:.3f} s")
        for target in ("first.wav", "second.wav"):
            run(*clock[:-1], 20, "--freewheel", "--osc", "none", "--automation", folder / "take.json",
                "--record", folder / target)  # fmt: skip
            print(hashlib.sha256((folder / target).read_bytes()).hexdigest()[:32], target)


if __name__ == "__main__":
    main()
