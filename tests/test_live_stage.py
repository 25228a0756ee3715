"""The engine at a device's rate: what comes out is as late as is told, however long it runs."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.live_stage import LiveStage
from tests.streams import delayed, largest_step, small_engine


def sines(rate_hz: int, chunks: int, chunk: int) -> np.ndarray:
    """(2, N) whose samples step little, and tell when they are from."""
    time = np.arange(chunks * chunk) / rate_hz
    sound = 0.3 * np.sin(2 * np.pi * 200 * time) + 0.2 * np.sin(2 * np.pi * 77.3 * time)
    return np.stack([sound, -sound]).astype(np.float32)


@pytest.mark.parametrize(("rate_hz", "profile"), [(96_000, "default"), (192_000, "default"), (96_000, "low")])
def test_a_converted_rate_is_served_for_as_long_as_it_takes_chunks_and_hops_to_drift_apart(
    rate_hz: int, profile: str
) -> None:
    """11 s at 96 kHz and at 192 kHz; the dry hops of the engine are enough to see it, and cheap."""
    stage = LiveStage(small_engine(profile), rate_hz)
    latency, chunk = stage.latency_samples, stage.chunk
    signal = sines(rate_hz, 13 * rate_hz // chunk, chunk)
    out = np.zeros_like(signal)
    for at in range(0, signal.shape[1], chunk):
        stage.process(signal[:, at : at + chunk], out[:, at : at + chunk], dry=True)
    assert stage.latency_samples == latency
    # The engine's latency may end between two frames of another rate: up to half a frame is left.
    settled = slice(rate_hz, None)
    assert np.abs(out - delayed(signal, latency))[:, settled].max() < 0.6 * largest_step(signal)


def test_what_is_held_back_for_longer_than_measured_is_latency_from_then_on() -> None:
    stage = LiveStage(small_engine(), 96_000)
    told, chunk = stage.latency_samples - stage._fill, stage.chunk
    stage._high, stage._fill = stage._high[:, :0], 0    # as if the conversions were measured to hold nothing back
    signal, changed = sines(96_000, 200, chunk), 0
    out = np.zeros_like(signal)
    for at in range(0, signal.shape[1], chunk):
        stage.process(signal[:, at : at + chunk], out[:, at : at + chunk], dry=True)
        if stage.latency_samples != told:
            told, changed = stage.latency_samples, at + chunk
    settled = slice(changed, None)
    assert told > 4000 and changed < signal.shape[1] - 2 * chunk
    assert np.abs(out[:, settled] - delayed(signal, told)[:, settled]).max() < 0.6 * largest_step(signal)
