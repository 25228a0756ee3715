"""A measurement through a cable that comes to nothing says why."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from bridge.clock_device import ClockDevice
from bridge.latency_probe import measure_latency
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
