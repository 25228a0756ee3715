"""Makes the pictures of the mixer window in docs/ from a song that really plays through a real engine.

    python docs/make_screenshots.py [SONG] [--seconds 20]

Without SONG the project's own demo song is rendered. No sound card is needed: the engine is paced by the clock.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if "--twice" in sys.argv:
    os.environ["QT_SCALE_FACTOR"] = "2"

from PyQt6.QtCore import QSettings  # noqa: E402
from PyQt6.QtWidgets import QApplication  # noqa: E402

from bridge.commands import gui  # noqa: E402
from gui import theme  # noqa: E402
from gui.mixer_window import MixerWindow  # noqa: E402

MIX = {
    "cluster/1/gain": -4.5, "cluster/3/gain": 2.0, "cluster/6/gain": -9.0, "cluster/9/mute": 1, "cluster/12/pan": -0.3,
    "cluster/4/pan": 0.25, "cluster/11/group": 10, "main/limiter": 1,
}  # fmt: skip


RACK = {
    "1": [{"plugin": "Compressor", "threshold_db": -24, "ratio": 3, "attack_ms": 8, "release_ms": 120},
          {"plugin": "PeakFilter", "cutoff_frequency_hz": 900, "gain_db": -3.5, "q": 1.2}],
    "4": [{"plugin": "Chorus"}, {"plugin": "Delay", "delay_seconds": 0.375, "mix": 0.2}],
    "12": [{"plugin": "Reverb", "room_size": 0.6, "wet_level": 0.25}],
    "main": [{"plugin": "BrickwallLimiter", "ceiling_db": -1.0}],
}  # fmt: skip
SIZES = {"": (1400, 800), "-small": (900, 500), "-4k": (3840, 2160)}


def wait(seconds: float) -> None:
    """Let the window live."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.005)


def wait_for(happened: Callable[[], object]) -> None:
    """Let the window live until something has come about."""
    while not happened():
        wait(0.05)


def photograph(song: Path, folder: Path, seconds: float, suffix: str) -> None:
    """Play the song for so long and write the pictures."""
    parser = argparse.ArgumentParser()
    gui.add_arguments(parser)
    options = ["--input=none", "--output=none", f"--music={song.parent}", f"--racks={song.parent}"]
    with gui.own_engine(parser.parse_args(options), None) as (remote, services):
        window = MixerWindow(remote, services, QSettings(str(song.parent / "gui.ini"), QSettings.Format.IniFormat))
        window.resize(*SIZES[""])
        window.show()
        try:
            play(window, song)
            remote.set_many({f"/vqss/{leaf}": value for leaf, value in MIX.items()})
            wait(seconds)
            pose(window, folder, suffix)
        finally:
            window.close()


def play(window: MixerWindow, song: Path) -> None:
    """Let the song play in a loop, through effects."""
    wait_for(lambda: window.model.connected)
    window.transport.open_song(song)
    window.dock.effects.load(RACK)
    wait_for(lambda: window.transport.waveform.seconds and not window.dock.effects.busy)
    window.transport.loop.click()


def pose(window: MixerWindow, folder: Path, suffix: str) -> None:
    """Every picture of the documentation, and with `--all` those that are only looked at."""

    def shoot(name: str) -> None:
        wait(0.4)
        window.grab().save(str(folder / f"gui{name}{suffix}.png"))

    for name, size in SIZES.items():
        if name != "-4k" or "--all" in sys.argv:
            window.resize(*size)
            shoot(name)
    window.resize(*SIZES[""])
    window.show_spectra(True)
    shoot("-spectra")
    window.show_spectra(False)
    window.row.set_current(1)
    window.dock.toggle()
    wait_for(lambda: window.dock.effects.kinds)
    shoot("-effects")
    if "--all" in sys.argv:
        window.resize(*SIZES["-small"])
        shoot("-effects-small")
    window.dock.toggle()
    window.resize(*SIZES[""])
    window.show_devices()
    wait(3.0)
    assert window.devices is not None
    window.devices.grab().save(str(folder / f"gui-device{suffix}.png"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("song", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--twice", action="store_true", help="at twice the resolution, into *-2x.png")
    parser.add_argument("--all", action="store_true", help="more pictures than the documentation shows")
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "docs")
    arguments = parser.parse_args()
    application = QApplication(["vqss"])
    theme.apply(application)
    suffix = "-2x" if arguments.twice else ""
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "demo song.wav"
        if arguments.song is None:
            render(song)
        else:
            song = song.with_name(arguments.song.name)
            song.symlink_to(arguments.song.resolve())
        photograph(song, arguments.out, arguments.seconds, suffix)


def render(path: Path) -> None:
    """Write the demo song."""
    import numpy as np
    import soundfile

    from examples import demo_song

    mix = np.sum(list(demo_song.render().values()), axis=0)
    soundfile.write(path, mix.T, 44100, subtype="PCM_16")


if __name__ == "__main__":
    main()
