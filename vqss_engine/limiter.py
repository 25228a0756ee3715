"""A safety limiter without look-ahead: it leaves alone whatever stays within full scale."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vqss_engine.crossfade import rise

Floats = NDArray[np.float32]

_ATTACK_SAMPLES = 32
_RELEASE_S = 0.1


class Limiter:
    """Keeps hops (C, H) within -1...1. It adds no latency, and below 0 dBFS it changes no bit.

    A hop that would exceed full scale is turned down within its first 32 samples, all channels alike; what
    still exceeds in that time is clipped. The gain returns with a time constant of 100 ms.
    """

    latency_samples = 0

    def __init__(self, hop: int, sample_rate: float) -> None:
        self._gain = 1.0
        self._keep = math.exp(-hop / (_RELEASE_S * sample_rate))
        self._attack: Floats = np.minimum(np.arange(1, hop + 1) / min(_ATTACK_SAMPLES, hop), 1.0).astype(np.float32)
        self._release = rise(hop)
        self._curve: Floats = np.empty(hop, np.float32)

    def process(self, block: Floats, enabled: bool = True) -> Floats:
        """Limit `block` in place; switched off, the gain returns and then nothing is done."""
        peak = max(float(block.max()), -float(block.min()))
        limit = 1.0 / peak if enabled and peak > 1.0 else 1.0
        end = min(limit, 1.0 - (1.0 - self._gain) * self._keep)
        if end > 1.0 - 1e-6:
            end = 1.0
        if self._gain == end == 1.0:
            return block
        shape = self._attack if end < self._gain else self._release
        np.multiply(shape, end - self._gain, out=self._curve)
        self._curve += self._gain
        block *= self._curve
        if enabled:
            np.clip(block, -1.0, 1.0, out=block)
        self._gain = end
        return block

    def reset(self) -> None:
        """Forget the gain."""
        self._gain = 1.0
