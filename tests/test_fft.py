"""RealFFT is numpy's real FFT at single precision."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqss_engine.fft import RealFFT, windowed_irfft, windowed_rfft

sizes = st.integers(2, 14).map(lambda exponent: 1 << exponent)
seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(["noise", "impulse", "constant", "sine", "loud and quiet"])


@cache
def plan(size: int) -> RealFFT:
    return RealFFT(size)


def signal(size: int, seed: int, kind: str) -> np.ndarray:
    random = np.random.default_rng(seed)
    samples = {
        "noise": random.uniform(-1, 1, size),
        "impulse": np.arange(size) == random.integers(size),
        "constant": np.full(size, random.uniform(-1, 1)),
        "sine": np.sin(np.arange(size) * random.uniform(0, np.pi) + 1),
        "loud and quiet": random.standard_normal(size) * 10.0 ** random.uniform(-6, 6, size),
    }
    return samples[kind].astype(np.float32)


def bound(size: int, values: np.ndarray) -> float:
    """Rounding grows with the logarithm of the size; relative to the mean level or the highest peak."""
    peak = np.abs(np.fft.rfft(values.astype(np.float64))).max()
    return 1e-7 * np.log2(size) * float(max(np.linalg.norm(values), peak))


@settings(max_examples=150, deadline=None)
@given(sizes, seeds, kinds)
def test_forward_equals_numpy(size: int, seed: int, kind: str) -> None:
    samples = signal(size, seed, kind)
    spectrum = plan(size).forward(samples, np.zeros(size // 2 + 1, np.complex64))
    assert np.abs(spectrum - np.fft.rfft(samples.astype(np.float64))).max() <= bound(size, samples)


@settings(max_examples=150, deadline=None)
@given(sizes, seeds)
def test_inverse_equals_numpy_which_ignores_imaginary_ends(size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    spectrum = (random.standard_normal((size // 2 + 1, 2)) @ [1, 1j]).astype(np.complex64)
    samples = plan(size).inverse(spectrum, np.zeros(size, np.float32))
    assert np.abs(samples - np.fft.irfft(spectrum.astype(np.complex128))).max() <= bound(size, samples)


@settings(max_examples=100, deadline=None)
@given(sizes, seeds, kinds)
def test_inverse_undoes_forward(size: int, seed: int, kind: str) -> None:
    samples, spectrum = signal(size, seed, kind), np.zeros(size // 2 + 1, np.complex64)
    again = plan(size).inverse(plan(size).forward(samples, spectrum), np.zeros(size, np.float32))
    assert np.abs(again - samples).max() <= bound(size, samples)


@settings(max_examples=100, deadline=None)
@given(sizes, seeds)
def test_windows_multiply_and_the_last_quarter_can_be_had_alone(size: int, seed: int) -> None:
    random, fft = np.random.default_rng(seed), plan(size)
    samples, window = random.uniform(-1, 1, (2, size)).astype(np.float32)
    spectrum, quarter = np.zeros(size // 2 + 1, np.complex64), np.zeros(size // 4, np.float32)
    windowed_rfft(samples, window, spectrum, fft.tables, fft.work)
    windowed_irfft(spectrum, window[-(size // 4):].copy(), quarter, fft.tables, fft.work)
    expected = (samples.astype(np.float64) * window)[-(size // 4):] * window[-(size // 4):] * (size / 2)
    assert np.abs(quarter - expected).max() <= bound(size, samples) * size


def test_a_nan_stays_in_its_own_transform() -> None:
    fft, spectrum = plan(2048), np.zeros(1025, np.complex64)
    clean = fft.forward(signal(2048, 1, "noise"), spectrum).copy()
    assert np.isnan(fft.forward(np.full(2048, np.nan, np.float32), spectrum)).all()
    assert np.array_equal(fft.forward(signal(2048, 1, "noise"), spectrum), clean)


@pytest.mark.parametrize("size", [-2, 0, 1, 2, 3, 6, 1000, 1 << 21])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        RealFFT(size)


@pytest.mark.parametrize("samples", [np.zeros(128), np.zeros(64, np.float32), np.zeros(256, np.float32)[::2],
                                     np.zeros((1, 128), np.float32)])
def test_arrays_that_do_not_fit_are_refused(samples: np.ndarray) -> None:
    spectrum = np.zeros(65, np.complex64)
    with pytest.raises(ValueError, match="do not fit"):
        plan(128).forward(samples, spectrum)
    with pytest.raises(ValueError, match="do not fit"):
        plan(128).inverse(spectrum, samples)
