"""Delay lines in hops: what keeps the dry mix, and clusters with effects of unequal latency, in step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class History:
    """The last samples of a signal (..., N), for reading at any delay of up to `longest` samples."""

    def __init__(self, lead: tuple[int, ...], hop: int, longest: int) -> None:
        capacity = hop * (1 + -(-longest // hop))
        self._samples: Floats = np.zeros((*lead, capacity), np.float32)
        self._hop, self._longest, self._end = hop, longest, 0

    def push(self, block: Floats) -> None:
        """Add one hop (..., H)."""
        start = self._end % self._samples.shape[-1]
        self._samples[..., start : start + self._hop] = block
        self._end = start + self._hop

    def read(self, delay: int, out: Floats) -> Floats:
        """Fill `out` (..., H) with the last hop as it was `delay` samples ago."""
        if not 0 <= delay <= self._longest:
            raise ValueError(f"delay {delay} is not within 0...{self._longest}")
        capacity = self._samples.shape[-1]
        start = (self._end - self._hop - delay) % capacity
        first = min(self._hop, capacity - start)
        out[..., :first] = self._samples[..., start : start + first]
        out[..., first:] = self._samples[..., : self._hop - first]
        return out

    def silence(self, rows: NDArray[np.bool_]) -> None:
        """Forget these rows of the first axis."""
        self._samples[rows] = 0.0

    def reset(self) -> None:
        """Forget everything: silence."""
        self._samples[...] = 0.0
        self._end = 0


class DelayLine:
    """A fixed delay of `latency_samples` for hops (..., H)."""

    def __init__(self, lead: tuple[int, ...], hop: int, delay: int) -> None:
        self.latency_samples = delay
        self._history = History(lead, hop, delay)

    def process(self, block: Floats, out: Floats) -> Floats:
        """Take one hop and fill `out` (may be `block`) with the delayed one."""
        if not self.latency_samples:
            out[...] = block
            return out
        self._history.push(block)
        return self._history.read(self.latency_samples, out)

    def silence(self, rows: NDArray[np.bool_]) -> None:
        """Forget these rows of the first axis."""
        self._history.silence(rows)

    def reset(self) -> None:
        """Forget everything: silence."""
        self._history.reset()
