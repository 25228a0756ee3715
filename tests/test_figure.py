"""The mel picture shows what sounds, where and when, in memory that does not grow."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from bridge.figure import row_labels, save_picture
from bridge.figure_grid import SongPicture, save_grid, short_title
from bridge.mel_picture import BANDS, MAX_COLUMNS, MelPicture, mel_filters


def collect(signals: np.ndarray, rate: int, block: int = 4_096) -> MelPicture:
    picture = MelPicture(signals.shape[0], signals.shape[1], rate)
    for start in range(0, signals.shape[-1], block):
        picture.process(signals[..., start : start + block])
    picture.finish()
    return picture


def sine(hz: float, seconds: float, rate: int) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return np.sin(2 * np.pi * hz * t).astype(np.float32)[None, None]


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_every_band_sees_some_bin_and_neighbours_share_each(rate: int) -> None:
    picture = MelPicture(1, 1, rate)
    filters, centres = mel_filters(rate, picture.window)
    assert filters.shape == (BANDS, picture.window // 2 + 1)
    assert (filters.sum(axis=1) > 0).all()
    assert np.all(np.diff(centres) > 0) and centres[-1] < rate / 2


@pytest.mark.parametrize(("hz", "rate"), [(110.0, 44_100), (1_000.0, 8_000), (5_000.0, 48_000), (15_000.0, 96_000)])
def test_a_sine_shows_in_its_band_at_its_level(hz: float, rate: int) -> None:
    picture = collect(sine(hz, 1.0, rate), rate)
    middle = picture.decibels()[0, :, picture.decibels().shape[-1] // 2]
    band = int(middle.argmax())
    assert abs(np.log2(picture.centres_hz[band] / hz)) < 0.2
    assert 10 * np.log10((10 ** (middle / 10)).sum()) == pytest.approx(0.0, abs=2.5)


def test_the_picture_does_not_depend_on_the_blocks() -> None:
    rng = np.random.default_rng(3)
    signals = rng.standard_normal((3, 2, 30_000)).astype(np.float32)
    whole, parts = collect(signals, 44_100, 30_000), collect(signals, 44_100, 777)
    assert np.allclose(whole.decibels(), parts.decibels(), atol=1e-3)


def test_an_event_shows_at_its_time() -> None:
    signal = np.zeros((1, 1, 44_100 * 2), np.float32)
    signal[0, 0, 66_150:66_250] = 0.5
    picture = collect(signal, 44_100)
    levels = picture.decibels()[0].sum(axis=0)
    assert levels.argmax() * picture.hop / 44_100 == pytest.approx(1.5, abs=0.03)


def test_columns_stay_bounded_and_loud_parts_stay_in_place() -> None:
    rate = 8_000
    picture = MelPicture(1, 1, rate)
    block = sine(1_000.0, 10.0, rate)
    blocks = 120
    for index in range(blocks):
        picture.process(block if index < blocks // 4 else np.zeros_like(block))
    picture.finish()
    levels = picture.decibels()[0].max(axis=0)
    assert MAX_COLUMNS // 2 < levels.size <= 2 * MAX_COLUMNS
    quarter = levels.size // 4
    assert levels[: quarter - 2].min() > -5.0 and levels[quarter + 2 :].max() < -100.0


def test_stereo_in_opposite_phase_does_not_cancel() -> None:
    mono = sine(1_000.0, 0.5, 44_100)
    picture = collect(np.concatenate([mono, -mono], axis=1), 44_100)
    assert picture.decibels().max() > -5.0


def test_a_row_for_the_mix_and_each_cluster_is_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    stems = rng.standard_normal((4, 1, 44_100)).astype(np.float32) * np.array([1, 0.1, 0.01, 0])[:, None, None]
    picture = collect(np.concatenate([stems.sum(axis=0, keepdims=True), stems]).astype(np.float32), 44_100)
    path = tmp_path / "picture.png"
    save_picture(path, picture, ["bass", "$x$", "", "歌"], "A $ong 歌", [True, True, True, False])
    image = matplotlib.image.imread(path)
    assert image.shape[0] > 400 and image.shape[1] > 1_000
    assert [entry.name for entry in tmp_path.iterdir()] == ["picture.png"]
    # Down the middle of the picture: five rows between white gaps, quieter stems darker.
    brightness = image[:, 500:900, :3].mean(axis=(1, 2))
    edges = np.flatnonzero(np.diff(np.pad(brightness < 0.97, 1).astype(int)))
    rows = [brightness[top:bottom].mean() for top, bottom in edges.reshape(-1, 2) if bottom - top > 40]
    assert len(rows) == 5
    assert rows[1:] == sorted(rows[1:], reverse=True) and rows[1] - rows[3] > 0.1 and rows[3] - rows[4] > 0.1


def test_rows_are_labelled_by_number_and_name() -> None:
    assert row_labels(["bass", ""]) == ["mix", "0 bass", "1"]


def test_a_failed_picture_leaves_nothing(tmp_path: Path) -> None:
    picture = collect(sine(440.0, 0.2, 44_100), 44_100)
    with pytest.raises(OSError):
        save_picture(tmp_path / "no folder" / "p.png", picture, [], "t")
    assert not list(tmp_path.iterdir())


def test_several_songs_make_a_small_picture_with_a_column_each(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    loud = rng.standard_normal((3, 1, 44_100)).astype(np.float32)
    songs = [
        SongPicture(title, collect(loud * np.array([1, 1, level], np.float32)[:, None, None], 44_100), [True, used])
        for title, level, used in (("a/mix", 1.0, True), ("b/$mix", 0.001, False))
    ]
    save_grid(tmp_path / "grid.png", songs, ["bass", ""])
    image = matplotlib.image.imread(tmp_path / "grid.png")[..., :3].mean(axis=-1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["grid.png"]
    # Columns and rows are what lies between white gaps.
    tiles = [
        np.diff(np.flatnonzero(np.diff(np.pad((image.mean(axis=axis) < 0.9).astype(int), 1))).reshape(-1, 2)).ravel()
        for axis in (0, 1)
    ]
    assert [sum(size > 20 for size in sizes) for sizes in tiles] == [2, 3]
    height, width = image.shape
    assert image[-height // 4 :, -width // 4 :].mean() < image[height // 5 : height // 3, -width // 4 :].mean()


def test_long_titles_keep_to_their_column() -> None:
    assert short_title("Let's go fishin'") == "Let's go fishin'"
    takes = [short_title(f"The very same long name of a song, take {number}") for number in (1, 2)]
    assert all(len(take) == 21 and take.startswith("The very s…") for take in takes) and takes[0] != takes[1]
