"""What a song's stems are like, measured block by block: levels, shares of the energy, activity and the null."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]

SILENCE_DBFS = -200.0
ACTIVE_SHARE = 1e-4  # -40 dB of a second's energy
AUDIBLE_POWER = 1e-10  # a second below -100 dBFS makes nothing active


def power_dbfs(power: float) -> float:
    """Mean square to dBFS (a square wave at full scale is 0), never below -200, so that JSON can hold it."""
    return max(SILENCE_DBFS, 10.0 * math.log10(power)) if power > 0.0 else SILENCE_DBFS


def peak_dbfs(peak: float) -> float:
    """Absolute sample value to dBFS, never below -200."""
    return power_dbfs(peak * peak)


class StemMeter:
    """Measures stems (K, C, n) against their mix (C, n).

    After `finish`: `rms_dbfs`, `peak_dbfs` and `share` (K,) (shares of the summed energy, 0...1, adding up to one
    unless all is silent), `active` (K,) bool (over 1e-4 of the energy of some second that is not silent) and
    `null_dbfs`, the largest sample of sum of stems minus mix.
    """

    def __init__(self, clusters: int, channels: int, sample_rate: int) -> None:
        self._channels, self._second = channels, sample_rate
        self._energy = np.zeros(clusters)
        self._second_energy = np.zeros(clusters)
        self._second_samples = 0
        self._peak = np.zeros(clusters)
        self._difference = 0.0
        self.frames = 0
        self.active = np.zeros(clusters, np.bool_)

    def process(self, mix: Block, stems: Block) -> None:
        start = 0
        while start < mix.shape[1]:
            stop = min(mix.shape[1], start + self._second - self._second_samples)
            self._measure(mix[:, start:stop], stems[..., start:stop])
            start = stop

    def _measure(self, mix: Block, stems: Block) -> None:
        energy = np.square(stems, dtype=np.float64).sum(axis=(1, 2))
        self._energy += energy
        self._second_energy += energy
        self._peak = np.maximum(self._peak, np.abs(stems).max(axis=(1, 2)))
        difference = stems.sum(axis=0, dtype=np.float64) - mix
        self._difference = max(self._difference, float(np.abs(difference).max()))
        self.frames += mix.shape[1]
        self._second_samples += mix.shape[1]
        if self._second_samples == self._second:
            self._end_second()

    def _end_second(self) -> None:
        total = float(self._second_energy.sum())
        if total > AUDIBLE_POWER * self._second_samples * self._channels:
            self.active |= self._second_energy > ACTIVE_SHARE * total
        self._second_energy[:] = 0.0
        self._second_samples = 0

    def finish(self) -> None:
        """Count the last, unfinished second too."""
        if self._second_samples:
            self._end_second()

    @property
    def share(self) -> NDArray[np.float64]:
        return self._energy / max(float(self._energy.sum()), 1e-300)

    @property
    def rms_dbfs(self) -> list[float]:
        samples = max(1, self.frames * self._channels)
        return [power_dbfs(float(energy) / samples) for energy in self._energy]

    @property
    def peak_dbfs(self) -> list[float]:
        return [peak_dbfs(float(peak)) for peak in self._peak]

    @property
    def null_dbfs(self) -> float:
        return peak_dbfs(self._difference)
