"""Inverse transforms of masked spectra: of every cluster, or of their weighted sum.

A mask is applied while the transform reads its input, so that no masked spectrum is ever written.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqss_engine.compiled import njit
from vqss_engine.config import ModelConfig, StreamConfig
from vqss_engine.fft import SMALLEST_FAST_SIZE, RealFFT, masked_irfft, windowed_irfft
from vqss_engine.simd import aligned
from vqss_engine.stft import inverse_window, overlap_add

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]

_compiled = njit(cache=True, forceinline=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})


@_compiled
def _gain_row(
    spectrum: np.ndarray, gain: np.ndarray, product: np.ndarray, synthesis: np.ndarray, overlap: np.ndarray,
    out: np.ndarray, samples: np.ndarray, tables: np.ndarray, work: np.ndarray,
) -> None:  # fmt: skip
    """One hop out (H,) of spectrum (F,) times gain (F,); product (F,) is work space for the smallest sizes."""
    if len(spectrum) > SMALLEST_FAST_SIZE // 2:
        masked_irfft(spectrum, gain, synthesis, samples, tables, work)
    else:
        for f in range(len(spectrum)):
            product[f] = spectrum[f] * gain[f]
        windowed_irfft(product, synthesis, samples, tables, work)
    overlap_add(samples, overlap, out)


@_compiled
def _stems(
    spectra: np.ndarray, masks: np.ndarray, wanted: np.ndarray, first: int, last: int, index: np.ndarray,
    overlap: np.ndarray, out: np.ndarray, start: int, hop: int, gain: np.ndarray, product: np.ndarray,
    synthesis: np.ndarray, samples: np.ndarray, tables: np.ndarray, work: np.ndarray,
) -> None:  # fmt: skip
    """T hops of out (K, C, N) from sample `start` on, of clusters first … last - 1: spectra (T, C, F) times masks
    (T, K, M)."""
    frames, channels, bins = spectra.shape
    for k in range(first, last):
        if not wanted[k]:
            out[k, :, start : start + frames * hop] = np.float32(0.0)
            overlap[k] = np.float32(0.0)
            continue
        for t in range(frames):
            mask = masks[t, k]
            for f in range(bins):
                gain[f] = mask[index[f]]
            for c in range(channels):
                part = out[k, c][start + t * hop : start + (t + 1) * hop]
                _gain_row(spectra[t, c], gain, product, synthesis, overlap[k, c], part, samples, tables, work)


@_compiled
def _mixdown(
    spectrum: np.ndarray, masks: np.ndarray, weights: np.ndarray, index: np.ndarray, sums: np.ndarray,
    overlap: np.ndarray, out: np.ndarray, gain: np.ndarray, product: np.ndarray, synthesis: np.ndarray,
    samples: np.ndarray, tables: np.ndarray, work: np.ndarray,
) -> None:  # fmt: skip
    """out (C, H) of spectrum (C, F) times the sum over k of weights (K, C) and masks (K, M); sums (M,) is space."""
    for c in range(spectrum.shape[0]):
        sums[:] = np.float32(0.0)
        for k in range(masks.shape[0]):
            weight = weights[k, c]
            if weight != np.float32(0.0):
                for m in range(masks.shape[1]):
                    sums[m] += weight * masks[k, m]
        for f in range(spectrum.shape[1]):
            gain[f] = sums[index[f]]
        _gain_row(spectrum[c], gain, product, synthesis, overlap[c], out[c], samples, tables, work)


class _Transform:
    """Tables and work space; one for each thread."""

    def __init__(self, config: ModelConfig, stream: StreamConfig) -> None:
        synthesis, fft = inverse_window(config.window, stream.hop, stream.synthesis), RealFFT(config.window)
        self.index = np.repeat(np.arange(config.mask_bins, dtype=np.int32), np.diff(config.mask_edges))
        self.arrays = (
            aligned(np.zeros(config.bins)), np.zeros(config.bins, np.complex64),
            synthesis, aligned(np.zeros(len(synthesis))),
            fft.tables, fft.work,
        )  # fmt: skip


class MaskedStems:
    """Every cluster by itself, from any number of frames a call.

    `threads` may each make a part of the clusters, at the same time: see `parts`.
    """

    def __init__(self, config: ModelConfig, stream: StreamConfig, channels: int, threads: int = 1) -> None:
        shape = (config.clusters, channels, stream.synthesis - stream.hop)
        self._transforms = [_Transform(config, stream) for _ in range(min(threads, config.clusters))]
        self._overlap = np.zeros(shape, np.float32)
        self._hop = stream.hop

    @property
    def parts(self) -> int:
        return len(self._transforms)

    def make(
        self, part: int, spectra: Complexes, masks: Floats, wanted: NDArray[np.bool_], out: Floats, start: int = 0
    ) -> None:
        """Fill T hops of this part's clusters of out (K, C, N), contiguous, from sample `start` on, from spectra
        (T, C, F) and masks (T, K, M).

        Those that are not wanted (K,) are zero and cost next to nothing; wanted again, they begin as after a reset.
        """
        transform, clusters = self._transforms[part], len(self._overlap)
        first, last = clusters * part // self.parts, clusters * (part + 1) // self.parts
        _stems(
            spectra, masks, wanted, first, last, transform.index, self._overlap, out, start, self._hop,
            *transform.arrays,
        )  # fmt: skip

    def reset(self) -> None:
        self._overlap[...] = 0.0


class MaskedMixdown:
    """The clusters' weighted sum, which costs one transform a channel however many sound."""

    def __init__(self, config: ModelConfig, stream: StreamConfig, channels: int) -> None:
        self._transform = _Transform(config, stream)
        self._sums = np.zeros(config.mask_bins, np.float32)
        self._overlap = np.zeros((channels, stream.synthesis - stream.hop), np.float32)

    def make(self, spectrum: Complexes, masks: Floats, weights: Floats, out: Floats) -> None:
        """Fill out (C, H) from spectrum (C, F), masks (K, M) and weights (K, C)."""
        transform = self._transform
        _mixdown(spectrum, masks, weights, transform.index, self._sums, self._overlap, out, *transform.arrays)

    def reset(self) -> None:
        self._overlap[...] = 0.0
