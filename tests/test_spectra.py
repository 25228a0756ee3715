"""Spectra for the screen: a tone shows in its band at its level, and clusters are drawn when they are wanted."""

from __future__ import annotations

import numpy as np
import pytest

from tests.streams import CLUSTERS, noise, run, small_engine
from vqss_engine.spectra import BANDS, mel_edges_hz


def levels_db(engine_spectra: tuple[int, bytes]) -> np.ndarray:
    steps = np.frombuffer(engine_spectra[1], np.uint8).reshape(CLUSTERS + 1, BANDS)
    return steps * 90.0 / 255.0 - 90.0


@pytest.mark.parametrize("hz", [110.0, 1000.0, 9000.0])
def test_a_tone_shows_in_its_band_at_its_level(hz: float) -> None:
    engine = small_engine()
    engine.telemetry.spectra_per_s = 60.0
    time = np.arange(60 * engine.hop) / engine.sample_rate
    run(engine, np.tile(0.5 * np.sin(2 * np.pi * hz * time), (2, 1)).astype(np.float32))
    mix = levels_db(engine.telemetry.spectra)[0]
    band = int(np.searchsorted(mel_edges_hz(engine.sample_rate / 2), hz)) - 1
    near = slice(max(0, band - 2), band + 3)
    assert abs(int(np.argmax(mix)) - band) <= 1
    assert 10 * np.log10(np.sum(10 ** (mix[near] / 10))) == pytest.approx(20 * np.log10(0.5), abs=1.0)
    far = np.ones(BANDS, bool)
    far[max(0, band - 8) : band + 9] = False
    assert mix[far].max() < -40


def test_no_cluster_is_above_the_mix() -> None:
    engine = small_engine()
    engine.telemetry.spectra_per_s = 60.0
    run(engine, noise(engine, 60))
    levels = levels_db(engine.telemetry.spectra)
    assert (levels[1:] <= levels[0] + 0.4).all() and levels[1:].max() > -80


@pytest.mark.parametrize(("wanted", "frames"), [(0.0, 1), (20.0, 21), (60.0, 58)])
def test_spectra_come_as_often_as_wanted(wanted: float, frames: int) -> None:
    engine = small_engine()
    engine.telemetry.spectra_per_s = wanted
    seen = set()
    run(engine, noise(engine, 173), lambda hop: seen.add(engine.telemetry.spectra[0]))
    assert abs(len(seen) - frames) <= 1
