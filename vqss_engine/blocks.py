"""Device blocks of any size, gathered into hops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

ProcessHop = Callable[[Floats, Floats], object]
"""Called with a hop (C, H) and the array (C_out, H) to fill."""


class BlockAdapter:
    """Feeds `process_hop` whole hops from blocks of any size, and gives back as many samples as it takes.

    It delays by exactly one hop whatever the block sizes are, so the total latency of an engine behind it is
    `engine.latency_samples + hop`, its synthesis window.
    """

    def __init__(self, process_hop: ProcessHop, channels_in: int, channels_out: int, hop: int) -> None:
        self.latency_samples = hop
        self._process_hop, self._hop, self._filled = process_hop, hop, 0
        self._incoming: Floats = np.zeros((channels_in, hop), np.float32)
        self._outgoing: Floats = np.zeros((channels_out, hop), np.float32)

    def push(self, block: Floats, out: Floats | None = None) -> Floats:
        """Take a block (C, n) of any length, return (C_out, n) in `out` (made if not given; not `block` itself).

        Raises ValueError where channels or lengths do not fit, before anything is taken.
        """
        channels, count = self._outgoing.shape[0], block.shape[1]
        if block.shape[0] != self._incoming.shape[0]:
            raise ValueError(f"{block.shape[0]} channels given, {self._incoming.shape[0]} expected")
        if out is None:
            out = np.empty((channels, count), np.float32)
        elif out.shape != (channels, count):
            raise ValueError(f"out is {out.shape}, {(channels, count)} expected")
        done = 0
        while done < count:
            at = self._filled
            step = min(count - done, self._hop - at)
            out[:, done : done + step] = self._outgoing[:, at : at + step]
            self._incoming[:, at : at + step] = block[:, done : done + step]
            done += step
            self._filled = at + step
            if self._filled == self._hop:
                self._filled = 0
                self._process_hop(self._incoming, self._outgoing)
        return out

    def reset(self) -> None:
        """Forget what is underway; the next hop of output is silence. `process_hop`'s owner is reset by its host."""
        self._filled = 0
        self._outgoing[...] = 0.0
