"""What every test may count on: one compute thread, no screen, a song, a mixer on OSC."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

for _name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")       # before numpy is imported: the arithmetic is then the same everywhere
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "Agg")
if not Path("/dev/nvidia0").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")       # before triton is imported: kernels then run on any machine

import hypothesis  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

from bridge.osc_server import OscServer  # noqa: E402
from examples import demo_song  # noqa: E402
from tests import slot_errors  # noqa: E402
from vqss_engine.control import ControlSurface  # noqa: E402

if TYPE_CHECKING:
    from gui.mixer_window import MixerWindow

# Compiling makes first examples slow, and a run must not differ from the one before it; a search for new
# counterexamples is `pytest --hypothesis-profile=explore`.
hypothesis.settings.register_profile("vqss", deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("vqss")


@pytest.fixture(autouse=True)
def no_slot_fails() -> Iterator[None]:
    """What leaves a slot of the window fails its test, with its traceback."""
    with slot_errors.raised_at_the_end():
        yield


@pytest.fixture(scope="session")
def song_stems() -> dict[str, np.ndarray]:
    """The first six seconds of the demo song: name -> (2, N) float32 at 44100 Hz. Not to be written to."""
    return demo_song.render(6.0)


@pytest.fixture(scope="session")
def song(song_stems: dict[str, np.ndarray]) -> np.ndarray:
    """Their mix, (2, N) float32 at 44100 Hz. Not to be written to."""
    mix = np.sum(list(song_stems.values()), axis=0)
    mix.flags.writeable = False
    return mix


@pytest.fixture(scope="session")
def song_file(song: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same mix as a float WAV file."""
    import soundfile

    path = tmp_path_factory.mktemp("song") / "demo song.wav"
    soundfile.write(path, song.T, 44100, subtype="FLOAT")
    return path


@pytest.fixture
def surface() -> ControlSurface:
    """A mixer with 16 clusters."""
    return ControlSurface(16)


@pytest.fixture
def server(surface: ControlSurface) -> Iterator[OscServer]:
    """An OSC server of `surface` on any free port of loopback."""
    with OscServer(surface, port=0) as running:
        yield running


@pytest.fixture
def window(surface: ControlSurface, tmp_path: Path) -> Iterator[MixerWindow]:
    """A window on the surface that a file of tests has, with settings of its own."""
    from tests.gui_windows import window_on

    with window_on(surface, tmp_path) as made:
        yield made
