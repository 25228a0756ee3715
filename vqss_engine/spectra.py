"""What each cluster's spectrum looks like, in mel bands, for screens: computed only while somebody looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqss_engine.config import ModelConfig, StreamConfig
from vqss_engine.stft import asymmetric_windows, power_scale

Floats = NDArray[np.float32]

BANDS = 64
LOWEST_DB, HIGHEST_DB = -90.0, 0.0
_LOWEST_HZ = 30.0


def mel_edges_hz(highest_hz: float, bands: int = BANDS) -> NDArray[np.float64]:
    """The edges (bands + 1,) of bands equally wide from 30 Hz to `highest_hz` on the mel scale of O'Shaughnessy
    (1987)."""
    lowest, highest = 2595.0 * np.log10(1.0 + np.array([_LOWEST_HZ, highest_hz]) / 700.0)
    return 700.0 * (10.0 ** (np.linspace(lowest, highest, bands + 1) / 2595.0) - 1.0)


def band_matrix(config: ModelConfig) -> Floats:
    """(M, 64): which part of each mask bin's power falls into each mel band.

    A mask bin is taken as evenly filled from half an FFT bin below its first to half a bin above its last.
    """
    edges = (np.asarray(config.mask_edges) - 0.5) * config.sample_rate / config.window
    bands = mel_edges_hz(config.sample_rate / 2)
    low = np.maximum(edges[:-1, None], bands[None, :-1])
    high = np.minimum(edges[1:, None], bands[None, 1:])
    return (np.maximum(high - low, 0.0) / (edges[1:] - edges[:-1])[:, None]).astype(np.float32)


class SpectrumView:
    """Turns masks and the power of the mix into bytes for the screen: mix, then clusters, 64 bands each."""

    def __init__(self, config: ModelConfig, stream: StreamConfig) -> None:
        window, _ = asymmetric_windows(config.window, stream.hop, stream.synthesis)
        self._scale = power_scale(window)
        self._bands = band_matrix(config)
        self._powers: Floats = np.zeros((config.clusters + 1, config.mask_bins), np.float32)
        self._levels: Floats = np.zeros((config.clusters + 1, BANDS), np.float32)

    def measure(self, power: Floats, masks: Floats) -> Floats:
        """Mean squares (K + 1, 64) of mix and clusters, from the mix's summed bin powers (M,) and masks (K, M)."""
        self._powers[0] = power
        np.square(masks, out=self._powers[1:])
        self._powers[1:] *= power
        np.matmul(self._powers, self._bands, out=self._levels)
        self._levels *= self._scale
        return self._levels

    def render(self, power: Floats, masks: Floats) -> bytes:
        """One byte a band: 0...255 for -90...0 dB, where 0 dB is a full-scale sine."""
        decibels = 10.0 * np.log10(np.maximum(2.0 * self.measure(power, masks), 1e-12))
        steps = np.round((decibels - LOWEST_DB) * (255.0 / (HIGHEST_DB - LOWEST_DB)))
        return np.clip(steps, 0, 255).astype(np.uint8).tobytes()
