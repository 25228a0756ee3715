"""Level meters of the clusters and the main output, written into the telemetry in place."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vqss_engine.telemetry import Telemetry

Floats = NDArray[np.float32]

_RMS_S = 0.3
_PEAK_FALL_DB_PER_S = 20.0
_LARGEST = np.float32(1e4)     # the square of a wild sample would be infinite, and the mean with it for ever
_CREST_OF_SINE = np.float32(2.0)


class Meters:
    """rms is a mean square smoothed with a time constant of 300 ms; peak rises at once and falls by 20 dB/s.

    A cluster is metered before its fader from the power of its spectrum, which needs no inverse transform: its
    peak is that of a sine of this power. The main output is metered after all else, with its true sample peak.
    """

    def __init__(self, telemetry: Telemetry, channels: int, hop: int, sample_rate: float) -> None:
        self._rms: Floats = np.frombuffer(telemetry.rms_power, np.float32)
        self._peak: Floats = np.frombuffer(telemetry.peak_power, np.float32)
        self._now: Floats = np.zeros_like(self._rms)
        self._step: Floats = np.zeros_like(self._rms)
        self._squares: Floats = np.zeros((channels, hop), np.float32)
        self._rise = np.float32(1.0 - math.exp(-hop / (_RMS_S * sample_rate)))
        self._fall = np.float32(10.0 ** (-_PEAK_FALL_DB_PER_S * hop / sample_rate / 10.0))

    def update(self, powers: Floats | None, out: Floats) -> None:
        """Take the mean powers (K + 1, C) of this hop (None: unknown, shown as silence) and the output (C, H)."""
        now = self._now
        if powers is None:
            now[:-1] = 0.0
        else:
            np.add.reduce(powers[:-1], axis=1, out=now[:-1])
            now[:-1] *= np.float32(1.0 / powers.shape[1])
        np.clip(out, -_LARGEST, _LARGEST, out=self._squares)
        np.square(self._squares, out=self._squares)
        now[-1] = np.add.reduce(self._squares, axis=None) / self._squares.size
        np.subtract(now, self._rms, out=self._step)
        self._step *= self._rise
        self._rms += self._step
        now *= _CREST_OF_SINE
        now[-1] = self._squares.max()
        self._peak *= self._fall
        np.maximum(self._peak, now, out=self._peak)

    def reset(self) -> None:
        """All levels at nothing."""
        self._rms[...] = 0.0
        self._peak[...] = 0.0
