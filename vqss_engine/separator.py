"""The streaming separator: one hop of mix in; a weighted mixdown of the clusters, or the clusters, out.

Masks sum to one over the clusters in every bin, so the clusters sum to the delayed mix. A mixdown weights
the masks first and pays for one inverse transform however many clusters sound.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqss_engine.bundle import ModelBundle
from vqss_engine.compiled import njit
from vqss_engine.config import StreamConfig
from vqss_engine.masked_istft import MaskedMixdown, MaskedStems
from vqss_engine.runtime import Runtime
from vqss_engine.stft import StreamingSTFT, asymmetric_windows, power_scale

Floats = NDArray[np.float32]


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _powers(
    spectrum: np.ndarray, masks: np.ndarray, edges: np.ndarray, scale: np.float32, by_bin: np.ndarray, out: np.ndarray
) -> None:
    """Mean power out (K + 1, C) of each cluster and, last, of the mix; by_bin (M,) is work space."""
    clusters, bins = masks.shape
    for c in range(spectrum.shape[0]):
        total = np.float32(0.0)
        for m in range(bins):
            power = np.float32(0.0)
            for f in range(edges[m], edges[m + 1]):
                value = spectrum[c, f]
                power += value.real * value.real + value.imag * value.imag
            by_bin[m] = power
            total += power
        out[clusters, c] = total * scale
        for k in range(clusters):
            total = np.float32(0.0)
            for m in range(bins):
                total += masks[k, m] * masks[k, m] * by_bin[m]
            out[k, c] = total * scale


class StreamingSeparator:
    """Separates a stream hop by hop.

    Call `analyse` once a hop, then at most once each `mixdown`, `stems` and `powers`. Outputs lag
    the input by `latency_samples` = synthesis - hop; gathering a hop first adds the remaining `hop`.
    """

    def __init__(self, bundle: ModelBundle, stream: StreamConfig, channels: int) -> None:
        """Compiles its kernels, which takes a while the first time on a machine. `channels` is 1 or 2."""
        if channels not in (1, 2):
            raise ValueError(f"{channels} channels given, 1 or 2 expected")
        config = bundle.config
        sizes = (config.window, stream.hop, stream.synthesis)
        clusters = config.clusters
        self.hop, self.channels, self.clusters = stream.hop, channels, clusters
        self.latency_samples = stream.synthesis - stream.hop
        self.runtime = Runtime(bundle, stream.hop, stream.mask_hops)
        self._edges = np.array(config.mask_edges, np.int64)
        self._stft = StreamingSTFT(channels, *sizes)
        self._mix_istft = MaskedMixdown(config, stream, channels)
        self._stem_istft = MaskedStems(config, stream, channels)
        self._spectrum: NDArray[np.complex64] = np.zeros((channels, config.bins), np.complex64)
        self._masks: Floats = np.zeros((clusters, config.mask_bins), np.float32)
        self._by_bin = np.zeros(config.mask_bins, np.float32)
        self._power_scale = power_scale(asymmetric_windows(*sizes)[0])
        self._warm()

    def _warm(self) -> None:
        """Compile everything, so that the first hop costs what every hop costs."""
        silence = np.zeros((self.channels, self.hop), np.float32)
        self.analyse(silence)
        self.mixdown(np.ones((self.clusters, self.channels), np.float32), silence)
        self.stems(np.ones(self.clusters, np.bool_), np.zeros((self.clusters, *silence.shape), np.float32))
        self.powers(np.zeros((self.clusters + 1, self.channels), np.float32))
        self.reset()

    def analyse(self, block: Floats) -> None:
        """Take one hop of mix (C, H); what the calls below return belongs to it."""
        self._spectrum = self._stft.process(block)
        self._masks = self.runtime.step(self._spectrum)

    @property
    def masks(self) -> Floats:
        """Masks (K, M) of the last hop; a view."""
        return self._masks

    def mixdown(self, weights: Floats, out: Floats) -> Floats:
        """Fill out (C, H), contiguous, with the sum of the clusters, each times weights (K, C)."""
        self._mix_istft.make(self._spectrum, self._masks, weights, out)
        return out

    def stems(self, wanted: NDArray[np.bool_], out: Floats) -> Floats:
        """Fill out (K, C, H), contiguous: the wanted (K,) clusters, and zeros for the others, which cost nothing."""
        self._stem_istft.make(0, self._spectrum[None], self._masks[None], wanted, out)
        return out

    def powers(self, out: Floats) -> Floats:
        """Fill out (K + 1, C) with the mean power of each cluster and, last, of the mix in this hop's window."""
        _powers(self._spectrum, self._masks, self._edges, self._power_scale, self._by_bin, out)
        return out

    def reset(self) -> None:
        """Forget everything heard: as if silence had gone before."""
        for part in (self._stft, self._mix_istft, self._stem_istft, self.runtime):
            part.reset()
