"""Cost of one frame and channel: forward and inverse transform of 2048 samples, all contenders in turn in one run.

The streaming row includes windows, history, overlap-add and the Python call; the libraries' rows are their bare
transforms.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import scipy.fft

from benchmarks.rows import Contender, Row, compared, in_turn
from benchmarks.targets import STFT_OURS, STFT_REFERENCE
from vqss_engine.fft import RealFFT
from vqss_engine.stft import StreamingISTFT, StreamingSTFT

WINDOW, HOP, SYNTHESIS, CHANNELS, BATCH, CALLS = 2048, 256, 512, 2, 64, 20


def _us(frames: int) -> float:
    """From the seconds of a call to µs for each frame and channel."""
    return 1e6 / frames


def _frames(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, WINDOW)).astype(np.float32)


def _streaming() -> Contender:
    forward = StreamingSTFT(CHANNELS, WINDOW, HOP, SYNTHESIS)
    inverse = StreamingISTFT(CHANNELS, WINDOW, HOP, SYNTHESIS)
    block, out = np.ascontiguousarray(_frames(CHANNELS)[:, :HOP]), np.zeros((CHANNELS, HOP), np.float32)
    return lambda: inverse.process(forward.process(block), out), CALLS, _us(CHANNELS)


def _own() -> Contender:
    fft, frame = RealFFT(WINDOW), _frames(1)[0]
    spectrum, out = np.zeros(WINDOW // 2 + 1, np.complex64), np.zeros(WINDOW, np.float32)
    return lambda: fft.inverse(fft.forward(frame, spectrum), out), CALLS, _us(1)


def _library(module: Any, frames: int) -> Contender:
    values = _frames(frames) if frames > 1 else _frames(1)[0]
    return lambda: module.irfft(module.rfft(values)), CALLS, _us(frames)


def _torch(frames: int) -> Contender:
    import torch

    torch.set_num_threads(1)
    values = torch.from_numpy(_frames(frames) if frames > 1 else _frames(1)[0])
    return lambda: torch.fft.irfft(torch.fft.rfft(values)), CALLS, _us(frames)


def _rocket() -> Contender:
    """scipy's names inside a compiled function; rocket-fft makes numba know them."""
    import rocket_fft  # noqa: F401
    from numba import njit

    pair = njit(lambda frame: scipy.fft.irfft(scipy.fft.rfft(frame)))
    frame = _frames(1)[0]
    return lambda: pair(frame), CALLS, _us(1)


def _contenders() -> dict[str, Contender]:
    found = {
        STFT_OURS: _streaming(),
        "vqss RealFFT, frame by frame": _own(),
        "numpy, frame by frame": _library(np.fft, 1),
        "scipy, frame by frame": _library(scipy.fft, 1),
        STFT_REFERENCE: _library(scipy.fft, BATCH),
    }
    makers = {
        "torch, frame by frame": lambda: _torch(1),
        f"torch, {BATCH} frames a call": lambda: _torch(BATCH),
        "rocket-fft, frame by frame": _rocket,
    }
    for name, make in makers.items():
        try:
            found[name] = make()
        except ImportError as error:
            print(f"bench_stft: {name} is left out: {error}", file=sys.stderr, flush=True)
    return found


def run(seconds: float = 10.0) -> list[Row]:
    """Rows in µs; the reference is scipy's transform of many frames at once."""
    return compared(in_turn(_contenders(), seconds), "µs", STFT_REFERENCE)
