"""Blocks of any size through what works in hops and comes late, aligned to the sample with what went in."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]


class AlignedHops:
    """Arrays (*shape, n) through `run` in whole hops, its latency trimmed.

    run: any number of hops (*shape, m) in, (..., m) out, `latency_samples` late. silence: how many samples of it `run`
    is given first, as in the live engine, where audio comes late too. Over a whole stream, `process` and then `flush`
    return exactly as many samples as went in.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        hop: int,
        latency_samples: int,
        run: Callable[[Block], Block],
        silence: int = 0,
    ) -> None:
        self._shape, self._hop, self._run, self._silence = shape, hop, run, silence
        self.reset(latency_samples)

    def reset(self, latency_samples: int) -> None:
        """Begin a new stream, of this latency."""
        self._waiting: Block = np.zeros((*self._shape, self._silence), np.float32)
        self._to_trim, self._owed = latency_samples + self._silence, 0

    def process(self, block: Block) -> Block:
        """Feed (*shape, n), return what has become ready."""
        self._owed += block.shape[-1]
        return self._hops(block)

    def flush(self) -> Block:
        """What is not returned yet; `reset` begins the next stream."""
        missing = self._owed + self._to_trim - self._waiting.shape[-1]
        silence = max(0, math.ceil(missing / self._hop) + 1) * self._hop
        return self._hops(np.zeros((*self._shape, silence), np.float32))

    def _hops(self, block: Block) -> Block:
        waiting = np.concatenate([self._waiting, block], axis=-1)
        whole = waiting.shape[-1] // self._hop * self._hop
        out = self._run(waiting[..., :whole])
        self._waiting = waiting[..., whole:].copy()
        skip = min(self._to_trim, whole)
        self._to_trim -= skip
        out = out[..., skip : skip + self._owed]
        self._owed -= out.shape[-1]
        return out
