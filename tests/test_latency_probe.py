"""A measurement through a cable that comes to nothing says why."""

from __future__ import annotations

import threading

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
