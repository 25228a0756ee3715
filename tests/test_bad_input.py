"""Bad input is one clear line, an exit code, and no file left behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.bench_signal import bench_signal
from bridge.cli import main
from tests.small_disks import small_disk
from vqss_engine.bundle import ModelBundle


def run(argv: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and the one line on stderr."""
    code = main(argv)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("vqss: ") and err.count("\n") == 1, err
    assert "; " in err  # what is wrong; what to do
    return code, err


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def missing(path: Path) -> None:
    pass


def empty(path: Path) -> None:
    path.touch()


def folder(path: Path) -> None:
    path.mkdir()


def text(path: Path) -> None:
    path.write_text("This is a letter, not a song.\n" * 20)


def no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 2)), 44_100)


def three_channels(path: Path) -> None:
    soundfile.write(path, np.zeros((100, 3)), 44_100)


def slow_rate(path: Path) -> None:
    soundfile.write(path, np.zeros(100), 4_000)


def high_rate(path: Path) -> None:
    soundfile.write(path, np.zeros(100), 384_000)


def not_a_number(path: Path) -> None:
    song = bench_signal(0.9, 44_100)
    song[1, 20_000] = np.nan
    soundfile.write(path, song.T, 44_100, subtype="FLOAT")


def infinite(path: Path) -> None:
    song = bench_signal(0.2, 44_100)
    song[0, 0] = np.inf
    soundfile.write(path, song.T, 44_100, subtype="FLOAT")


def truncated(path: Path) -> None:
    whole = path.with_name("whole.flac")
    soundfile.write(whole, bench_signal(3.0, 44_100).T, 44_100)
    data = whole.read_bytes()
    whole.unlink()
    path.write_bytes(data[: len(data) // 2])


SONGS: list[tuple[Callable[[Path], None], str, str]] = [
    (missing, "song.wav", "there is no file"),
    (empty, "song.wav", "empty"),
    (folder, "song.wav", "not a file"),
    (text, "song.wav", "cannot read"),
    (no_samples, "song.wav", "no audio"),
    (three_channels, "song.wav", "3 channels"),
    (slow_rate, "song.wav", "4000 Hz"),
    (high_rate, "song.wav", "384000 Hz"),
    (not_a_number, "song.wav", "sample 20000 (0.454 s), channel 2"),
    (infinite, "song.wav", "sample 0 (0.000 s), channel 1"),
    (truncated, "song.flac", "cut off"),
    (truncated, "truncated but named.wav", "cut off"),
]


@pytest.mark.parametrize(("make", "name", "words"), SONGS, ids=[f"{make.__name__} {name}" for make, name, _ in SONGS])
@pytest.mark.parametrize("command", ["separate", "figure"])
def test_bad_songs(
    command: str, make: Callable[[Path], None], name: str, words: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    song = tmp_path / "in" / name
    song.parent.mkdir()
    make(song)
    before = everything_below(tmp_path)
    out = tmp_path / "out" if command == "separate" else tmp_path / "out.png"
    code, line = run([command, str(song), "-o", str(out)], capsys)
    assert code == 1
    assert words in line and str(song) in line
    assert everything_below(tmp_path) == before


@pytest.fixture
def good_song(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    soundfile.write(path, bench_signal(0.5, 44_100).T, 44_100)
    return path


@pytest.mark.parametrize("existing", ["out is a file", "song folder is a file", "below a file", "song is a link"])
def test_outputs_that_cannot_be_folders(
    existing: str, good_song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    if existing == "song folder is a file":
        out.mkdir()
        (out / "song").write_text("in the way")
    elif existing == "song is a link":
        out.mkdir()
        (out / "song").symlink_to("nowhere")
    else:
        out.write_text("in the way")
    before = everything_below(tmp_path)
    target = out / "deeper" if existing == "below a file" else out
    code, line = run(["separate", str(good_song), "-o", str(target)], capsys)
    assert code == 1
    assert ("is a link that leads nowhere" if existing.endswith("link") else "is a file") in line
    assert everything_below(tmp_path) == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to: /proc")
def test_unwritable_folder(good_song: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, line = run(["separate", str(good_song), "-o", "/proc/vqss"], capsys)
    assert code == 1 and "/proc" in line


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission(good_song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    code, line = run(["separate", str(good_song), "-o", str(closed)], capsys)
    assert code == 1 and "ermission" in line
    assert everything_below(closed) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    with small_disk(tmp_path / "tiny", "256k") as place:
        yield place


@pytest.mark.parametrize("options", [["--format", "wav"], ["--format", "flac"], ["--format", "wav", "--figure"]])
def test_full_disk(options: list[str], tiny_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = tmp_path / "song.wav"
    clusters = ["--clusters", "0"] if "--figure" in options else []
    soundfile.write(song, bench_signal(0.5 if clusters else 4.0, 44_100).T, 44_100)
    code, line = run(["separate", str(song), "-o", str(tiny_disk / "out"), *options, *clusters], capsys)
    assert code == 1
    assert "disk" in line and "free" in line
    assert everything_below(tiny_disk) == []


def test_mp3_of_a_rate_it_cannot_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = tmp_path / "song.wav"
    soundfile.write(song, bench_signal(0.1, 96_000).T, 96_000)
    code, line = run(["separate", str(song), "-o", str(tmp_path / "out"), "--format", "mp3"], capsys)
    assert code == 1 and "96000" in line
    assert everything_below(tmp_path) == ["song.wav"]


def no_bundle(path: Path) -> None:
    pass


def damaged_weights(path: Path) -> None:
    ModelBundle.load().save(path)
    weights = next(path.rglob("*.safetensors")) if path.is_dir() else path
    data = bytearray(weights.read_bytes())
    weights.write_bytes(data[: len(data) // 2])


def damaged_config(path: Path) -> None:
    ModelBundle.load().save(path)
    (config,) = path.rglob("*.json")
    config.write_text(config.read_text("utf-8")[:-20], "utf-8")


def overwritten_weights(path: Path) -> None:
    """As long as before, but its beginning was overwritten."""
    ModelBundle.load().save(path)
    weights = next(path.rglob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[:64] = bytes(64)
    weights.write_bytes(data)


@pytest.mark.parametrize("damage", [no_bundle, damaged_weights, damaged_config, overwritten_weights])
@pytest.mark.parametrize("command", ["separate", "info"])
def test_damaged_bundles(
    command: str, damage: Callable[[Path], None], good_song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle"
    damage(bundle)
    before = everything_below(tmp_path)
    options = ["separate", str(good_song), "-o", str(tmp_path / "out"), "--model", str(bundle)]
    code, _ = run(options if command == "separate" else ["info", str(bundle)], capsys)
    assert code == 1
    assert everything_below(tmp_path) == before


def test_the_song_is_safe_from_its_own_stems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = tmp_path / "mixdown" / "mixdown.wav"
    song.parent.mkdir()
    soundfile.write(song, bench_signal(0.2, 44_100).T, 44_100)
    data = song.read_bytes()
    code, _ = run(["separate", str(song), "-o", str(tmp_path), "--mixdown", "--overwrite"], capsys)
    assert code == 1 and song.read_bytes() == data
