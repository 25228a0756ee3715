"""The streaming STFT gives numpy's frames; its inverse gives the input back, late by synthesis - hop."""

from __future__ import annotations

import tracemalloc
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numba.core.runtime import _nrt_python, rtsys  # type: ignore[attr-defined]

from vqss_engine.stft import (
    StreamingISTFT,
    StreamingSTFT,
    analysis_spectrogram,
    asymmetric_windows,
    istft_rows,
    stft_rows,
)

PROFILES = [(2048, 256, 512), (2048, 128, 256), (2048, 512, 1024)]
SIZES = [*PROFILES, (2048, 512, 2048), (1024, 100, 300), (512, 64, 320), (256, 128, 256), (128, 8, 32), (64, 3, 9),
         (16, 1, 16), (8, 1, 2), (4, 2, 4), (8192, 256, 512)]
HOPS = 40


@cache
def chain(channels: int, sizes: tuple[int, int, int]) -> tuple[StreamingSTFT, StreamingISTFT]:
    return StreamingSTFT(channels, *sizes), StreamingISTFT(channels, *sizes)


def fresh_chain(channels: int, sizes: tuple[int, int, int]) -> tuple[StreamingSTFT, StreamingISTFT]:
    for part in chain(channels, sizes):
        part.reset()
    return chain(channels, sizes)


def noise(channels: int, samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (channels, samples)).astype(np.float32)


def blocks(audio: np.ndarray, hop: int) -> list[np.ndarray]:
    return [np.ascontiguousarray(audio[:, start:start + hop]) for start in range(0, audio.shape[1], hop)]


def through(audio: np.ndarray, sizes: tuple[int, int, int]) -> np.ndarray:
    forward, inverse = fresh_chain(len(audio), sizes)
    return np.concatenate([inverse.process(forward.process(block), np.zeros_like(block))
                           for block in blocks(audio, sizes[1])], axis=1)


@given(st.integers(2, 13), st.integers(1, 512), st.integers(2, 16))
@settings(max_examples=200, deadline=None)
def test_windows_multiply_to_a_hann_that_adds_up_to_one(exponent: int, hop: int, overlap: int) -> None:
    window, synthesis = 1 << exponent, hop * overlap
    if synthesis > window:
        with pytest.raises(ValueError, match="at most"):
            asymmetric_windows(window, hop, synthesis)
        return
    analysis, short = asymmetric_windows(window, hop, synthesis)
    product = analysis[-synthesis:].astype(np.float64) * short
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(synthesis) / synthesis)
    assert analysis.dtype == short.dtype == np.float32
    assert np.abs(product - hann * 2 / overlap).max() < 1e-7
    assert np.abs(product.reshape(overlap, hop).sum(axis=0) - 1).max() < 3e-7


@pytest.mark.parametrize("sizes", [(1000, 250, 500), (2, 1, 2), (2048, 256, 256), (2048, 256, 600), (2048, 0, 512),
                                   (2048, -256, 512), (512, 512, 1024)])
def test_sizes_that_do_not_reconstruct_are_refused(sizes: tuple[int, int, int]) -> None:
    for make in (lambda: asymmetric_windows(*sizes), lambda: StreamingSTFT(1, *sizes),
                 lambda: StreamingISTFT(1, *sizes)):
        with pytest.raises(ValueError, match="; use "):
            make()


@pytest.mark.parametrize("sizes", SIZES)
def test_frames_equal_numpy(sizes: tuple[int, int, int]) -> None:
    window, hop, _ = sizes
    audio = noise(2, HOPS * hop)
    padded = np.pad(audio.astype(np.float64), ((0, 0), (window, 0)))
    forward, _ = fresh_chain(2, sizes)
    for index, block in enumerate(blocks(audio, hop)):
        end = window + (index + 1) * hop
        expected = np.fft.rfft(padded[:, end - window:end] * asymmetric_windows(*sizes)[0])
        assert np.abs(forward.process(block) - expected).max() < 1e-7 * window


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SIZES), st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_the_chain_gives_the_input_back(sizes: tuple[int, int, int], channels: int, seed: int) -> None:
    audio, late = noise(channels, HOPS * sizes[1], seed), sizes[2] - sizes[1]
    result = through(audio, sizes)
    assert chain(channels, sizes)[1].latency_samples == late
    assert np.abs(result[:, late:] - audio[:, :audio.shape[1] - late]).max() < 1e-6
    assert np.abs(result[:, :late]).max() < 1e-6


@pytest.mark.parametrize("sizes", PROFILES)
@pytest.mark.parametrize("place", [0, 1, 127, 1000])
def test_an_impulse_comes_out_at_the_latency(sizes: tuple[int, int, int], place: int) -> None:
    audio = np.zeros((1, HOPS * sizes[1]), np.float32)
    audio[0, place] = 1
    result = through(audio, sizes)[0]
    assert np.argmax(np.abs(result)) == place + sizes[2] - sizes[1]
    assert np.sort(np.abs(result))[-2] < 1e-6


@pytest.mark.parametrize("length", [1, 255, 256, 3001])
def test_the_spectrogram_is_the_streaming_frames(length: int) -> None:
    audio = noise(2, length)
    spectrogram = analysis_spectrogram(audio, 2048, 256, 512)
    forward, _ = fresh_chain(2, (2048, 256, 512))
    padded = np.pad(audio, ((0, 0), (0, -length % 256)))
    frames = [forward.process(block).copy() for block in blocks(padded, 256)]
    assert spectrogram.shape == (2, len(frames), 1025) and spectrogram.dtype == np.complex64
    assert np.abs(spectrogram - np.stack(frames, axis=1)).max() < 1e-7 * 2048


def test_a_row_not_wanted_is_silent_and_begins_anew() -> None:
    sizes = (512, 64, 256)
    audio = noise(2, 20 * 64)
    forward, inverse = fresh_chain(2, sizes)
    _, alone = StreamingSTFT(2, *sizes), StreamingISTFT(2, *sizes)
    for index, block in enumerate(blocks(audio, 64)):
        spectrum = forward.process(block)
        wanted = np.array([True, not 5 <= index < 7])
        out = inverse.process(spectrum, np.ones((2, 64), np.float32), wanted)
        if index == 7:
            alone.reset()
        expected = alone.process(spectrum, np.zeros((2, 64), np.float32))
        assert np.array_equal(out[1], expected[1] if wanted[1] else np.zeros(64))
        if index < 7:
            assert np.array_equal(out[0], expected[0])


@njit
def run_hops(count: int, forward: tuple[Any, ...], inverse: tuple[Any, ...]) -> None:
    block, history, analysis, spectrum, tables, work = forward
    wanted, synthesis, overlap, out, samples = inverse
    position = len(analysis)
    for _ in range(count):
        position = stft_rows(block, history, position, analysis, spectrum, tables, work)
        istft_rows(spectrum, wanted, synthesis, overlap, out, samples, tables, work)


def test_compiled_hops_allocate_nothing() -> None:
    forward, inverse = fresh_chain(2, PROFILES[0])
    arrays = ((noise(2, 256), forward._history, forward._analysis, forward._spectrum, forward._fft.tables,
               forward._fft.work),
              (np.array([True, False]), inverse._synthesis, inverse._overlap, inverse._out, inverse._samples))
    run_hops(1, *arrays)
    _nrt_python.memsys_enable_stats()
    counts = [rtsys.get_allocation_stats().alloc]
    for hops in (1, 50):  # taking the arrays over from Python allocates once for each call
        run_hops(hops, *arrays)
        counts.append(rtsys.get_allocation_stats().alloc)
    assert 0 < counts[2] - counts[1] == counts[1] - counts[0]


def test_python_hops_hold_no_audio() -> None:
    forward, inverse = fresh_chain(2, PROFILES[0])
    block, out = noise(2, 256), np.zeros((2, 256), np.float32)
    inverse.process(forward.process(block), out)
    taken = []
    tracemalloc.start()
    try:
        for _ in range(20):
            tracemalloc.reset_peak()
            held = tracemalloc.get_traced_memory()[0]
            for _ in range(50):
                inverse.process(forward.process(block), out)
            taken.append(tracemalloc.get_traced_memory()[1] - held)
    finally:
        tracemalloc.stop()
    # Threads that other tests and libraries left behind allocate too, now and then; the hops do the same every time.
    assert min(taken) < block.nbytes // 2


def test_other_layouts_give_the_same_and_other_shapes_are_refused() -> None:
    sizes = PROFILES[0]
    audio = noise(2, 256)
    forward, inverse = fresh_chain(2, sizes)
    spectrum = forward.process(audio).copy()
    expected = inverse.process(spectrum, np.zeros((2, 256), np.float32))
    others: list[Any] = [audio.astype(np.float64), np.asfortranarray(audio), np.repeat(audio, 2, axis=1)[:, ::2]]
    doubles: Any = np.zeros((256, 2)).T
    for other in others:
        forward, inverse = fresh_chain(2, sizes)
        assert np.array_equal(forward.process(other), spectrum)
        assert np.array_equal(inverse.process(np.asfortranarray(spectrum), doubles), expected)
    with pytest.raises(ValueError, match=r"use \(2, 256\)"):
        forward.process(audio[:, :255])
    with pytest.raises(ValueError, match="do not fit"):
        inverse.process(spectrum[:1], np.zeros((2, 256), np.float32))
    numbers: Any = np.ones(2)
    with pytest.raises(ValueError, match="wanted"):
        inverse.process(spectrum, np.zeros((2, 256), np.float32), numbers)
