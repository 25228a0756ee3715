"""Hours of live use need no more memory than its first seconds."""

from __future__ import annotations

import gc

import psutil

from bridge.clock_device import ClockDevice
from bridge.live_session import LiveSession, SessionOptions
from tests.live_runs import RATE
from tests.streams import small_engine

HOPS, SETTLED, ALLOWED_MB = 12_000, 3_000, 1.0


def test_memory_does_not_grow_with_the_hops() -> None:
    engine = small_engine(multi=True)
    engine.warm_up()
    process, memory = psutil.Process(), dict[int, int]()

    def tick() -> None:
        """As a remote control would, turn something; note the memory when some of the run has passed."""
        hops = engine.telemetry.hops
        engine.surface.set(f"/vqss/cluster/{hops % 4}/gain", -0.001 * (hops % 1000))
        engine.surface.levels()
        for mark in (SETTLED, HOPS):
            if hops >= mark and mark not in memory:
                gc.collect()
                memory[mark] = process.memory_info().rss

    device = ClockDevice(RATE, engine.hop, free=True, limit=(HOPS + 2000) * engine.hop)
    LiveSession(engine, device, lambda hung: device, SessionOptions(status=False), tick).run()
    assert (memory[HOPS] - memory[SETTLED]) / 2**20 < ALLOWED_MB
