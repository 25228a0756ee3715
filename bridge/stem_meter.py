"""What a song's stems are like, measured block by block: levels, shares of the energy, activity and the null."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vqss_engine.compiled import njit

Block = NDArray[np.float32]

SILENCE_DBFS = -200.0
ACTIVE_SHARE = 1e-4  # -40 dB of a second's energy
_AT_ONCE = 2048  # samples whose sums stay in the fastest cache
AUDIBLE_POWER = 1e-10  # a second below -100 dBFS makes nothing active


def power_dbfs(power: float) -> float:
    """Mean square to dBFS (a square wave at full scale is 0), never below -200, so that JSON can hold it."""
    return max(SILENCE_DBFS, 10.0 * math.log10(power)) if power > 0.0 else SILENCE_DBFS


def peak_dbfs(peak: float) -> float:
    """Absolute sample value to dBFS, never below -200."""
    return power_dbfs(peak * peak)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"})
def _measure(mix: np.ndarray, stems: np.ndarray, first: int, last: int, energy: np.ndarray, peak: np.ndarray) -> float:
    """Add samples first … last - 1 to energy (K + 1,), the mix's comes last, and to peak (K,).

    Returns the largest of |sum of stems - mix|.
    """
    clusters, channels, _ = stems.shape
    difference = np.empty(last - first, np.float64)
    largest = 0.0
    for c in range(channels):
        whole = 0.0
        for i in range(len(difference)):
            sample = np.float64(mix[c, first + i])
            whole += sample * sample
            difference[i] = -sample
        energy[clusters] += whole
        for k in range(clusters):
            row = stems[k, c]
            total, highest = 0.0, np.float32(0.0)
            for i in range(len(difference)):
                sample = np.float64(row[first + i])
                total += sample * sample
                difference[i] += sample
            for i in range(first, last):
                highest = max(highest, abs(row[i]))
            energy[k] += total
            peak[k] = max(peak[k], np.float64(highest))
        for i in range(len(difference)):
            largest = max(largest, abs(difference[i]))
    return largest


class StemMeter:
    """Measures stems (K, C, n) against their mix (C, n).

    After `finish`: `rms_dbfs`, `peak_dbfs` and `share` (K,) (of the mix's energy, 0...1; what stems have in common
    keeps their sum below one), `active` (K,) bool (over 1e-4 of the mix's energy in some second that is not silent)
    and `null_dbfs`, the largest sample of sum of stems minus mix.
    """

    def __init__(self, clusters: int, channels: int, sample_rate: int) -> None:
        self._channels, self._second = channels, sample_rate
        self._energy = np.zeros(clusters + 1)  # the mix's comes last
        self._second_energy = np.zeros(clusters + 1)
        self._second_samples = 0
        self._peak = np.zeros(clusters)
        self._difference = 0.0
        self.frames = 0
        self.active = np.zeros(clusters, np.bool_)

    def process(self, mix: Block, stems: Block) -> None:
        mix, stems = np.ascontiguousarray(mix), np.ascontiguousarray(stems)
        start = 0
        while start < mix.shape[1]:
            stop = min(mix.shape[1], start + self._second - self._second_samples, start + _AT_ONCE)
            largest = _measure(mix, stems, start, stop, self._second_energy, self._peak)
            self._difference = max(self._difference, largest)
            self._second_samples += stop - start
            if self._second_samples == self._second:
                self._end_second()
            start = stop
        self.frames += mix.shape[1]

    @property
    def is_finite(self) -> bool:
        """Whether all samples so far were numbers."""
        return bool(np.isfinite(self._energy).all() and np.isfinite(self._second_energy).all())

    def _end_second(self) -> None:
        whole = float(self._second_energy[-1])
        if whole > AUDIBLE_POWER * self._second_samples * self._channels:
            self.active |= self._second_energy[:-1] > ACTIVE_SHARE * whole
        self._energy += self._second_energy
        self._second_energy[:] = 0.0
        self._second_samples = 0

    def finish(self) -> None:
        """Count the last, unfinished second too."""
        if self._second_samples:
            self._end_second()

    @property
    def share(self) -> NDArray[np.float64]:
        return np.minimum(1.0, self._energy[:-1] / max(float(self._energy[-1]), 1e-300))

    @property
    def rms_dbfs(self) -> list[float]:
        samples = max(1, self.frames * self._channels)
        return [power_dbfs(float(energy) / samples) for energy in self._energy[:-1]]

    @property
    def peak_dbfs(self) -> list[float]:
        return [peak_dbfs(float(peak)) for peak in self._peak]

    @property
    def null_dbfs(self) -> float:
        return peak_dbfs(self._difference)
