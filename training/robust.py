"""The same songs as other people hand them in: louder, softer, mono, at 48 kHz, limited hard."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

Floats = NDArray[np.float32]

LIMITER_DRIVE_DB = 12.0
LIMITER_REACH_S = 0.005
NATIVE_HZ = 48000


def louder(sources: Floats, sample_rate: int) -> Floats:
    """Twenty decibels up."""
    return sources * np.float32(10)


def softer(sources: Floats, sample_rate: int) -> Floats:
    """Twenty decibels down."""
    return sources * np.float32(0.1)


def mono(sources: Floats, sample_rate: int) -> Floats:
    """One channel, the mean of the two."""
    return sources.mean(axis=1, keepdims=True)


def at_48_khz(sources: Floats, sample_rate: int) -> Floats:
    """Resampled, to be fed to the model as if it were of the model's own rate."""
    import soxr

    return np.stack([soxr.resample(np.ascontiguousarray(s.T), sample_rate, NATIVE_HZ).T for s in sources])


def limited(sources: Floats, sample_rate: int) -> Floats:
    """All stems under the gain that a look-ahead limiter gives the mix, driven by 12 dB into full scale.

    The gain is the same for all of them, so they still sum to the limited mix.
    """
    mix = sources.sum(0)
    level = np.abs(mix).max(axis=0) / max(float(np.abs(mix).max()), 1e-9) * 10 ** (LIMITER_DRIVE_DB / 20)
    reach = max(1, round(LIMITER_REACH_S * sample_rate))
    peak = maximum_filter1d(np.maximum(level, 1.0), 2 * reach + 1)
    gain = uniform_filter1d(1.0 / peak, 2 * reach + 1)  # a mean of 2 reach + 1 gains, each low enough for its centre
    return sources * gain.astype(np.float32)


VARIANTS: dict[str, Callable[[Floats, int], Floats]] = {
    "plus_20_db": louder,
    "minus_20_db": softer,
    "mono": mono,
    "native_48_khz": at_48_khz,
    "limited": limited,
}
"""Each takes the stems (S, C, N) of a song and its rate, and returns them as they sum to the varied mix."""
