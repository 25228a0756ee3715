"""The clock that stands in for a device keeps its time, whatever the system's timers are like."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
import pytest

from bridge.clock_device import ClockDevice
from bridge.exchange import Exchange
from tests.live_runs import RATE

TICK_S, BLOCK = 0.0156, 256


def test_blocks_come_one_by_one_where_events_keep_to_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where they would come in threes."""
    wait = threading.Event.wait

    def ticking(event: threading.Event, timeout: float | None = None) -> bool:
        return wait(event, None if timeout is None else TICK_S * math.ceil(timeout / TICK_S))

    class Noting(Exchange):
        def exchange(self, given: np.ndarray, wanted: np.ndarray) -> None:
            called.append(time.monotonic())

    called: list[float] = []
    monkeypatch.setattr(threading.Event, "wait", ticking)
    device, exchange = ClockDevice(RATE, BLOCK, limit=100 * BLOCK), Noting(2, 2, RATE)
    exchange.begin(0)
    device.start(exchange)
    while not device.finished:
        time.sleep(0.01)
    assert np.median(np.diff(called)) > 0.5 * BLOCK / RATE


def test_it_stops_at_once_in_a_long_block() -> None:
    device, exchange = ClockDevice(1000, 8192), Exchange(2, 2, 1000)
    exchange.begin(0)
    device.start(exchange)
    time.sleep(0.1)
    began = time.monotonic()
    device.close()
    assert device.finished and time.monotonic() - began < 0.9
