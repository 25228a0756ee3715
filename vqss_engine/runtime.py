"""The generator on a CPU, compiled: the same numbers as `Generator.step`, without torch.

All frames take the same way, one at a time as a stream brings them, or several at once from a file, when each weight
that has been fetched from memory serves all of them. Matrix products are `matmul`'s, which gives an element the same
value however many rows there are; everything between them is fused into a few passes (`kernels`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vqss_engine import kernels
from vqss_engine.bundle import ModelBundle
from vqss_engine.compiled import njit
from vqss_engine.mask_turns import MaskTurns, hold_masks
from vqss_engine.matmul import multiply_add, product_add
from vqss_engine.network import Memory, Network, Work, network_of
from vqss_engine.simd import WIDTH

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]

FRAMES_AT_ONCE = 4
"""Enough for the weights to be fetched rarely, few enough for all intermediate results to stay in the cache."""

# The parts of a frame are compiled as one: each function that is compiled by itself brings all it calls along.
_part = njit(nogil=True, error_model="numpy", inline="always")


@_part
def _time(net: Network, work: Work, hidden: np.ndarray, previous: np.ndarray, i: int, frames: int) -> None:
    bands = len(previous)
    rows = frames * bands
    x, normed, shifted, gates, recurrent = (
        work.x[:rows], work.normed[:rows], work.shifted[:rows], work.gates[:rows], work.recurrent[:rows]
    )  # fmt: skip
    kernels.rms_norm(x, net.time_norm[i], net.width, normed)
    for t in range(frames):
        top, end = t * bands, (t + 1) * bands
        kernels.shift_in(normed[top:end], previous, net.shift[i], shifted[top:end])
    kernels.fill_rows(gates, net.into_bias[i])
    product_add(shifted, net.into[i], gates)
    for t in range(frames):
        top, end = t * bands, (t + 1) * bands
        kernels.gated_recurrence(gates[top:end], hidden, recurrent[top:end])
    kernels.add_rows(x, net.out_bias[i])
    product_add(recurrent, net.out[i], x)


@_part
def _bands_and_channels(net: Network, work: Work, bands: int, i: int, frames: int) -> None:
    rows = frames * bands
    x, normed, hidden = work.x[:rows], work.normed[:rows], work.channel_hidden[:rows]
    kernels.rms_norm(x, net.band_norm[i], net.width, normed)
    for t in range(frames):
        top, end = t * bands, (t + 1) * bands
        kernels.fill_columns(work.band_hidden, net.band_up_bias[i], net.width)
        product_add(net.band_up[i], normed[top:end], work.band_hidden)
        kernels.squared_relu(work.band_hidden)
        kernels.add_columns(x[top:end], net.band_down_bias[i], net.width)
        product_add(net.band_down[i], work.band_hidden, x[top:end])
    kernels.rms_norm(x, net.channel_norm[i], net.width, normed)
    kernels.fill_rows(hidden, net.channel_up_bias[i])
    product_add(normed, net.channel_up[i], hidden)
    kernels.squared_relu(hidden)
    kernels.add_rows(x, net.channel_down_bias[i])
    product_add(hidden, net.channel_down[i], x)


@_part
def _encode(net: Network, work: Work, frames: int) -> None:
    bands, width = net.encode_bias.shape
    features, encode, x = work.features.reshape(-1), net.encode.reshape(-1), work.x.reshape(-1)
    for t in range(frames):
        work.x[t * bands : (t + 1) * bands] = net.encode_bias
    for band in range(bands):
        low, high = 2 * net.bands[band], 2 * net.bands[band + 1]
        multiply_add(
            features, low, work.features.shape[1], encode, low * width, width, x, band * width, bands * width,
            frames, high - low, width,
        )  # fmt: skip


@_part
def _head(net: Network, work: Work, t: int, masks: np.ndarray) -> None:
    """Masks (K, M) of frame t, whose units are ready."""
    bands, units, clusters = len(net.bands) - 1, net.head.shape[1], net.scales.shape[1]
    weights, scaled, read = net.head.reshape(-1), work.scaled.reshape(-1), work.read.reshape(-1)
    leaned, vectors = work.leaned.reshape(-1), clusters // WIDTH
    work.read[:] = net.head_bias
    for band in range(bands):
        low, high = net.bands[band], net.bands[band + 1]
        first, rows = low + band, high - low
        start = (t * bands + band) * work.units.shape[1]
        kernels.scale_rows(net.scales, work.units, start, work.scaled, units, vectors)
        multiply_add(
            weights, first * units, units, scaled, 0, clusters, read, first * clusters, clusters,
            rows + 1, units, clusters,
        )  # fmt: skip
        lean = (first + rows) * clusters
        kernels.lean_rows(read, first * clusters, lean, work.side[t], low, leaned, low * clusters, rows, vectors)
    kernels.turn(leaned, work.logits, work.logits.shape[1], vectors)
    kernels.softmax_over_clusters(work.logits, work.peak, work.total, masks)


@_part
def _run_frames(
    net: Network, memory: Memory, work: Work, phase: int, spectra: np.ndarray, first: int, step: int, frames: int,
    masks: np.ndarray,
) -> None:  # fmt: skip
    """`run_phase` for so many frames as `work` has room for."""
    bands = len(net.bands) - 1
    rows = frames * bands
    for t in range(frames):
        spectrum, power, side = spectra[first + t * step], work.power[t], work.side[t]
        kernels.mix_statistics(spectrum, net.edges, work.bins, power, side)
        level = kernels.follow_level(power, spectrum.shape[1], memory.level[phase], net.decay)
        memory.level[phase] = level
        kernels.features(power, side, net.counts, level, work.features[t])
    _encode(net, work, frames)
    for i in range(len(net.shift)):
        _time(net, work, memory.hidden[phase, i], memory.previous[phase, i], i, frames)
        _bands_and_channels(net, work, bands, i, frames)
    x, normed, units = work.x[:rows], work.normed[:rows], work.units[:rows]
    kernels.rms_norm(x, net.head_norm, net.width, normed)
    kernels.fill_rows(units, net.units_bias)
    product_add(normed, net.units, units)
    kernels.squared_relu(units)
    for t in range(frames):
        _head(net, work, t, masks[first + t * step])


@njit(cache=True, nogil=True, error_model="numpy")
def run_phase(
    net: Network, memory: Memory, work: Work, phase: int, spectra: np.ndarray, first: int, step: int, masks: np.ndarray
) -> None:
    """Masks (T, K, M) of spectra (T, C, F) at `first`, `first + step`, ...: the frames of one phase in order of time,
    as many at once as `work` has room for."""
    most = len(work.power)
    for start in range(first, len(spectra), step * most):
        frames = min(most, (len(spectra) - start + step - 1) // step)
        _run_frames(net, memory, work, phase, spectra, start, step, frames, masks)


class Runtime:
    """Runs a bundle's generator over frames in order of time.

    `turns` tell on which: frames of different phases know nothing of each other, and masks serve until the network runs
    again. Raises VQSSError where `MaskTurns` does.
    """

    def __init__(self, bundle: ModelBundle, stream_hop: int, mask_hops: int = 1) -> None:
        config = bundle.config
        self.turns = MaskTurns(config, stream_hop, mask_hops)
        self.config = config
        self.clusters, self.mask_bins = config.clusters, config.mask_bins
        self._network = network_of(bundle)
        self._work = Work.of(config, 1)
        self._memory = Memory.silent(config, self.turns.phases)
        self._masks = np.zeros((1, config.clusters, config.mask_bins), np.float32)
        self._crew: list[Work] = []

    @property
    def power(self) -> Floats:
        """Power (M,) of the mix by mask bin, the mean over its channels, in the last frame that `step` ran on."""
        return self._work.power[0]

    def step(self, spectrum: Complexes) -> Floats:
        """Masks (K, M) of the next frame (C, F), C = 1 or 2; a view, good until the next step."""
        _, runs, phase = self.turns.take(1)
        if runs:
            run_phase(self._network, self._memory, self._work, phase, spectrum[None], 0, 1, self._masks)
        return self._masks[0]

    def tasks(self, spectra: Complexes, masks: Floats, threads: int) -> list[Callable[[], None]]:
        """What to call, on as many threads at a time, to fill masks (T, K, M) from the next frames (T, C, F).

        Each task takes some of the phases. When all are done, time has moved on by T frames.
        """
        crew = min(threads, self.turns.phases)
        while len(self._crew) < crew:
            self._crew.append(Work.of(self.config, FRAMES_AT_ONCE))
        start, runs, phase = self.turns.take(len(spectra))
        masks[:start] = self._masks  # still serves
        phases = min(self.turns.phases, runs)
        return [partial(self._run_phases, work, phase, start, range(i, phases, crew), spectra, masks)
                for i, work in enumerate(self._crew[:crew])]

    def _run_phases(
        self, work: Work, phase: int, start: int, turns: range, spectra: Complexes, masks: Floats
    ) -> None:
        """Run the phases of the network's turns `turns` and those that follow in their steps; turn 0 is of `phase` and
        falls on frame `start`."""
        phases, hops = self.turns.phases, self.turns.mask_hops
        step, last = phases * hops, start + (len(spectra) - 1 - start) // hops * hops
        for turn in turns:
            first = start + turn * hops
            run_phase(self._network, self._memory, work, (phase + turn) % phases, spectra, first, step, masks)
            hold_masks(masks, first, step, hops)
            if not (last - first) % step:
                self._masks[0] = masks[last]

    def reset(self) -> None:
        """Forget everything heard."""
        self.turns.reset()
        self._memory.forget()
