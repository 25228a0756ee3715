"""A `vqss render` that is stopped, or cannot: one line, and nothing but whole songs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from training.band import Stem
from training.composer import compose
from training.render import write_song
from training.synth import find_soundfonts
from vqss_engine.errors import VQSSError

ROOT = Path(__file__).resolve().parent.parent


def test_a_song_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    stems = [Stem("bass", "a", np.zeros((2, 100), np.float32)), Stem("lead", "b", np.zeros((2, 100), np.complex64))]
    with pytest.raises(ValueError, match="dtype"):
        write_song(tmp_path / "song", compose(np.random.default_rng(0), 4.0), stems, {})
    assert not list(tmp_path.iterdir())


def test_of_a_soundfont_that_is_none_nothing_else_speaks(tmp_path: Path) -> None:
    pytest.importorskip("fluidsynth")
    font = tmp_path / "junk.sf2"
    font.write_text("no soundfont")
    command = [sys.executable, "-m", "bridge", "render", "-o", str(tmp_path / "out"), "--seconds", "6", "--songs", "1"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120,
                         env={**os.environ, "VQSS_SOUNDFONT": str(font)})  # fmt: skip
    assert run.returncode == 1 and run.stderr == f"vqss: cannot load the soundfont {font}; correct VQSS_SOUNDFONT\n"


def _starting(pid: int, out: Path) -> bool:
    """Whether there are workers, which have begun to import and go on for a while."""
    return sum(child.cpu_times().user for child in psutil.Process(pid).children()) > 0.4


def _working(pid: int, out: Path) -> bool:
    return bool(list(out.glob("song_*")))


@pytest.mark.parametrize(("number", "to", "code"), [
    (signal.SIGINT, "group", 130), (signal.SIGTERM, "group", 143), (signal.SIGKILL, "process", -9),
])  # fmt: skip
def test_workers_end_soon_and_say_nothing(number: int, to: str, code: int, tmp_path: Path) -> None:
    pytest.importorskip("fluidsynth")
    try:
        find_soundfonts()
    except VQSSError as error:
        pytest.skip(str(error))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "bridge", "render", "-o", str(out), "--seconds", "6", "--songs", "9"]
    run = subprocess.Popen(
        [*command, "--jobs", "2"], cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert run.stderr is not None
    until = _working if number != signal.SIGINT else _starting
    while run.poll() is None and not until(run.pid, out):
        time.sleep(0.05)
    (os.killpg if to == "group" else os.kill)(run.pid, number)
    said = run.stderr.read()        # until the last worker has ended
    if number != signal.SIGKILL:    # after which Python tells of its semaphores
        assert said == "vqss: stopped; unfinished output was removed\n"
    run.stderr.close()
    assert run.wait(60) == code
    assert len(list(out.iterdir())) < 9 and not list(out.glob(".*"))
