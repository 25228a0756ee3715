"""One step of the generator on one core, compiled: the same numbers as `Generator.step`, without torch.

Matrix products go to BLAS through numba's `np.dot`; everything between them is fused into a few passes
(`kernels`). Weights are transposed once at load, so that each product reads them in order. What depends only
on the codes (their scales and biases in the head) is computed once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqss_engine import kernels
from vqss_engine.bundle import ModelBundle
from vqss_engine.compiled import njit
from vqss_engine.config import ModelConfig
from vqss_engine.errors import VQSSError

Floats = NDArray[np.float32]


class Network(NamedTuple):
    """The weights as the step reads them; layers come first: (L, …)."""

    edges: NDArray[np.int64]
    bands: NDArray[np.int64]
    counts: Floats
    decay: np.float32
    encode: Floats  # the bands' (2 n, D) blocks end to end
    encode_bias: Floats
    time_norm: Floats
    shift: Floats
    into: Floats
    into_bias: Floats
    out: Floats
    out_bias: Floats
    band_norm: Floats
    band_up: Floats
    band_up_bias: Floats
    band_down: Floats
    band_down_bias: Floats
    channel_norm: Floats
    channel_up: Floats
    channel_up_bias: Floats
    channel_down: Floats
    channel_down_bias: Floats
    head_norm: Floats
    units: Floats
    units_bias: Floats
    scales: Floats  # (K, U)
    head: Floats  # the bands' (U, n + 1) blocks end to end, the weight of the side energy last
    head_bias: Floats  # (K, M)


class Memory(NamedTuple):
    """Recurrent state of every phase: level (P,), hidden (P, L, Bn, R), previous (P, L, Bn, D)."""

    level: Floats
    hidden: Floats
    previous: Floats


class Work(NamedTuple):
    """Space for intermediate results."""

    power: Floats
    side: Floats
    features: Floats
    x: Floats
    normed: Floats
    shifted: Floats
    gates: Floats
    recurrent: Floats
    band_hidden: Floats
    channel_hidden: Floats
    units: Floats
    scaled: Floats
    piece: Floats
    peak: Floats
    total: Floats


@njit(cache=True, nogil=True)
def _layer(net: Network, work: Work, hidden: np.ndarray, previous: np.ndarray, i: int) -> None:
    x, normed = work.x, work.normed
    kernels.rms_norm(x, net.time_norm[i], normed)
    kernels.shift_in(normed, previous, net.shift[i], work.shifted)
    np.dot(work.shifted, net.into[i], work.gates)
    kernels.gated_recurrence(work.gates, net.into_bias[i], hidden, work.recurrent)
    np.dot(work.recurrent, net.out[i], normed)
    kernels.add_rows(x, normed, net.out_bias[i])
    kernels.rms_norm(x, net.band_norm[i], normed)
    np.dot(net.band_up[i], normed, work.band_hidden)
    kernels.squared_relu_columns(work.band_hidden, net.band_up_bias[i])
    np.dot(net.band_down[i], work.band_hidden, normed)
    kernels.add_columns(x, normed, net.band_down_bias[i])
    kernels.rms_norm(x, net.channel_norm[i], normed)
    np.dot(normed, net.channel_up[i], work.channel_hidden)
    kernels.squared_relu_rows(work.channel_hidden, net.channel_up_bias[i])
    np.dot(work.channel_hidden, net.channel_down[i], normed)
    kernels.add_rows(x, normed, net.channel_down_bias[i])


@njit(cache=True, nogil=True)
def _encode(net: Network, work: Work) -> None:
    width = work.x.shape[1]
    for band in range(len(net.bands) - 1):
        low, high = net.bands[band], net.bands[band + 1]
        row = work.x[band]
        row[:] = net.encode_bias[band]
        for i in range(2 * low, 2 * high):
            value = work.features[i]
            for d in range(width):
                row[d] += value * net.encode[i, d]


@njit(cache=True, nogil=True)
def _head(net: Network, work: Work, masks: np.ndarray) -> None:
    clusters, units = net.scales.shape
    kernels.rms_norm(work.x, net.head_norm, work.normed)
    np.dot(work.normed, net.units, work.units)
    kernels.squared_relu_rows(work.units, net.units_bias)
    for band in range(len(net.bands) - 1):
        low, high = net.bands[band], net.bands[band + 1]
        columns = high - low + 1  # the last one reads the weight of the side energy
        for k in range(clusters):
            for u in range(units):
                work.scaled[k, u] = net.scales[k, u] * work.units[band, u]
        start = units * (low + band)
        weight = net.head[start : start + units * columns].reshape(units, columns)
        piece = work.piece[: clusters * columns].reshape(clusters, columns)
        np.dot(work.scaled, weight, piece)
        for k in range(clusters):
            lean = piece[k, columns - 1]
            for m in range(low, high):
                masks[k, m] = piece[k, m - low] + lean * work.side[m] + net.head_bias[k, m]
    kernels.softmax_over_clusters(masks, work.peak, work.total)


@njit(cache=True, nogil=True)
def _step(net: Network, memory: Memory, work: Work, phase: int, spectrum: np.ndarray, masks: np.ndarray) -> None:
    kernels.mix_statistics(spectrum, net.edges, work.power, work.side)
    level = kernels.follow_level(work.power, spectrum.shape[1], memory.level[phase], net.decay)
    memory.level[phase] = level
    kernels.features(work.power, work.side, net.counts, level, work.features)
    _encode(net, work)
    for i in range(len(net.shift)):
        _layer(net, work, memory.hidden[phase, i], memory.previous[phase, i], i)
    _head(net, work, masks)


class Runtime:
    """Steps a bundle's generator frame by frame.

    A stream whose hop is a fraction of the hop the model was trained at keeps one recurrent state for each
    phase and uses them in turn. Raises VQSSError if `stream_hop` does not divide the trained hop.
    """

    def __init__(self, bundle: ModelBundle, stream_hop: int) -> None:
        config = bundle.config
        self.phases, remainder = divmod(config.train_hop, stream_hop)
        if remainder or not self.phases:
            raise VQSSError(f"a hop of {stream_hop} does not divide the model's {config.train_hop}; choose another")
        self.config = config
        self.clusters, self.mask_bins = config.clusters, config.mask_bins
        widths = np.diff(config.mask_edges)
        self.mask_index = np.repeat(np.arange(config.mask_bins, dtype=np.int32), widths)
        self._network = _network(bundle)
        self._work = _work(config)
        self._memory = Memory(
            np.zeros(self.phases, np.float32),
            np.zeros((self.phases, config.layers, config.bands, config.recurrent_width), np.float32),
            np.zeros((self.phases, config.layers, config.bands, config.width), np.float32),
        )
        self._masks = np.zeros((config.clusters, config.mask_bins), np.float32)
        self._phase = 0
        self.reset()

    @property
    def power(self) -> Floats:
        """Power (M,) of the last frame's mix by mask bin, the mean over its channels."""
        return self._work.power

    def step(self, spectrum: NDArray[np.complex64]) -> Floats:
        """Masks (K, M) of the next frame (C, F), C = 1 or 2; a view, good until the next step."""
        _step(self._network, self._memory, self._work, self._phase, spectrum, self._masks)
        self._phase = (self._phase + 1) % self.phases
        return self._masks

    def reset(self) -> None:
        """Forget everything heard."""
        self._phase = 0
        self._memory.level[:] = kernels.LOG_SILENCE
        self._memory.hidden[:] = 0.0
        self._memory.previous[:] = 0.0


def _network(bundle: ModelBundle) -> Network:
    config, weights = bundle.config, bundle.weights

    def layers(name: str, transpose: bool = False) -> Floats:
        stacked = [weights[f"layers.{i}.{name}"] for i in range(config.layers)]
        return np.ascontiguousarray(np.stack([w.T if transpose else w for w in stacked]))

    bands = range(config.bands)
    edges = config.band_edges
    codes = weights["codes"]
    rows = [(weights["head.weight"][edges[b] : edges[b + 1]], weights["head.side"][b : b + 1]) for b in bands]
    head = [np.ascontiguousarray(np.concatenate(row).T).ravel() for row in rows]
    return Network(
        edges=np.array(config.mask_edges, np.int64),
        bands=np.array(edges, np.int64),
        counts=np.diff(config.mask_edges).astype(np.float32),
        decay=np.float32(-np.log(config.level_decay)),
        encode=np.ascontiguousarray(np.concatenate([weights[f"encode.{b}.weight"].T for b in bands])),
        encode_bias=np.stack([weights[f"encode.{b}.bias"] for b in bands]),
        time_norm=layers("time.norm.weight"),
        shift=layers("time.shift"),
        into=layers("time.into.weight", transpose=True),
        into_bias=layers("time.into.bias"),
        out=layers("time.out.weight", transpose=True),
        out_bias=layers("time.out.bias"),
        band_norm=layers("band.norm.weight"),
        band_up=layers("band.up.weight"),
        band_up_bias=layers("band.up.bias"),
        band_down=layers("band.down.weight"),
        band_down_bias=layers("band.down.bias"),
        channel_norm=layers("channel.norm.weight"),
        channel_up=layers("channel.up.weight", transpose=True),
        channel_up_bias=layers("channel.up.bias"),
        channel_down=layers("channel.down.weight", transpose=True),
        channel_down_bias=layers("channel.down.bias"),
        head_norm=weights["head.norm.weight"],
        units=np.ascontiguousarray(weights["head.units.weight"].T),
        units_bias=weights["head.units.bias"],
        scales=np.ascontiguousarray(codes @ weights["head.film.weight"].T + weights["head.film.bias"]),
        head=np.concatenate(head),
        head_bias=np.ascontiguousarray(codes @ weights["head.bias.weight"].T),
    )


def _work(config: ModelConfig) -> Work:
    bands, width, clusters, bins = config.bands, config.width, config.clusters, config.mask_bins
    widest = int(np.diff(config.band_edges).max())
    return Work(
        power=_space(bins),
        side=_space(bins),
        features=_space(2 * bins),
        x=_space(bands, width),
        normed=_space(bands, width),
        shifted=_space(bands, width),
        gates=_space(bands, 3 * config.recurrent_width),
        recurrent=_space(bands, config.recurrent_width),
        band_hidden=_space(config.band_hidden, width),
        channel_hidden=_space(bands, config.channel_hidden),
        units=_space(bands, config.head_width),
        scaled=_space(clusters, config.head_width),
        piece=_space(clusters * (widest + 1)),
        peak=_space(bins),
        total=_space(bins),
    )


def _space(*shape: int) -> Floats:
    return np.zeros(shape, np.float32)
