"""A music-like signal to measure with: the same samples on every machine, and never silent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BEAT_SECONDS = 0.5
_CHORDS_HZ = ((110.0, 220.0, 261.63, 329.63), (87.31, 174.61, 220.0, 261.63), (98.0, 196.0, 246.94, 293.66))


def bench_signal(seconds: float, sample_rate: int) -> NDArray[np.float32]:
    """Bass and chords over kick and hats, stereo: (2, N) float32, peak 0.7."""
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    rng = np.random.default_rng(7)
    beat, since_beat = np.divmod(t, _BEAT_SECONDS)
    since_half = t % (_BEAT_SECONDS / 2)
    kick = np.sin(2 * np.pi * (50.0 * since_beat - 6.0 * np.exp(-30.0 * since_beat))) * np.exp(-12.0 * since_beat)
    hats = np.diff(rng.standard_normal(t.size), prepend=0.0) * np.exp(-60.0 * since_half)
    chord = np.array(_CHORDS_HZ)[(beat.astype(int) // 4) % len(_CHORDS_HZ)]
    bass = np.tanh(2.0 * np.sin(2 * np.pi * chord[:, 0] * t)) * np.exp(-3.0 * since_beat)
    keys = sum(
        np.sin(2 * np.pi * chord[:, note] * harmonic * t) / harmonic for note in (1, 2, 3) for harmonic in (1, 2, 3)
    )
    pan = np.array([[0.8], [0.4]])
    mix = 0.5 * kick + 0.35 * bass + 0.1 * (pan * keys) + 0.05 * (pan[::-1] * hats)
    return (0.7 * mix / max(1e-9, np.abs(mix).max())).astype(np.float32)
