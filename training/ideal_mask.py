"""The best that masks of magnitudes can do, by masks computed from the sources themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vqss_engine.stft import analysis_spectrogram, asymmetric_windows

Floats = NDArray[np.float32]
Spectra = NDArray[np.complex64]

WINDOW, HOP = 2048, 512
BEFORE = WINDOW - HOP  # samples that a frame holds of those before it
FRAMES_AT_ONCE = 64  # spectra of a whole song and all its classes would take gigabytes


def ideal_ratio_error(sources: Floats, mix: Floats) -> NDArray[np.float64]:
    """Squared error (S,) over samples of magnitude ratio masks computed from the sources (S, C, N) themselves.

    What is summed is the error as a signal: a masked spectrogram is in general that of no signal, and adding up its
    frames takes a part of its error away.
    """
    errors, left = np.zeros(len(sources)), sources.shape[2]
    overlap = np.zeros((*sources.shape[:2], BEFORE), np.float32)
    first = BEFORE  # the first frame begins so much before the song
    for mixed, spectra in _spectra(sources, mix):
        magnitudes = np.abs(spectra)
        signal, overlap = _added_up(spectra - magnitudes * (mixed / (magnitudes.sum(axis=0) + 1e-9)), overlap)
        heard = signal[..., first : first + left]
        errors += np.square(heard, dtype=np.float64).sum(axis=(1, 2))
        first, left = max(0, first - signal.shape[-1]), left - heard.shape[-1]
    return errors


def _spectra(sources: Floats, mix: Floats) -> Iterator[tuple[Spectra, Spectra]]:
    """Frames of the mix (C, T, F) and of the sources (S, C, T, F), some at a time, up to the last that holds sound."""
    shape = (1 + len(sources), len(mix))
    for start in range(0, mix.shape[1] + BEFORE, FRAMES_AT_ONCE * HOP):
        signals = np.zeros((*shape, BEFORE + FRAMES_AT_ONCE * HOP), np.float32)
        heard = slice(max(0, start - BEFORE), start + FRAMES_AT_ONCE * HOP)
        to = slice(heard.start - start + BEFORE, min(heard.stop, mix.shape[1]) - start + BEFORE)
        signals[0, :, to], signals[1:, :, to] = mix[:, heard], sources[:, :, heard]
        rows = analysis_spectrogram(signals.reshape(-1, signals.shape[-1]), WINDOW, HOP, WINDOW)
        frames = rows[:, BEFORE // HOP :].reshape(*shape, FRAMES_AT_ONCE, -1)
        yield frames[0], frames[1:]


def _added_up(spectra: Spectra, overlap: Floats) -> tuple[Floats, Floats]:
    """The signals (S, C, T H) of T frames, which begin where the first of them does, and what overlaps the next."""
    from scipy.fft import irfft

    _, synthesis = asymmetric_windows(WINDOW, HOP, WINDOW)
    frames = irfft(spectra) * synthesis
    samples = frames.shape[2] * HOP
    out = np.zeros((*frames.shape[:2], samples + BEFORE), np.float32)
    out[..., :BEFORE] = overlap
    for place in range(0, WINDOW, HOP):
        out[..., place : place + samples] += frames[..., place : place + HOP].reshape(*frames.shape[:2], samples)
    return out[..., :samples], out[..., samples:]
