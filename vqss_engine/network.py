"""The generator's weights, state and work space as the compiled step reads them.

Weights are transposed once at load, so that products read them in order, and padded with zeros to whole vectors.
What depends only on the codes (their scales and biases in the head) is computed once.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqss_engine.bundle import ModelBundle, Weights
from vqss_engine.config import ModelConfig
from vqss_engine.kernels import LOG_SILENCE
from vqss_engine.matmul import padded
from vqss_engine.simd import aligned

Floats = NDArray[np.float32]


class Network(NamedTuple):
    """The weights; layers come first: (L, …). Sizes with an apostrophe are padded."""

    edges: NDArray[np.int64]
    bands: NDArray[np.int64]
    counts: Floats
    decay: np.float32
    width: int
    encode: Floats  # (2 M, D'): the bands' (2 n, D') one below the other
    encode_bias: Floats  # (Bn, D')
    time_norm: Floats
    shift: Floats
    into: Floats  # (L, D, 3 R'): forget, candidate, output
    into_bias: Floats
    out: Floats  # (L, R, D')
    out_bias: Floats
    band_norm: Floats
    band_up: Floats  # (L, Hb, Bn)
    band_up_bias: Floats
    band_down: Floats  # (L, Bn, Hb)
    band_down_bias: Floats
    channel_norm: Floats
    channel_up: Floats  # (L, D, Hc')
    channel_up_bias: Floats
    channel_down: Floats  # (L, Hc, D')
    channel_down_bias: Floats
    head_norm: Floats
    units: Floats  # (D, U')
    units_bias: Floats
    scales: Floats  # (U, K')
    head: Floats  # (M + Bn, U): of each band the rows of its mask bins, then the weight of the side energy
    head_bias: Floats  # (M + Bn, K')


class Memory(NamedTuple):
    """Recurrent state of every phase: level (P,), hidden (P, L, Bn, R'), previous (P, L, Bn, D')."""

    level: Floats
    hidden: Floats
    previous: Floats

    @classmethod
    def silent(cls, config: ModelConfig, phases: int) -> Memory:
        lead = (phases, config.layers, config.bands)
        hidden, previous = padded(config.recurrent_width), padded(config.width)
        memory = cls(_space(phases), _space(*lead, hidden), _space(*lead, previous))
        memory.forget()
        return memory

    def forget(self) -> None:
        """As if silence had gone before."""
        self.level[:] = LOG_SILENCE
        self.hidden[:] = 0.0
        self.previous[:] = 0.0


class Work(NamedTuple):
    """Space for intermediate results of T frames at once, their bands one below the other: (T Bn, …)."""

    bins: Floats  # (2, F)
    power: Floats  # (T, M)
    side: Floats  # (T, M)
    features: Floats  # (T, 2 M)
    x: Floats
    normed: Floats
    shifted: Floats
    gates: Floats
    recurrent: Floats
    band_hidden: Floats  # (Hb, D'), of one frame
    channel_hidden: Floats
    units: Floats
    scaled: Floats  # (U, K'), of one band
    read: Floats  # (M + Bn, K')
    leaned: Floats  # (M', K')
    logits: Floats  # (K', M')
    peak: Floats
    total: Floats

    @classmethod
    def of(cls, config: ModelConfig, frames: int) -> Work:
        rows, bins, clusters = frames * config.bands, config.mask_bins, padded(config.clusters)
        width, units = padded(config.width), padded(config.head_width)
        return cls(
            bins=_space(2, config.bins),
            power=_space(frames, bins),
            side=_space(frames, bins),
            features=_space(frames, 2 * bins),
            x=_space(rows, width),
            normed=_space(rows, width),
            shifted=_space(rows, width),
            gates=_space(rows, 3 * padded(config.recurrent_width)),
            recurrent=_space(rows, padded(config.recurrent_width)),
            band_hidden=_space(config.band_hidden, width),
            channel_hidden=_space(rows, padded(config.channel_hidden)),
            units=_space(rows, units),
            scaled=_space(config.head_width, clusters),
            read=_space(bins + config.bands, clusters),
            leaned=_space(padded(bins), clusters),
            logits=_space(clusters, padded(bins)),
            peak=_space(bins),
            total=_space(bins),
        )


def _space(*shape: int) -> Floats:
    return aligned(np.zeros(shape, np.float32))


def _wide(array: Floats) -> Floats:
    """Rows padded with zeros to whole vectors."""
    columns = array.shape[-1]
    edge = [(0, 0)] * (array.ndim - 1) + [(0, padded(columns) - columns)]
    return aligned(np.pad(array, edge))


def _gates(array: Floats) -> Floats:
    """The three gates' columns, each padded by itself."""
    return aligned(np.concatenate([_wide(part) for part in np.split(array, 3, axis=-1)], axis=-1))


def _by_band(rows: Floats, last: Floats, edges: tuple[int, ...]) -> Floats:
    """The rows (M, …) of each band followed by its one of last (Bn, …)."""
    return np.concatenate([part for b, (i, j) in enumerate(pairwise(edges)) for part in (rows[i:j], last[b : b + 1])])


def network_of(bundle: ModelBundle) -> Network:
    config, weights = bundle.config, bundle.weights
    bands, edges, codes = range(config.bands), config.band_edges, weights["codes"]

    def layers(name: str, transpose: bool = False) -> Floats:
        return _layers(weights, config.layers, name, transpose)

    scales = codes @ weights["head.film.weight"].T + weights["head.film.bias"]
    bias = weights["head.bias.weight"] @ codes.T
    return Network(
        edges=np.array(config.mask_edges, np.int64),
        bands=np.array(edges, np.int64),
        counts=np.diff(config.mask_edges).astype(np.float32),
        decay=np.float32(-np.log(config.level_decay)),
        width=config.width,
        encode=_wide(np.concatenate([weights[f"encode.{b}.weight"].T for b in bands])),
        encode_bias=_wide(np.stack([weights[f"encode.{b}.bias"] for b in bands])),
        time_norm=_wide(layers("time.norm.weight")),
        shift=_wide(layers("time.shift")),
        into=_gates(layers("time.into.weight", transpose=True)),
        into_bias=_gates(layers("time.into.bias")),
        out=_wide(layers("time.out.weight", transpose=True)),
        out_bias=_wide(layers("time.out.bias")),
        band_norm=_wide(layers("band.norm.weight")),
        band_up=layers("band.up.weight"),
        band_up_bias=layers("band.up.bias"),
        band_down=layers("band.down.weight"),
        band_down_bias=layers("band.down.bias"),
        channel_norm=_wide(layers("channel.norm.weight")),
        channel_up=_wide(layers("channel.up.weight", transpose=True)),
        channel_up_bias=_wide(layers("channel.up.bias")),
        channel_down=_wide(layers("channel.down.weight", transpose=True)),
        channel_down_bias=_wide(layers("channel.down.bias")),
        head_norm=_wide(weights["head.norm.weight"]),
        units=_wide(weights["head.units.weight"].T),
        units_bias=_wide(weights["head.units.bias"]),
        scales=_wide(scales.T),
        head=aligned(_by_band(weights["head.weight"], weights["head.side"], edges)),
        head_bias=_wide(_by_band(bias, np.zeros((config.bands, config.clusters), np.float32), edges)),
    )


def _layers(weights: Weights, count: int, name: str, transpose: bool) -> Floats:
    stacked = [weights[f"layers.{i}.{name}"] for i in range(count)]
    return aligned(np.stack([w.T if transpose else w for w in stacked]))
