"""The producer's scripts do to a song what they say, and to nothing else of it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.pedalboard_bridge import VQSSeparator
from examples.duck_guitar import ducking_gain
from tests.streams import small_bundle, worst_dbfs

RATE = 44100


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small"
    small_bundle().save(path)
    return path


def call(name: str, *arguments: str | Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [name, *map(str, arguments)])
        importlib.import_module(f"examples.{name}").main()


def run_example(name: str, song: np.ndarray, folder: Path, model: Path, *options: str) -> np.ndarray:
    soundfile.write(folder / "song.wav", song.T, RATE, subtype="FLOAT")
    (folder / "out.wav").unlink(missing_ok=True)
    call(name, folder / "song.wav", folder / "out.wav", "--model", model, *options)
    out, rate = soundfile.read(folder / "out.wav", dtype="float32", always_2d=True)
    assert rate == RATE and out.shape == song.T.shape
    return out.T


@pytest.fixture(scope="module")
def loop(song: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(0.5 * song[:, : 2 * RATE])


def test_karaoke_leaves_only_the_reverb_of_the_vocals(loop: np.ndarray, tmp_path: Path, model: Path) -> None:
    out = run_example("karaoke", loop, tmp_path, model, "--vocals", "1")
    without = VQSSeparator(model, mute=1)(loop, RATE)
    reverb = out - without
    assert worst_dbfs(reverb) > -60 and np.square(reverb).mean() < np.square(loop - without).mean()


def test_the_drum_bus_adds_to_an_untouched_song(loop: np.ndarray, tmp_path: Path, model: Path) -> None:
    options = ("--drums", "0,2", "--blend")
    loud, soft = (run_example("drum_bus", loop, tmp_path, model, *options, blend) for blend in ("0.5", "0.05"))
    assert worst_dbfs(loud - loop) > -40
    assert worst_dbfs((loud - loop) - 10 * (soft - loop)) < -90  # 24 bits


def test_the_guitar_ducks_and_nothing_else(loop: np.ndarray, tmp_path: Path, model: Path) -> None:
    out = run_example("duck_guitar", loop, tmp_path, model, "--guitar", "2", "--vocals", "0", "--depth", "-60")
    vocals, guitar = (VQSSeparator(model, solo=k)(loop, RATE) for k in (0, 2))
    gain = ducking_gain(vocals, RATE, -60.0)
    assert gain.min() < 0.1 and gain.max() <= 1.0 and np.abs(np.diff(gain)).max() < 0.01
    assert worst_dbfs(out - (loop - (1 - gain) * guitar)) < -120


@pytest.mark.parametrize("name, clusters", [
    ("karaoke", "--vocals=1"), ("drum_bus", "--drums=1"), ("duck_guitar", "--vocals=0 --guitar=1"),
])  # fmt: skip
def test_a_script_refuses_in_one_line_and_leaves_what_is_there(
    name: str, clusters: str, tmp_path: Path, model: Path
) -> None:
    song, empty, taken, out = (tmp_path / f"{stem}.wav" for stem in ("song", "empty", "taken", "out"))
    soundfile.write(song, np.zeros((400, 2)), RATE)
    empty.touch()
    taken.write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for source, target in ((song, song), (song, taken), (tmp_path / "none.wav", out), (empty, out),
                           (song, tmp_path / "out.txt"), (song, tmp_path / "none" / "out.wav")):
        with pytest.raises(SystemExit) as ended:
            call(name, source, target, "--model", model, *clusters.split())
        assert isinstance(ended.value.code, str) and len(ended.value.code.splitlines()) == 1
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_demo_song_replaces_no_file_and_has_a_length(tmp_path: Path) -> None:
    call("demo_song", tmp_path / "demo.wav", "--seconds", "0.2", "--stems", tmp_path / "stems")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.wav")}
    assert len(before) == 8
    other = tmp_path / "other.wav"
    for arguments in ((tmp_path / "demo.wav",), (other, "--stems", tmp_path / "stems"), (other, "--seconds", "0"),
                      (other, "--seconds", "nan"), (tmp_path / "demo.txt",)):
        with pytest.raises(SystemExit):
            call("demo_song", *arguments)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before
