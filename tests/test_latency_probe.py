"""A measurement through a cable that comes to nothing says why."""

from __future__ import annotations

import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest

from bridge.clock_device import ClockDevice
from bridge.latency_probe import ProbedExchange, find_delay, measure_latency
from tests.live_runs import RATE
from tests.streams import small_engine
from vqss_engine.errors import VQSSError


def test_one_that_is_stopped_does_not_blame_the_cable() -> None:
    engine, stopping = small_engine(), threading.Event()
    engine.warm_up()
    stopping.set()
    with pytest.raises(VQSSError, match="stopped"):
        measure_latency(engine, ClockDevice(RATE, 256), stopping)


class ClosedAtLast(ClockDevice):
    """A device that is gone once it is closed, as a sound card is."""

    closed = False

    @property
    def alive(self) -> bool:
        return not self.closed

    def close(self) -> None:
        super().close()
        self.closed = True


def test_a_missing_cable_is_told_from_a_lost_device(monkeypatch: Any) -> None:
    monkeypatch.setattr("bridge.latency_probe._PATIENCE_S", 0.5)
    engine = small_engine()
    engine.warm_up()
    with pytest.raises(VQSSError, match="cable"):
        measure_latency(engine, ClosedAtLast(RATE, 256), threading.Event())


def probed(block: int) -> tuple[ProbedExchange, np.ndarray, np.ndarray]:
    """A measurement that has begun, and a block of each direction."""
    exchange = ProbedExchange(2, 2, RATE)
    exchange.prepare()
    exchange.begin(block)
    return exchange, np.zeros((2, block), np.float32), np.zeros((2, block), np.float32)


def test_the_callback_of_a_measurement_allocates_no_audio() -> None:
    block = 8192
    exchange, given, wanted = probed(block)
    exchange.exchange(given, wanted)
    tracemalloc.start()
    try:
        exchange.exchange(given, wanted)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * block     # bytes; the least array of a block is 4 bytes a frame


def test_a_probe_is_sent_again_from_its_first_frame() -> None:
    exchange, given, wanted = probed(441)
    sent = [0]

    def send_all() -> None:
        """Through a cable that makes one channel of it, a block late."""
        while not exchange.complete:
            exchange.exchange(given, wanted)
            given[0] = exchange.incoming.memory[0, sent[0] : sent[0] + 441]
            sent[0] += 441

    for _ in range(2):
        send_all()
        assert find_delay(exchange.probe, exchange.captured) == exchange.lead + 441
        exchange.send_again()
        assert not exchange.complete
