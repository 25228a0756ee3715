"""Streaming short-time Fourier transform: a long window to analyse, a short one to synthesise.

Frequency resolution follows the analysis window, latency the synthesis window alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqss_engine.compiled import njit
from vqss_engine.fft import RealFFT, windowed_irfft, windowed_rfft
from vqss_engine.simd import Code, Index, aligned, vector_code

_HISTORY_WINDOWS = 4
_CHUNK_FRAMES = 512
_FLOAT = np.dtype(np.float32)
_COMPLEX = np.dtype(np.complex64)
_BOOL = np.dtype(np.bool_)
_compiled = njit(cache=True, forceinline=True, nogil=True, error_model="numpy")


def asymmetric_windows(window: int, hop: int, synthesis: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Analysis (window,) and synthesis (synthesis,) windows that reconstruct perfectly by overlap-add every hop.

    The analysis window rises as a square-root Hann over all but the last synthesis/2 samples and falls as one over
    those. The synthesis window divides a periodic Hann of `synthesis` samples by the end of the analysis window, so
    that their product is that Hann, scaled to add up to one. With synthesis == window both are square-root Hann.
    The design is that of Mauler and Martin, "A low delay, variable resolution, perfect reconstruction spectral
    analysis-synthesis system for speech enhancement" (EUSIPCO 2007), used for low-latency enhancement by Wang,
    Wichern, Watanabe and Le Roux, "STFT-domain neural speech enhancement with very low algorithmic latency" (2022).

    Raises ValueError unless window is a power of two, synthesis a multiple of hop from two on, and
    synthesis <= window.
    """
    _check_sizes(window, hop, synthesis)
    time = np.arange(window) - (window - synthesis / 2)
    rising = np.sin(np.pi / 2 * (1 + time / (window - synthesis / 2)))
    analysis = np.where(time < 0, rising, np.cos(np.pi * time / synthesis)).astype(np.float32)
    hann = np.sin(np.pi * np.arange(synthesis) / synthesis) ** 2 * (2 * hop / synthesis)
    tail = analysis[window - synthesis:].astype(np.float64)
    return analysis, np.divide(hann, tail, out=np.zeros(synthesis), where=tail > 0).astype(np.float32)


def inverse_window(window: int, hop: int, synthesis: int) -> NDArray[np.float32]:
    """The synthesis window as the inverse transform takes it: scaled, with silence in front, at a vector's boundary.

    It is a quarter as long as the analysis window where that holds it, since only the frame's end is needed then.
    """
    _, short = asymmetric_windows(window, hop, synthesis)
    length = window // 4 if synthesis <= window // 4 else window
    return aligned(np.pad(short, (length - synthesis, 0)) * (2 / window))


def power_scale(window: NDArray[np.float32]) -> np.float32:
    """What makes the mean square of a signal of the summed powers of its bins under `window` (N,)."""
    return np.float32(2.0 / (window.size * float(np.square(window).sum())))


def _check_sizes(window: int, hop: int, synthesis: int) -> None:
    if window < 4 or window & (window - 1):
        raise ValueError(f"a window of {window} samples is not available; use a power of two from 4 on")
    if hop < 1 or synthesis % hop or synthesis < 2 * hop:
        raise ValueError(f"a synthesis window of {synthesis} samples does not reconstruct at a hop of {hop}; "
                         "use a multiple of the hop, at least twice as long")
    if synthesis > window:
        raise ValueError(f"a synthesis window of {synthesis} samples is longer than the analysis window; "
                         f"use at most {window}")


@vector_code
def _copy(code: Code, out: Any, start: Index, a: Any, a_start: Index, count: Index) -> None:
    """Count samples of a to out; a may be a later part of out."""
    code.each(count, lambda i, width: code.store(out, start + i, code.load(a, a_start + i, width)))


@vector_code
def _add(code: Code, out: Any, start: Index, a: Any, a_start: Index, b: Any, b_start: Index, count: Index) -> None:
    """out = a + b over count samples from each start; a may be a later part of out."""
    code.each(count, lambda i, width: code.store(out, start + i, code.load(a, a_start + i, width)
                                                 + code.load(b, b_start + i, width)))


@_compiled
def stft_rows(block: NDArray[np.float32], history: NDArray[np.float32], position: int,
              analysis: NDArray[np.float32], spectrum: NDArray[np.complex64], tables: NDArray[np.float32],
              work: NDArray[np.float32]) -> int:
    """Append block (C, H) to history (C, L) at `position`, transform the newest window of each row into
    spectrum (C, F), and return the next position. History moves to its start when it is full."""
    channels, hop = block.shape
    window = len(analysis)
    start = position
    if position + hop > history.shape[1]:
        start = window - hop
    for channel in range(channels):
        row = history[channel]
        if start != position:
            _copy(row, 0, row, position - start, start)
        _copy(row, start, block[channel], 0, hop)
        windowed_rfft(row[start + hop - window:start + hop], analysis, spectrum[channel], tables, work)
    return start + hop


@_compiled
def overlap_add(samples: NDArray[np.float32], overlap: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """The next hop out (H,) of windowed samples and the overlap (S-H,) of earlier frames, which is brought up to
    date."""
    hop, kept = len(out), len(overlap)
    start = len(samples) - hop - kept
    _add(out, 0, overlap, 0, samples, start, hop)
    _add(overlap, 0, overlap, hop, samples, start + hop, kept - hop)
    _copy(overlap, kept - hop, samples, start + kept, hop)


@_compiled
def istft_row(spectrum: NDArray[np.complex64], synthesis: NDArray[np.float32], overlap: NDArray[np.float32],
              out: NDArray[np.float32], samples: NDArray[np.float32], tables: NDArray[np.float32],
              work: NDArray[np.float32]) -> None:
    """One hop out (H,) from spectrum (F,) and the overlap (S-H,) of earlier frames, which is brought up to date.

    The synthesis window is the inverse transform's: scaled, and padded in front to the length of samples.
    """
    windowed_irfft(spectrum, synthesis, samples, tables, work)
    overlap_add(samples, overlap, out)


@_compiled
def istft_rows(spectrum: NDArray[np.complex64], wanted: NDArray[np.bool_], synthesis: NDArray[np.float32],
               overlap: NDArray[np.float32], out: NDArray[np.float32], samples: NDArray[np.float32],
               tables: NDArray[np.float32], work: NDArray[np.float32]) -> None:
    """istft_row for the wanted of R rows: spectrum (R, F), wanted (R,), overlap (R, S-H), out (R, H).

    Other rows cost nothing: their output and their overlap become zero.
    """
    for row in range(len(spectrum)):
        if wanted[row]:
            istft_row(spectrum[row], synthesis, overlap[row], out[row], samples, tables, work)
        else:
            out[row] = 0
            overlap[row] = 0


class StreamingSTFT:
    """Spectra of the newest `window` samples, one per hop. The spectrum is numpy's rfft of frame * analysis window."""

    latency_samples = 0

    def __init__(self, channels: int, window: int, hop: int, synthesis: int) -> None:
        """Compiles, which takes seconds the first time on a machine. Raises ValueError as asymmetric_windows does."""
        analysis, _ = asymmetric_windows(window, hop, synthesis)
        self._analysis = aligned(analysis)
        self._fft = RealFFT(window)
        self._block = np.zeros((channels, hop), np.float32)
        self._history = aligned(np.zeros((channels, _HISTORY_WINDOWS * window)))
        self._spectrum = np.zeros((channels, window // 2 + 1), np.complex64)
        self._position = window
        self.process(self._block)
        self.reset()

    def process(self, block: NDArray[np.float32]) -> NDArray[np.complex64]:
        """Spectrum (C, F) after the next block (C, H); a view that the next call overwrites.

        Raises ValueError when the block has another shape.
        """
        if block.shape != self._block.shape:
            raise ValueError(f"a block of shape {block.shape} does not fit; use {self._block.shape}")
        if block.dtype is not _FLOAT or not block.flags.carray:
            self._block[...] = block
            block = self._block
        self._position = stft_rows(block, self._history, self._position, self._analysis, self._spectrum,
                                   self._fft.tables, self._fft.work)
        return self._spectrum

    def reset(self) -> None:
        """Forget the past: as if silence had gone before."""
        self._history[...] = 0
        self._spectrum[...] = 0
        self._position = len(self._analysis)


class StreamingISTFT:
    """Overlap-add of the last `synthesis` samples of each frame; delays by synthesis - hop samples."""

    def __init__(self, channels: int, window: int, hop: int, synthesis: int) -> None:
        """Compiles, which takes seconds the first time on a machine. Raises ValueError as asymmetric_windows does."""
        self._synthesis = inverse_window(window, hop, synthesis)
        self._samples = aligned(np.zeros(len(self._synthesis)))
        self._fft = RealFFT(window)
        self._spectrum = np.zeros((channels, window // 2 + 1), np.complex64)
        self._overlap = np.zeros((channels, synthesis - hop), np.float32)
        self._out = np.zeros((channels, hop), np.float32)
        self._all = np.ones(channels, np.bool_)
        self.latency_samples = synthesis - hop
        self.process(self._spectrum, self._out)

    def process(self, spectrum: NDArray[np.complex64], out: NDArray[np.float32],
                wanted: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """The next hop (C, H) from spectrum (C, F), written to out and returned.

        Rows that are not wanted (C,) are zero and cost next to nothing; wanted again, they begin as after a reset.
        Raises ValueError when a shape does not fit.
        """
        if spectrum.shape != self._spectrum.shape or out.shape != self._out.shape:
            raise ValueError(f"a spectrum of shape {spectrum.shape} and an output of {out.shape} do not fit; "
                             f"use {self._spectrum.shape} and {self._out.shape}")
        if spectrum.dtype is not _COMPLEX or not spectrum.flags.carray:
            self._spectrum[...] = spectrum
            spectrum = self._spectrum
        if wanted is None:
            wanted = self._all
        elif wanted.shape != self._all.shape or wanted.dtype is not _BOOL or not wanted.flags.carray:
            raise ValueError(f"wanted must be a bool array of shape {self._all.shape}, C-contiguous and writable")
        direct = out.dtype is _FLOAT and out.flags.carray
        target = out if direct else self._out
        istft_rows(spectrum, wanted, self._synthesis, self._overlap, target, self._samples, self._fft.tables,
                   self._fft.work)
        if not direct:
            out[...] = target
        return out

    def reset(self) -> None:
        """Forget the past: as if silence had gone before."""
        self._overlap[...] = 0


def analysis_spectrogram(audio: NDArray[np.float32], window: int, hop: int, synthesis: int) -> NDArray[np.complex64]:
    """All frames (C, T, F) that StreamingSTFT gives for audio (C, N), T = ceil(N / hop).

    Frame t ends at sample (t + 1) * hop; before the start and after the end lies silence.
    """
    analysis, _ = asymmetric_windows(window, hop, synthesis)
    channels, length = audio.shape
    count = -(-length // hop)
    padded = np.zeros((channels, window - hop + count * hop), np.float32)
    padded[:, window - hop:window - hop + length] = audio
    frames = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)[:, ::hop]
    spectrum = np.empty((channels, count, window // 2 + 1), np.complex64)
    for start in range(0, count, _CHUNK_FRAMES):
        part = slice(start, start + _CHUNK_FRAMES)
        spectrum[:, part] = np.fft.rfft(frames[:, part] * analysis)
    return spectrum
