"""A device that is none: the clock asks for a block whenever one is due, or at once where it is to run free.

Thread: `live-clock` plays the part of a sound card's callback.
"""

from __future__ import annotations

import threading
import time

import numpy as np
from numpy.typing import NDArray

from bridge.exchange import Exchange

Floats = NDArray[np.float32]

_LONGEST_LAG_S = 0.5
_LONGEST_SLEEP_S = 0.05


class ClockDevice:
    """Calls the exchange for blocks of `block` frames; `limit` frames and no more, where given.

    free: as fast as the engine goes, every frame exact, instead of in real time.
    """

    name = "none"
    latency_s = 0.0
    steady = True
    hung = False

    def __init__(
        self, rate_hz: int, block: int, free: bool = False, limit: int | None = None, inputs: int = 2
    ) -> None:
        self.rate_hz, self.inputs, self.block = rate_hz, inputs, block
        self._free, self._limit = free, limit
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, exchange: Exchange) -> None:
        exchange.waiting = self._free
        self._thread = threading.Thread(target=self._run, args=(exchange,), name="live-clock", daemon=True)
        self._thread.start()

    def declare(self, delay: int) -> None:
        """A clock has nobody to tell."""

    @property
    def alive(self) -> bool:
        """Whether it has not been lost; a clock cannot be."""
        return True

    @property
    def finished(self) -> bool:
        """Whether the limit was reached."""
        return self._thread is not None and not self._thread.is_alive()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def _run(self, exchange: Exchange) -> None:
        given: Floats = np.zeros((exchange.inputs, self.block), np.float32)
        wanted: Floats = np.zeros((exchange.outputs, self.block), np.float32)
        played, due = 0, time.monotonic()
        while not self._closing.is_set() and (self._limit is None or played < self._limit):
            count = self.block if self._limit is None else min(self.block, self._limit - played)
            if not exchange.running:
                self._pause(0.001)
                due = time.monotonic()
                continue
            exchange.exchange(given[:, :count], wanted[:, :count])
            played += count
            due += count / self.rate_hz
            if not self._free:
                due = max(due, time.monotonic() - _LONGEST_LAG_S)  # the machine may have slept
                self._pause(due - time.monotonic())

    def _pause(self, seconds: float) -> None:
        """Wait; `close` waits no longer than it must. On Windows an event's time ends at ticks of 15.6 ms only."""
        if seconds > _LONGEST_SLEEP_S:
            self._closing.wait(seconds)
        elif seconds > 0.0:
            time.sleep(seconds)
