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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if "--twice" in sys.argv:
    os.environ["QT_SCALE_FACTOR"] = "2"

from PyQt6.QtWidgets import QApplication  # noqa: E402

from bridge.commands.gui import services_for  # noqa: E402
from bridge.engine_child import EngineChild, free_port  # noqa: E402
from bridge.osc_client import RemoteControl  # noqa: E402
from gui import theme  # noqa: E402
from gui.mixer_window import MixerWindow  # noqa: E402

MIX = {
    "cluster/1/gain": -4.5, "cluster/3/gain": 2.0, "cluster/6/gain": -9.0, "cluster/9/mute": 1, "cluster/12/pan": -0.3,
    "cluster/4/pan": 0.25, "cluster/11/group": 10, "main/limiter": 1,
}  # fmt: skip


def wait(seconds: float) -> None:
    """Let the window live."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.005)


def photograph(song: Path, folder: Path, seconds: float, suffix: str) -> None:
    """Play the song for so long and write gui.png, gui-spectra.png and gui-small.png."""
    port = free_port()
    remote = RemoteControl("127.0.0.1", port)
    options = ["--input=none", "--output=none", f"--osc=127.0.0.1:{port}", f"--music={song.parent}"]
    child = EngineChild(options, dict, print, lambda: None)
    remote.start()
    window = MixerWindow(remote, services_for(song.parent, f"engine at 127.0.0.1:{port}"))
    window.resize(1440, 860)
    window.show()
    try:
        while not window.model.connected:
            wait(0.1)
        window.open_when_connected(song)
        remote.set_many({f"/vqss/{leaf}": value for leaf, value in MIX.items()})
        while not window.transport.waveform.seconds:
            wait(0.1)
        window.transport.loop.click()
        wait(seconds)
        window.grab().save(str(folder / f"gui{suffix}.png"))
        window.show_spectra(True)
        wait(0.3)
        window.grab().save(str(folder / f"gui-spectra{suffix}.png"))
        window.show_spectra(False)
        window.resize(900, 500)
        wait(0.3)
        window.grab().save(str(folder / f"gui-small{suffix}.png"))
    finally:
        window.close()
        remote.close()
        child.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("song", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--twice", action="store_true", help="at twice the resolution, into *-2x.png")
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "docs")
    arguments = parser.parse_args()
    application = QApplication(["vqss"])
    theme.apply(application)
    suffix = "-2x" if arguments.twice else ""
    with tempfile.TemporaryDirectory() as folder:
        song = arguments.song
        if song is None:
            song = Path(folder) / "demo song.wav"
            render(song)
        photograph(song.resolve(), arguments.out, arguments.seconds, suffix)


def render(path: Path) -> None:
    """Write the demo song."""
    import numpy as np
    import soundfile

    from examples import demo_song

    mix = np.sum(list(demo_song.render().values()), axis=0)
    soundfile.write(path, mix.T, 44100, subtype="PCM_16")


if __name__ == "__main__":
    main()
