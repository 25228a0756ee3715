"""Devices that ask for several blocks at once, and then for none: what is stored must last for all of them."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

_TICKS, _DRY_TIMES = 20, 3
_JITTER, _MARGIN = 1.5, 1.1
_LONGEST = 4096


class Bursts:
    """What the last second was like, in ticks of some 50 ms. A computer that stands still once is followed by a
    burst too, so that only those count which most ticks have, and which sound was lost by."""

    def __init__(self) -> None:
        self._frames: deque[float] = deque(maxlen=_TICKS)
        self._dry_times: deque[int] = deque(maxlen=_TICKS)

    def add(self, frames: float, dry_times: int) -> None:
        """A tick: the longest burst in it, and how often in all the input was played for want of separated sound."""
        self._frames.append(frames)
        self._dry_times.append(dry_times)

    def too_long_for(self, block: int) -> int:
        """Frames of the bursts, if a stream that was begun for this block cannot bear them; else 0."""
        if len(self._frames) < _TICKS or self._dry_times[-1] - self._dry_times[0] < _DRY_TIMES:
            return 0
        usual, long = np.percentile(self._frames, (50, 90))
        return min(math.ceil(_MARGIN * float(long)), _LONGEST) if usual > _JITTER * block else 0
