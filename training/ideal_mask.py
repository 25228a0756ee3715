"""The best that masks of magnitudes can do, by masks computed from the sources themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vqss_engine.stft import analysis_spectrogram

Floats = NDArray[np.float32]
Spectra = NDArray[np.complex64]

WINDOW, HOP = 2048, 512
FRAMES_AT_ONCE = 64  # spectra of a whole song and all its classes would take gigabytes


def ideal_ratio_error(sources: Floats, mix: Floats) -> NDArray[np.float64]:
    """Squared error (S,) of magnitude ratio masks computed from the sources (S, C, N) themselves."""
    errors, energy = np.zeros(len(sources)), 0.0
    for mixed, spectra in _spectra(sources, mix):
        magnitudes = np.abs(spectra)
        share_of_mix = mixed / (magnitudes.sum(axis=0) + 1e-9)
        energy += _spectral_energy(mixed)
        for number, magnitude in enumerate(magnitudes):
            errors[number] += _spectral_energy(spectra[number] - magnitude * share_of_mix)
    # the windows are a tight frame: energies of spectra are energies of signals times a constant
    return errors * (np.square(mix).sum(dtype=np.float64) / max(energy, 1e-20))


def _spectra(sources: Floats, mix: Floats) -> Iterator[tuple[Spectra, Spectra]]:
    """Frames of the mix (C, T, F) and of the sources (S, C, T, F), some at a time."""
    before = WINDOW - HOP  # samples that a frame holds of those before it
    for start in range(0, mix.shape[1], FRAMES_AT_ONCE * HOP):
        part = slice(max(0, start - before), start + FRAMES_AT_ONCE * HOP)
        signals = np.concatenate([mix[None, :, part], sources[:, :, part]])
        rows = analysis_spectrogram(signals.reshape(-1, signals.shape[-1]), WINDOW, HOP, WINDOW)
        frames = rows[:, (start - part.start) // HOP :].reshape(*signals.shape[:2], -1, WINDOW // 2 + 1)
        yield frames[0], frames[1:]


def _spectral_energy(spectrum: Spectra) -> float:
    power = np.square(np.abs(spectrum), dtype=np.float64)
    return float(2 * power.sum() - power[..., 0].sum() - power[..., -1].sum())
