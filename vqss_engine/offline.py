"""The separator for signals that are there as a whole: many hops a call, on several threads, the same numbers.

Threads: the caller's, and those of a pool, which share out three steps: spectra by channel, the network by phase,
inverse transforms by cluster. A long signal goes through them like a line of wagons, each chunk one step behind the
next, so that a thread always finds something to do. All of it is compiled and lets the interpreter go. The caller
waits for them; nobody else may call meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vqss_engine.bundle import ModelBundle
from vqss_engine.compiled import njit
from vqss_engine.config import StreamConfig
from vqss_engine.fft import RealFFT, windowed_rfft
from vqss_engine.masked_istft import MaskedStems
from vqss_engine.runtime import Runtime
from vqss_engine.simd import aligned
from vqss_engine.stft import asymmetric_windows

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]
Task = Callable[[], None]

CHUNK_HOPS = 32
MOST_THREADS = 8
TASKS_PER_THREAD = 4
"""Each step is cut finer than there are threads: where another program, or the writer of the files, takes a core for a
while, the other threads take what it leaves."""


def usable_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class MaskModel(Protocol):
    """Makes masks of spectra: `runtime.Runtime`, or one that computes elsewhere."""

    def tasks(self, spectra: Complexes, masks: Floats, threads: int) -> list[Task]: ...

    def reset(self) -> None: ...


@njit(cache=True, nogil=True, error_model="numpy")
def _spectra(
    signal: np.ndarray, history: np.ndarray, analysis: np.ndarray, channel: int, spectra: np.ndarray,
    tables: np.ndarray, work: np.ndarray,
) -> None:  # fmt: skip
    """Spectra (T, C, F) of one channel of a signal (T H,); history (W + longest T H,) begins with what went before."""
    frames, window = len(spectra), len(analysis)
    hop = len(signal) // frames
    past = window - hop
    history[past : past + len(signal)] = signal
    for t in range(frames):
        windowed_rfft(history[t * hop : t * hop + window], analysis, spectra[t, channel], tables, work)
    for i in range(past):
        history[i] = history[len(signal) + i]


class _ChannelSTFT:
    """Spectra of one channel, for any number of hops a call; the numbers of `stft.StreamingSTFT`."""

    def __init__(self, window: int, stream: StreamConfig, longest: int) -> None:
        analysis, _ = asymmetric_windows(window, stream.hop, stream.synthesis)
        self._analysis = aligned(analysis)
        self._history = np.zeros(window - stream.hop + longest, np.float32)
        self._fft = RealFFT(window)

    def process(self, signal: Floats, channel: int, spectra: Complexes) -> None:
        _spectra(signal, self._history, self._analysis, channel, spectra, self._fft.tables, self._fft.work)

    def reset(self) -> None:
        self._history[...] = 0.0


class OfflineSeparator:
    """Separates a signal in stretches of any number of hops; what `StreamingSeparator.stems` gives, hop by hop.

    Stems lag the signal by `latency_samples` = synthesis - hop. threads: None for as many as there are cores.
    masks: what makes the masks; None for the compiled network on these threads.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        stream: StreamConfig,
        channels: int,
        threads: int | None = None,
        masks: MaskModel | None = None,
        chunk_hops: int = CHUNK_HOPS,
    ) -> None:
        """Compiles its kernels, which takes a while the first time on a machine. Raises ValueError unless `channels`
        is 1 or 2."""
        if channels not in (1, 2):
            raise ValueError(f"{channels} channels given, 1 or 2 expected")
        config = bundle.config
        self.hop, self.channels, self.clusters = stream.hop, channels, config.clusters
        self.latency_samples = stream.synthesis - stream.hop
        self.threads = max(1, min(threads or usable_cores(), MOST_THREADS))
        self._network: MaskModel = masks or Runtime(bundle, stream.hop, stream.mask_hops)
        self._stft = [_ChannelSTFT(config.window, stream, chunk_hops * stream.hop) for _ in range(channels)]
        self._tasks = 1 if self.threads == 1 else self.threads * TASKS_PER_THREAD
        self._stems = MaskedStems(config, stream, channels, self._tasks)
        self._all = np.ones(config.clusters, np.bool_)
        # A chunk's spectra are needed for three steps, its masks for two.
        self._spectra: Complexes = np.zeros((3, chunk_hops, channels, config.bins), np.complex64)
        self._masks: Floats = np.zeros((2, chunk_hops, config.clusters, config.mask_bins), np.float32)
        self._chunk_hops = chunk_hops
        self._pool: ThreadPoolExecutor | None = None
        self.process(np.zeros((channels, stream.hop), np.float32))  # compiles, on this thread
        self.reset()
        if self.threads > 1:
            self._pool = ThreadPoolExecutor(self.threads, "vqss-separate")

    def process(self, block: Floats, out: Floats | None = None) -> Floats:
        """Take (C, n), n a multiple of the hop; fill `out` (K, C, n), made if not given, and return it."""
        samples = block.shape[1]
        if block.shape[0] != self.channels or samples % self.hop:
            raise ValueError(f"a block of {block.shape} does not fit; give {self.channels} channels in whole hops")
        if out is None:
            out = np.empty((self.clusters, self.channels, samples), np.float32)
        block = np.ascontiguousarray(block, np.float32)
        longest = self._chunk_hops * self.hop
        chunks = [slice(start, min(start + longest, samples)) for start in range(0, samples, longest)]
        for front in range(len(chunks) + 2):
            tasks: list[Task] = []
            for step, chunk in ((1, front - 1), (2, front - 2), (0, front)):  # the longest first
                if 0 <= chunk < len(chunks):
                    tasks += self._tasks_of(step, chunk, block[:, chunks[chunk]], out, chunks[chunk].start)
            self._share(tasks)
        return out

    def _tasks_of(self, step: int, chunk: int, block: Floats, out: Floats, start: int) -> list[Task]:
        """Spectra (0), masks (1) or stems (2) of a chunk (C, n), the stems into `out` from sample `start` on."""
        hops, stems = block.shape[1] // self.hop, self._stems
        spectra, masks = self._spectra[chunk % 3, :hops], self._masks[chunk % 2, :hops]
        if step == 0:
            return [partial(stft.process, block[c], c, spectra) for c, stft in enumerate(self._stft)]
        if step == 1:
            return self._network.tasks(spectra, masks, self._tasks)
        return [partial(stems.make, i, spectra, masks, self._all, out, start) for i in range(stems.parts)]

    def _share(self, tasks: Sequence[Task]) -> None:
        """Run tasks at once and wait for all; raises what one of them raised."""
        if self._pool is None or len(tasks) == 1:
            for task in tasks:
                task()
            return
        for future in [self._pool.submit(task) for task in tasks]:
            future.result()

    def reset(self) -> None:
        """Forget everything heard: as if silence had gone before."""
        for stft in self._stft:
            stft.reset()
        self._network.reset()
        self._stems.reset()
