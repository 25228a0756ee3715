"""Crossfades over hops, and a splice that bridges the sudden loss of a signal without a step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def rise(hop: int) -> Floats:
    """(H,) from 1 / H to 1: what has come by each sample of a hop in which something comes linearly."""
    return (np.arange(1, hop + 1, dtype=np.float32) / hop).astype(np.float32)


class Crossfade:
    """A position between one signal (0) and another (1), moved linearly, at most by 1 / `hops` a hop."""

    def __init__(self, hop: int, hops: int, position: float = 0.0) -> None:
        self.position = position
        self._start, self._step = position, 1.0 / hops
        self._rise = rise(hop)
        self._curve: Floats = np.full(hop, position, np.float32)

    def advance(self, target: float) -> None:
        """Go on by one hop towards `target` (0 or 1)."""
        if self._start == self.position == target:
            return  # at rest, as nearly always
        self._start = self.position
        self.position += min(max(target - self.position, -self._step), self._step)
        if abs(target - self.position) < 1e-6:
            self.position = target
        np.multiply(self._rise, self.position - self._start, out=self._curve)
        self._curve += self._start

    def jump(self, position: float) -> None:
        """Be at `position` from the start of this hop."""
        self.position = self._start = position
        self._curve[...] = position

    def mix(self, one: Floats, other: Floats, out: Floats) -> Floats:
        """Fill `out` (..., H) with this hop of the crossfade; at either end it is that signal, bit for bit."""
        if self._start == self.position == 0.0:
            out[...] = one
        elif self._start == self.position == 1.0:
            out[...] = other
        else:
            np.subtract(other, one, out=out)
            out *= self._curve
            out += one
        return out


class Splice:
    """Joins a wet signal (..., H), which can fail at any hop, to a dry one, which cannot.

    Where a hop of the wet signal is lost there is nothing to fade from. The dry signal is then continued from
    the last sample that was heard: their difference is added and falls to nothing within the hop, so that the
    output steps no further than the dry signal does.
    """

    def __init__(self, lead: tuple[int, ...], hop: int) -> None:
        self._gap: Floats = np.zeros((*lead, 1), np.float32)
        phase = np.pi * np.arange(1, hop + 1) / hop
        self._fall: Floats = (0.5 + 0.5 * np.cos(phase)).astype(np.float32)

    def mix(self, fade: Crossfade, wet: Floats | None, dry: Floats, out: Floats) -> Floats:
        """Fill `out` with wet and dry at the position of `fade`; a lost hop (None) moves it to dry at once."""
        if wet is None:
            fade.jump(1.0)
            np.multiply(self._gap, self._fall, out=out)
            out += dry
        else:
            fade.mix(wet, dry, out)
        np.subtract(out[..., -1:], dry[..., -1:], out=self._gap)
        return out

    def reset(self) -> None:
        """Forget what was heard."""
        self._gap[...] = 0.0
