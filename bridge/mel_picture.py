"""Log-mel spectrograms of a mix and its stems, collected while they stream by, in memory that does not grow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from vqss_engine.spectra import mel_edges_hz

Block = NDArray[np.float32]

BANDS = 128
MAX_COLUMNS = 2048
WINDOW_SECONDS = 0.093  # 4096 samples at 44.1 kHz: bins as narrow as the lowest bands
HIGHEST_HZ = 18_000.0
_FRAMES_AT_ONCE = 8


def mel_filters(sample_rate: int, window: int, bands: int = BANDS) -> tuple[Block, NDArray[np.float64]]:
    """Triangles of height one (bands, window // 2 + 1), and the bands' centres in Hz (bands,).

    Neighbours overlap so that between the outermost centres every bin counts once. The highest band ends at 18 kHz
    or at the Nyquist frequency; a band narrower than a bin takes the nearest one.
    """
    top = min(HIGHEST_HZ, sample_rate / 2.0)
    edges = mel_edges_hz(top, bands + 1)
    bins = np.arange(window // 2 + 1) * sample_rate / window
    low, centre, high = (edges[start : start + bands, None] for start in range(3))
    filters = np.maximum(0.0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    nearest = np.abs(bins - centre).argmin(axis=1)
    empty = filters.sum(axis=1) == 0.0
    filters[empty, nearest[empty]] = 1.0
    return filters.astype(np.float32), edges[1:-1]


class MelPicture:
    """Collects mean mel power of `signals` signals with `channels` channels each.

    Columns start a quarter of a window apart; whenever 2 x 2048 of them are full, neighbours are averaged, so any
    length ends with at most that many. Channels are averaged in power, so nothing cancels.
    """

    def __init__(self, signals: int, channels: int, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.window = 2 ** round(np.log2(WINDOW_SECONDS * sample_rate))
        self.hop = self.window // 4
        filters, self.centres_hz = mel_filters(sample_rate, self.window)
        # One row for the real and one for the imaginary part of every bin.
        self._filters = np.ascontiguousarray(np.repeat(filters, 2, axis=1).T) / np.float32(channels)
        # The bins of a sine of amplitude 1 add up to a power of 1, which shows as 0 dB.
        hann = np.hanning(self.window + 1)[:-1]
        self._taper = (hann * np.sqrt(4.0 / (self.window * np.square(hann).sum()))).astype(np.float32)
        self._samples = np.zeros((signals, channels, self.window // 2), np.float32)
        self._power = np.zeros((signals, BANDS, 2 * MAX_COLUMNS), np.float32)
        self._columns = 0
        self._frames_per_column = 1
        self._column_sum = np.zeros((signals, BANDS), np.float64)
        self._column_frames = 0
        self.frames = 0

    def process(self, signals: Block) -> None:
        """Feed (S, C, n) float32."""
        self.frames += signals.shape[-1]
        self._collect(signals)

    def finish(self) -> None:
        """Let the last samples reach the middle of a window, and close the last column."""
        self._collect(np.zeros((*self._samples.shape[:2], self.window // 2), np.float32))
        if self._column_frames and self._columns < self._power.shape[-1]:
            self._close_column()

    def _collect(self, signals: Block) -> None:
        samples = np.concatenate([self._samples, signals], axis=-1)
        count = max(0, (samples.shape[-1] - self.window) // self.hop + 1)
        for first in range(0, count, _FRAMES_AT_ONCE):
            starts = np.arange(first, min(count, first + _FRAMES_AT_ONCE)) * self.hop
            frames = np.stack([samples[..., start : start + self.window] for start in starts])
            for frame in self._mel_power(frames):
                self._add(frame)
        self._samples = samples[..., count * self.hop :].copy()

    def _mel_power(self, frames: Block) -> Block:
        """(T, S, C, window) samples to (T, S, bands) power, averaged over channels."""
        frames *= self._taper
        parts = rfft(frames, axis=-1, overwrite_x=True).view(np.float32)
        np.square(parts, out=parts)
        power = parts.sum(axis=2)
        return (power.reshape(-1, power.shape[-1]) @ self._filters).reshape(*power.shape[:2], -1)

    def _add(self, frame: Block) -> None:
        if self._columns == self._power.shape[-1]:
            self._halve()
        self._column_sum += frame
        self._column_frames += 1
        if self._column_frames == self._frames_per_column:
            self._close_column()

    def _close_column(self) -> None:
        self._power[..., self._columns] = self._column_sum / self._column_frames
        self._columns += 1
        self._column_sum[:] = 0.0
        self._column_frames = 0

    def _halve(self) -> None:
        self._power[..., :MAX_COLUMNS] = 0.5 * (self._power[..., 0::2] + self._power[..., 1::2])
        self._columns = MAX_COLUMNS
        self._frames_per_column *= 2

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate

    def decibels(self, floor_db: float = -120.0) -> Block:
        """The picture so far, (S, bands, columns) float32: a sine at full scale has 0 dB in its band(s)."""
        power = self._power[..., : max(1, self._columns)]
        return 10.0 * np.log10(np.maximum(power, 10.0 ** (floor_db / 10.0)))
