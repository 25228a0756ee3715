"""From MixerState to one weight per cluster and channel, ramped hop by hop so that no fader move clicks.

Rules. Mute wins over solo; solo is in place and silences every cluster that is not soloed. A cluster joined to
another's strip follows that strip whole: its gain, mute, solo and pan; its own are kept, and count again when it
leaves. Pan is balance: both sides are untouched at the centre, and the far side falls linearly to silence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqss_engine.state import MixerState
from vqss_engine.taper import db_to_linear

Floats = NDArray[np.float32]

RAMP_S = 0.02
"""How long a fader takes to reach where it was put, in seconds."""


def ramp_hops(hop: int, sample_rate: float, seconds: float = RAMP_S) -> int:
    """How many hops a ramp of `seconds` takes, at least one."""
    return max(1, math.ceil(seconds * sample_rate / hop))


@dataclass(frozen=True)
class Layout:
    """What all parts of an engine agree on: K, C, H and the sample rate in Hz."""

    clusters: int
    channels: int
    hop: int
    sample_rate: float

    @property
    def fade_hops(self) -> int:
        """How many hops a crossfade takes."""
        return ramp_hops(self.hop, self.sample_rate)

    def hops(self, seconds: float) -> int:
        """How many hops last `seconds`, at least one."""
        return ramp_hops(self.hop, self.sample_rate, seconds)


def main_weight(state: MixerState) -> float:
    """The linear gain that `state` asks for on the main output."""
    return 0.0 if state.main_mute else db_to_linear(state.main_gain)


def strip_weights(state: MixerState, out: Floats) -> Floats:
    """Fill `out` (K, C) with the linear gains that `state` asks for, main gain not included.

    Mono (C = 1) has no sides: pan does nothing there.
    """
    strips = [state.strip(k) for k in range(state.clusters)]
    any_solo = any(state.solo[j] for j in strips)
    for k, j in enumerate(strips):
        silent = state.mute[j] or (any_solo and not state.solo[j])
        gain = 0.0 if silent else db_to_linear(state.gain[j])
        out[k] = gain
        if out.shape[1] == 2:
            out[k, 0] = gain * min(1.0, 1.0 - state.pan[j])
            out[k, 1] = gain * min(1.0, 1.0 + state.pan[j])
    return out


class LinearRamp:
    """Values that move linearly to their targets in a fixed number of hops. Nothing is allocated after `__init__`.

    `start` holds the values at the start of the hop, `end` those at its end (both views, same shape).
    """

    def __init__(self, shape: tuple[int, ...], hops: int, initial: float) -> None:
        self.start: Floats = np.full(shape, initial, np.float32)
        self.end: Floats = self.start.copy()
        self._target: Floats = self.start.copy()
        self._step: Floats = np.zeros(shape, np.float32)
        self._hops, self._left = hops, 0

    @property
    def moving(self) -> bool:
        """Whether `start` and `end` differ."""
        return not np.array_equal(self.start, self.end)

    def aim(self, target: Floats) -> None:
        """Set out for `target` from where the values are now; a target that is already aimed at changes nothing."""
        if np.array_equal(target, self._target):
            return
        self._target[...] = target
        np.subtract(self._target, self.end, out=self._step)
        self._step /= self._hops
        self._left = self._hops

    def advance(self) -> None:
        """Go on by one hop."""
        self.start[...] = self.end
        if self._left:
            self._left -= 1
            if self._left:
                self.end += self._step
            else:
                self.end[...] = self._target

    def jump(self) -> None:
        """Be at the target at once."""
        self._left = 0
        self.end[...] = self._target
        self.start[...] = self._target


class Mixer:
    """The faders of K clusters and the main output, `strips` (K, C) and `main` (1,); `advance` once a hop, then read.

    `end` is for the hop's spectrum, in which windows crossfade neighbouring hops by themselves. Whoever weights
    samples goes from `start` to `end` over the hop.
    """

    def __init__(self, clusters: int, channels: int, hop: int, sample_rate: float) -> None:
        hops = ramp_hops(hop, sample_rate)
        self.strips = LinearRamp((clusters, channels), hops, 1.0)
        self.main = LinearRamp((1,), hops, 1.0)
        self._wanted: Floats = np.ones((clusters, channels), np.float32)
        self._main: Floats = np.ones(1, np.float32)
        self._state: MixerState | None = None

    def advance(self, state: MixerState) -> None:
        """Go on by one hop towards `state`."""
        if state is not self._state:
            first, self._state = self._state is None, state
            self.strips.aim(strip_weights(state, self._wanted))
            self._main[0] = main_weight(state)
            self.main.aim(self._main)
            if first:
                self.strips.jump()
                self.main.jump()
        self.strips.advance()
        self.main.advance()

    def reset(self) -> None:
        """Forget the ramps: the next state is taken at once, as at the start of a stream."""
        self._state = None
