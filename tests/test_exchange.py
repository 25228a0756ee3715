"""What the callback plays while the worker has nothing for it: the input, from the right moment and as loud."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bridge import exchange_kernel as kernel
from bridge.exchange import LARGEST_DEVICE_BLOCK, Exchange, prefill_frames
from bridge.hop_times import HopTimes
from bridge.live_stage import LiveStage
from bridge.live_worker import Worker
from tests.streams import delayed, largest_step, small_engine, tone
from vqss_engine.engine import Engine
from vqss_engine.inserts import LONGEST_LATENCY, MAIN


class Played:
    """A worker whose turns come when the test says so, and what a device hears meanwhile, block by block."""

    def __init__(self, engine: Engine, rate_hz: int, block: int = 256, steady: bool = True) -> None:
        stage = LiveStage(engine, rate_hz)
        self.exchange = Exchange(2, 2, rate_hz, engine.clusters)
        self.worker = Worker(stage, self.exchange, HopTimes())
        self.exchange.prefill = prefill_frames(block, stage.chunk, steady)
        self.worker.begin()
        self.exchange.begin(self.exchange.prefill)
        self._block = block

    def through(self, signal: np.ndarray, works: Callable[[int], int]) -> np.ndarray:
        """What is heard of (2, N); `works(n)`: how many chunks the worker makes after the nth block, at most."""
        out = np.zeros_like(signal)
        for number, at in enumerate(range(0, signal.shape[1], self._block)):
            part = slice(at, at + self._block)
            self.exchange.exchange(signal[:, part], out[:, part])
            for _ in range(works(number)):
                if not self.worker._next():
                    break
        return out


class Long:
    """An effect as late as one may be; that it does nothing is not heard here."""

    latency_samples = LONGEST_LATENCY

    def process(self, block: np.ndarray) -> np.ndarray:
        return block

    def reset(self) -> None: ...


@pytest.mark.parametrize("rate_hz", [32_000, 44_100, 48_000, 96_000, 192_000])
def test_the_input_is_kept_for_as_long_as_the_longest_effects_take(rate_hz: int) -> None:
    block = LARGEST_DEVICE_BLOCK
    engine = small_engine("safe", inserts={0: Long(), MAIN: Long()})
    played = Played(engine, rate_hz, block, steady=False)
    delay = played.worker.delay
    signal = np.zeros((2, (delay // block + 3) * block), np.float32)
    signal[:, block : 2 * block] = 1.0
    burst = np.flatnonzero(played.through(signal, lambda number: 0)[0] > 0.5)
    assert abs(burst[0] - (block + delay)) < kernel.FADE_FRAMES     # in which the input fades in
    assert delay + block <= played.exchange.incoming.capacity


def test_a_stall_longer_than_the_rings_is_survived() -> None:
    """The worker leaves out what is lost, and is in step again."""
    engine = small_engine()
    played = Played(engine, 44_100)
    stall = range(100, 150 + played.exchange.incoming.capacity // 256)
    signal = tone(engine, stall.stop + 400)
    out = played.through(signal, lambda number: 0 if number in stall else 10)
    assert engine.telemetry.misses > 500
    assert played.exchange.count(kernel.DRY_FRAMES) < (len(stall) + 100) * 256
    settled = slice(2048, None)     # by when the input has faded in
    assert np.abs(out - delayed(signal, played.worker.delay))[:, settled].max() < 1e-5
    assert largest_step(out) < 1.02 * largest_step(signal)


def test_the_main_mute_and_fader_are_ramped_while_the_input_is_played() -> None:
    """A worker that is always late tells of them all the same."""
    engine = small_engine()
    played = Played(engine, 44_100)
    signal = tone(engine, 400)
    moves = {250: ("/vqss/main/mute", 1), 300: ("/vqss/main/mute", 0), 340: ("/vqss/main/gain", -12.0)}

    def works(number: int) -> int:
        if number in moves:
            engine.surface.set(*moves[number])
        return 10 if number < 100 else int(number >= 120)

    out = played.through(signal, works)
    assert largest_step(out) < largest_step(signal) + 0.6 / kernel.FADE_FRAMES
    assert not out[:, 260 * 256 : 300 * 256].any()
    tail = slice(-20 * 256, None)
    late = delayed(signal, played.worker.delay) * np.float32(10 ** (-12 / 20))
    assert np.abs(out - late)[:, tail].max() < 1e-5
    assert played.exchange.count(kernel.DRY_FRAMES) > 250 * 256
