"""Real FFT of power-of-two size in single precision, for compiled code that may not allocate.

A transform of N real samples is one of N/2 complex points: radix-4 Stockham passes (Stockham 1966; Van Loan,
"Computational Frameworks for the Fast Fourier Transform", 1992) over separate real and imaginary planes, then the
usual recombination of bin k with bin N/2 - k. Every pass loads whole vectors; the first two, whose outputs lie closer
together than a vector is wide, interleave in registers before they store. The inverse is the same passes with real
and imaginary planes swapped. Sizes below 128 are summed directly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqss_engine.compiled import njit
from vqss_engine.fft_passes import (
    PAD,
    first_pass,
    first_pass_windowed,
    from_masked_spectrum,
    from_spectrum,
    halving_pass,
    last_pass,
    last_pass_to_frame,
    last_pass_to_quarter,
    second_pass,
    to_spectrum,
    wide_pass,
)
from vqss_engine.simd import aligned

SMALLEST_FAST_SIZE = 128
_POWERS_OF_FOUR = 0x5555555555555555
_FLOAT = np.dtype(np.float32)
_COMPLEX = np.dtype(np.complex64)
_compiled = njit(cache=True, forceinline=True, nogil=True, error_model="numpy")


@_compiled
def _middle_passes(tables: NDArray[np.float32], work: NDArray[np.float32], n: int) -> int:
    """All passes between the first and the last; returns where in work the last finds its input."""
    source, target, table, stride = 0, 2 * (n + PAD), 4 * n, 16
    second_pass(tables, n + 3 * n // 2, work, source, target, n)
    if n & _POWERS_OF_FOUR == 0:
        source, target = target, source
        halving_pass(tables, table, work, source, target, n, stride)
        table, stride = table + n // stride, 2 * stride
    while 4 * stride < n:
        source, target = target, source
        wide_pass(tables, table, work, source, target, n, stride)
        table, stride = table + 6 * (n // 4 // stride), 4 * stride
    return target


@_compiled
def _direct_forward(frame: NDArray[np.float32], window: NDArray[np.float32], spectrum: NDArray[np.complex64],
                    tables: NDArray[np.float32]) -> None:
    size = len(frame)
    for k in range(size // 2 + 1):
        re, im = 0.0, 0.0
        for i in range(size):
            angle, sample = i * k % size, frame[i] * window[i]
            re += sample * tables[angle]
            im += sample * tables[size + angle]
        spectrum[k] = complex(re, im)


@_compiled
def _direct_inverse(spectrum: NDArray[np.complex64], window: NDArray[np.float32], samples: NDArray[np.float32],
                    tables: NDArray[np.float32]) -> None:
    size = 2 * (len(spectrum) - 1)
    for j in range(len(samples)):
        i = size - len(samples) + j
        total = 0.5 * (spectrum[0].real + (1 - 2 * (i % 2)) * spectrum[size // 2].real)
        for k in range(1, size // 2):
            angle = i * k % size
            total += spectrum[k].real * tables[angle] + spectrum[k].imag * tables[size + angle]
        samples[j] = total * window[j]


@_compiled
def windowed_rfft(frame: NDArray[np.float32], window: NDArray[np.float32], spectrum: NDArray[np.complex64],
                  tables: NDArray[np.float32], work: NDArray[np.float32]) -> None:
    """spectrum (N/2+1,) = rfft(frame (N,) * window (N,)), unnormalised; tables and work are a RealFFT's."""
    n = len(frame) // 2
    if n < SMALLEST_FAST_SIZE // 2:
        _direct_forward(frame, window, spectrum, tables)
        return
    first_pass_windowed(frame, window, tables, n, work, 0, n)
    source = _middle_passes(tables, work, n)
    target = 2 * (n + PAD) - source
    last_pass(work, source, target, n)
    work[target + n], work[target + n + PAD + n] = work[target], work[target + n + PAD]
    to_spectrum(work, target, tables, 0, spectrum, n)
    spectrum[n // 2] = complex(work[target + n // 2], -work[target + n + PAD + n // 2])


@_compiled
def windowed_irfft(spectrum: NDArray[np.complex64], window: NDArray[np.float32], samples: NDArray[np.float32],
                   tables: NDArray[np.float32], work: NDArray[np.float32]) -> None:
    """samples = window * the last len(samples) of (N/2) * irfft(spectrum (N/2+1,)).

    Samples and window are N long, or N/4, which costs less; imaginary parts of the first and last bin are ignored.
    """
    n = len(spectrum) - 1
    if n < SMALLEST_FAST_SIZE // 2:
        _direct_inverse(spectrum, window, samples, tables)
        return
    from_spectrum(spectrum, tables, 0, work, 2 * (n + PAD), n)
    _finish_inverse(spectrum[0].real, spectrum[n].real, spectrum[n // 2], window, samples, tables, work, n)


@_compiled
def masked_irfft(spectrum: NDArray[np.complex64], gain: NDArray[np.float32], window: NDArray[np.float32],
                 samples: NDArray[np.float32], tables: NDArray[np.float32], work: NDArray[np.float32]) -> None:
    """`windowed_irfft` of spectrum * gain (N/2+1,), N from 128 on, without a pass of its own for the product."""
    n = len(spectrum) - 1
    from_masked_spectrum(spectrum, gain, tables, 0, work, 2 * (n + PAD), n)
    first, last = spectrum[0].real * gain[0], spectrum[n].real * gain[n]
    _finish_inverse(first, last, spectrum[n // 2] * gain[n // 2], window, samples, tables, work, n)


@_compiled
def _finish_inverse(first: float, last: float, middle: complex, window: NDArray[np.float32],
                    samples: NDArray[np.float32], tables: NDArray[np.float32], work: NDArray[np.float32],
                    n: int) -> None:
    """From planes in the second buffer, and the bins that have no partner, to samples."""
    target = 2 * (n + PAD)
    work[target], work[target + n + PAD] = (first - last) / 2, (first + last) / 2
    work[target + n // 2], work[target + n + PAD + n // 2] = -middle.imag, middle.real
    first_pass(tables, n, work, target, 0, n)
    source = _middle_passes(tables, work, n)
    if len(samples) == 2 * n:
        last_pass_to_frame(work, source, window, samples, n)
    else:
        last_pass_to_quarter(work, source, window, samples, n)


class RealFFT:
    """Tables, work space and transforms of one size; not for two threads at once.

    Compiled callers pass `tables` and `work` to `windowed_rfft` and `windowed_irfft`.
    """

    def __init__(self, size: int) -> None:
        """Raises ValueError unless size is a power of two from 4 to 2**20."""
        if size < 4 or size > 1 << 20 or size & (size - 1):
            raise ValueError(f"an FFT of {size} points is not available; use a power of two from 4 to {1 << 20}")
        self.size = size
        self.tables = aligned(_direct_tables(size) if size < SMALLEST_FAST_SIZE else _tables(size // 2))
        self.work = aligned(np.zeros(4 * (size // 2 + PAD)))
        self._bins = (size // 2 + 1,)
        self._ones = np.ones(size, np.float32)
        self._scale = np.full(size, 2 / size, np.float32)

    def forward(self, samples: NDArray[np.float32], out: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """out (N/2+1,) = numpy.fft.rfft(samples (N,)). Raises ValueError as `inverse` does."""
        self._check(out, samples)
        windowed_rfft(samples, self._ones, out, self.tables, self.work)
        return out

    def inverse(self, spectrum: NDArray[np.complex64], out: NDArray[np.float32]) -> NDArray[np.float32]:
        """out (N,) = numpy.fft.irfft(spectrum (N/2+1,)).

        Raises ValueError unless both are contiguous, writable, complex64 and float32, and of these shapes.
        """
        self._check(spectrum, out)
        windowed_irfft(spectrum, self._scale, out, self.tables, self.work)
        return out

    def _check(self, spectrum: NDArray[Any], samples: NDArray[Any]) -> None:
        fits = (spectrum.shape == self._bins and spectrum.dtype is _COMPLEX and spectrum.flags.carray
                and samples.shape == self._ones.shape and samples.dtype is _FLOAT and samples.flags.carray)
        if not fits:
            raise ValueError(f"a {spectrum.dtype} spectrum of shape {spectrum.shape} and {samples.dtype} samples of "
                             f"{samples.shape} do not fit; use contiguous complex64 of {self._bins} and float32 of "
                             f"{self._ones.shape}")


def _planes(values: NDArray[np.complex128]) -> NDArray[np.float64]:
    return np.stack([values.real, values.imag], axis=-2)


def _direct_tables(size: int) -> NDArray[np.float64]:
    return _planes(np.exp(-2j * np.pi * np.arange(size) / size)).ravel()


def _tables(n: int) -> NDArray[np.float64]:
    """Recombination factors, then twiddles of each pass in the order and layout in which it reads them."""
    def root(index: NDArray[np.int64], length: int) -> NDArray[np.complex128]:
        return np.exp(-2j * np.pi * index / length)

    rows = np.arange(1, 4)
    parts = [_planes(-0.5j * root(np.arange(n // 2), 2 * n))]
    for stride in (1, 4):
        lanes = np.arange(n // 4) // stride
        parts.append(_planes(root(rows[:, None] * lanes, n // stride)))
    stride = 16
    if not n & _POWERS_OF_FOUR:
        parts.append(_planes(root(np.arange(n // 2 // stride)[:, None], n // stride).T).T)
        stride *= 2
    while 4 * stride < n:
        groups = np.arange(n // 4 // stride)
        factors = root(groups[:, None] * rows, n // stride)
        parts.append(np.stack([factors.real, factors.imag], axis=-1))
        stride *= 4
    return np.concatenate([part.ravel() for part in parts])
