"""How long hops took: a histogram of fixed size, so that a day's worth needs no more memory than a second's."""

from __future__ import annotations

import numpy as np

_BIN_S, _BINS = 10e-6, 20_000


class HopTimes:
    """Counts durations in bins of 10 µs up to 200 ms; one thread adds, any may read."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self._largest_s = 0.0

    def add(self, seconds: float) -> None:
        self._counts[min(int(seconds / _BIN_S), _BINS - 1)] += 1
        if seconds > self._largest_s:
            self._largest_s = seconds

    @property
    def count(self) -> int:
        return int(self._counts.sum())

    def summary_ms(self) -> dict[str, float]:
        """p50, p95, p99 and max in ms; zeros where nothing was counted."""
        total = np.cumsum(self._counts)
        if not total[-1]:
            return {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
        parts = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
        bins = {name: int(np.searchsorted(total, part * total[-1])) + 1 for name, part in parts.items()}
        largest = 1e3 * self._largest_s
        found = {name: round(min(1e3 * _BIN_S * index, largest), 4) for name, index in bins.items()}
        return {**found, "max": round(largest, 4)}
