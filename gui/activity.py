"""Which clusters hold something: those not 40 dB below all others for long, counted only while there is sound."""

from __future__ import annotations

import math
from collections.abc import Sequence

SOUND_DBFS, SHARE_DB, PATIENCE_S = -60.0, -40.0, 8.0
_LONGEST_STEP_S = 0.5


class Activity:
    """All clusters count as used at first; one is unused after 8 s of sound without it, and used again at once."""

    def __init__(self, clusters: int) -> None:
        self._silent_s = [0.0] * clusters
        self._at_s: float | None = None

    def update(self, rms_dbfs: Sequence[float], now_s: float) -> None:
        """Take the levels of the K clusters at a time."""
        step_s = 0.0 if self._at_s is None else min(max(now_s - self._at_s, 0.0), _LONGEST_STEP_S)
        self._at_s = now_s
        total_dbfs = 10.0 * math.log10(sum(10.0 ** (level / 10.0) for level in rms_dbfs) or 1e-12)
        if total_dbfs < SOUND_DBFS:
            return
        for k, level in enumerate(rms_dbfs):
            self._silent_s[k] = self._silent_s[k] + step_s if level < total_dbfs + SHARE_DB else 0.0

    def unused(self, k: int) -> bool:
        """Whether cluster `k` holds nothing of what is played."""
        return self._silent_s[k] >= PATIENCE_S
