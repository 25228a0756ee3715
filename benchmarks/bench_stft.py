"""Cost of one frame and channel: forward and inverse transform of 2048 samples, all contenders in turn in one run.

The streaming rows include windows, history, overlap-add and the Python call; the libraries' rows are their bare
transforms. Run as `python -m benchmarks.bench_stft [SECONDS]`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy.fft

from vqss_engine.fft import RealFFT
from vqss_engine.stft import StreamingISTFT, StreamingSTFT

WINDOW, HOP, SYNTHESIS, CHANNELS, BATCH, CALLS = 2048, 256, 512, 2, 64, 20
REFERENCE = "scipy, 64 frames a call"
Contender = tuple[Callable[[], Any], int]
"""What to time, and how many frames and channels one call does."""


def _frames(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, WINDOW)).astype(np.float32)


def _streaming() -> Contender:
    forward = StreamingSTFT(CHANNELS, WINDOW, HOP, SYNTHESIS)
    inverse = StreamingISTFT(CHANNELS, WINDOW, HOP, SYNTHESIS)
    block, out = np.ascontiguousarray(_frames(CHANNELS)[:, :HOP]), np.zeros((CHANNELS, HOP), np.float32)
    return lambda: inverse.process(forward.process(block), out), CHANNELS


def _own() -> Contender:
    fft, frame = RealFFT(WINDOW), _frames(1)[0]
    spectrum, out = np.zeros(WINDOW // 2 + 1, np.complex64), np.zeros(WINDOW, np.float32)
    fft.inverse(fft.forward(frame, spectrum), out)
    return lambda: fft.inverse(fft.forward(frame, spectrum), out), 1


def _library(module: Any, frames: int) -> Contender:
    values = _frames(frames) if frames > 1 else _frames(1)[0]
    return lambda: module.irfft(module.rfft(values)), frames


def _torch() -> Contender:
    import torch
    torch.set_num_threads(1)
    frame = torch.from_numpy(_frames(1)[0])
    return lambda: torch.fft.irfft(torch.fft.rfft(frame)), 1


def _rocket() -> Contender:
    from numba import njit
    pair = njit(lambda frame: scipy.fft.irfft(scipy.fft.rfft(frame)))
    frame = _frames(1)[0]
    pair(frame)
    return lambda: pair(frame), 1


def _contenders() -> dict[str, Contender]:
    found = {
        "vqss streaming STFT + ISTFT, stereo": _streaming(),
        "vqss RealFFT, frame by frame": _own(),
        "numpy, frame by frame": _library(np.fft, 1),
        "scipy, frame by frame": _library(scipy.fft, 1),
        REFERENCE: _library(scipy.fft, BATCH),
    }
    if find_spec("torch"):
        found["torch, frame by frame"] = _torch()
    if find_spec("rocket_fft"):
        found["rocket-fft, frame by frame"] = _rocket()
    return found


def _time_us(contender: Contender) -> float:
    call, frames = contender
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / 1000 / frames


def run(seconds: float = 5.0) -> list[dict[str, Any]]:
    """Rows {"name", "median_us", "p99_us", "ratio", "reference"}; ratio = median over the reference's median."""
    contenders = _contenders()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(times[REFERENCE]) < 2 * CALLS:
        for name, contender in contenders.items():
            times[name] += [_time_us(contender) for _ in range(CALLS)]
    median = {name: float(np.median(values)) for name, values in times.items()}
    return [{"name": name, "median_us": median[name], "p99_us": float(np.percentile(values, 99)),
             "ratio": median[name] / median[REFERENCE], "reference": REFERENCE} for name, values in times.items()]


def main() -> None:
    print(f"{'rfft + irfft of ' + str(WINDOW) + ', per frame and channel':45s}{'median µs':>11s}{'p99 µs':>10s}"
          f"{'ratio':>8s}")
    for row in run(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0):
        print(f"{row['name']:45s}{row['median_us']:11.2f}{row['p99_us']:10.2f}{row['ratio']:8.2f}")


if __name__ == "__main__":
    main()
