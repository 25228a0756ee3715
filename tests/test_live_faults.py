"""Whatever fails while sound runs, what is heard goes on: the delayed input, without a step of our own making."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.live_runs import RATE, aligned, latency_frames, play, song_file
from tests.streams import largest_step, small_engine
from vqss_engine.engine import Engine

SECONDS = 2.0


def sine(seconds: float = SECONDS) -> np.ndarray:
    """100 Hz, (2, N): its samples step little, so that a click stands out."""
    count = np.arange(round(seconds * RATE)) / RATE
    return np.tile(0.5 * np.sin(2 * np.pi * 100 * count), (2, 1)).astype(np.float32)


def at_chunk(number: int, fault: Callable[[], object]) -> Callable[[], None]:
    """Does `fault` before that chunk, counted from 0."""
    chunks = [0]

    def before() -> None:
        chunks[0] += 1
        if chunks[0] == number + 1:
            fault()

    return before


def check(signal: np.ndarray, out: np.ndarray, latency: int) -> None:
    """The input, late, and no step that is larger than its own."""
    sound = aligned(out, latency, signal.shape[1])
    assert np.abs(sound - signal[:, : sound.shape[1]]).max() < 1e-5
    assert largest_step(out) < 1.02 * largest_step(signal)


def test_a_worker_that_stalls_is_covered_by_the_dry_mix(tmp_path: Path) -> None:
    signal = sine()
    before = at_chunk(100, lambda: time.sleep(0.3))
    report, (out,), _ = play(song_file(tmp_path, signal), tmp_path, SECONDS, free=False, before_chunk=before)
    assert report["misses"] > 0 and report["fallbacks"] > 0 and report["dry_frames"] > 0
    check(signal, out, latency_frames(report))


@pytest.mark.parametrize("multi", [False, True])
def test_a_worker_that_raises_is_covered_by_the_dry_mix(tmp_path: Path, multi: bool) -> None:
    class Raising(Engine):
        hops_left = 100

        def process(self, block: np.ndarray, out: np.ndarray) -> np.ndarray:
            self.hops_left -= 1
            if 0 <= self.hops_left < 40:
                raise RuntimeError("out of order")
            return super().process(block, out)

    base = small_engine(multi=multi)
    base.__class__ = Raising
    signal = sine()
    report, (out, *clusters), _ = play(song_file(tmp_path, signal), tmp_path, SECONDS, engine=base)
    check(signal, out, latency_frames(report))
    assert report["fallbacks"] > 0 and report["dry_frames"] > 0
    assert "out of order" in " ".join(base.telemetry.snapshot().errors)
    if multi:
        assert np.abs(np.sum(clusters, axis=0) - out).max() < 1e-4
        assert max(map(largest_step, clusters)) < 1.02 * largest_step(signal)


def test_a_model_that_gives_no_numbers_is_covered_by_the_dry_mix(tmp_path: Path) -> None:
    engine = small_engine()
    signal = sine()

    def spoil() -> None:
        engine.separator.runtime.step(np.full((2, 1025), np.nan, np.complex64))

    report, (out,), _ = play(
        song_file(tmp_path, signal), tmp_path, SECONDS, engine=engine, before_chunk=at_chunk(100, spoil)
    )
    check(signal, out, latency_frames(report))
    assert report["fallbacks"] > 0


def test_the_dry_mix_is_as_loud_as_the_fader_says(tmp_path: Path) -> None:
    engine, signal = small_engine(), sine()
    engine.surface.set("/vqss/main/gain", -12.0)
    before = at_chunk(100, lambda: time.sleep(0.3))
    report, (out,), _ = play(
        song_file(tmp_path, signal), tmp_path, SECONDS, engine=engine, free=False, before_chunk=before
    )
    assert report["dry_frames"] > 0
    check(signal * np.float32(10 ** (-12 / 20)), out, latency_frames(report))


def test_a_muted_output_stays_silent_through_a_stall(tmp_path: Path) -> None:
    engine, signal = small_engine(), sine()
    engine.surface.set("/vqss/main/mute", 1)
    before = at_chunk(100, lambda: time.sleep(0.3))
    report, (out,), _ = play(
        song_file(tmp_path, signal), tmp_path, SECONDS, engine=engine, free=False, before_chunk=before
    )
    assert report["dry_frames"] > 0
    assert not out.any()
