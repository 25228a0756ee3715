"""Compiled arithmetic of one step of the network: what lies between its matrix products.

All arrays are float32 and contiguous; bands come first: (Bn, D). Nothing here allocates.
"""

from __future__ import annotations

import numpy as np

from vqss_engine.compiled import njit

# numpy's error model: a division that may raise cannot become vector code
_inlined = njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"}, inline="always")
_elementwise = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
_reducing = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp", "reassoc"})

SILENCE = np.float32(1e-12)
FLOOR = np.float32(1e-8)
LOG_SILENCE = np.float32(np.log(1e-12))
NORM_EPS = np.float32(1e-5)
ONE = np.float32(1.0)
LOG2_E = np.float32(1.4426950408889634)
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)


@_inlined
def fast_exp(x: np.float32) -> np.float32:
    """e^x of a float32 in ±87 to within two units in the last place.

    Range reduction by powers of two and a polynomial (Cephes' expf, Moshier 1992); free of branches, so that
    loops over it become vector code.
    """
    x = min(max(x, np.float32(-87.0)), np.float32(87.0))
    n = np.floor(x * LOG2_E + np.float32(0.5))
    r = x - n * LN2_HIGH - n * LN2_LOW
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * r * r + r + ONE
    return p * np.int32((np.int32(n) + 127) << 23).view(np.float32)


@_reducing
def mix_statistics(spectrum: np.ndarray, edges: np.ndarray, power: np.ndarray, side: np.ndarray) -> None:
    """Power and side share (M,) of a spectrum (C, F), C = 1 or 2, by mask bin."""
    channels = spectrum.shape[0]
    for m in range(len(edges) - 1):
        total, difference = np.float32(0.0), np.float32(0.0)
        for f in range(edges[m], edges[m + 1]):
            a = spectrum[0, f]
            total += a.real * a.real + a.imag * a.imag
            if channels == 2:
                b = spectrum[1, f]
                total += b.real * b.real + b.imag * b.imag
                re, im = a.real - b.real, a.imag - b.imag
                difference += re * re + im * im
        total /= np.float32(channels)
        power[m] = total
        side[m] = difference / (np.float32(4.0) * total + SILENCE)


@_reducing
def follow_level(power: np.ndarray, bins: int, level: np.float32, decay: np.float32) -> np.float32:
    """The running log level after a frame: jumps up, falls by `decay` (a natural log) a frame."""
    total = np.float32(0.0)
    for m in range(len(power)):
        total += power[m]
    mean = np.log(max(total / np.float32(bins), SILENCE))
    return max(np.float32(mean), np.float32(level - decay))


@_elementwise
def features(power: np.ndarray, side: np.ndarray, counts: np.ndarray, level: np.float32, out: np.ndarray) -> None:
    """Interleaved loudness and side share, out (2 M,)."""
    scale = ONE / np.float32(np.exp(max(level, LOG_SILENCE)))
    for m in range(len(power)):
        loudness = np.float32(np.log10(power[m] / counts[m] * scale + FLOOR))
        out[2 * m] = (loudness + np.float32(3.0)) * np.float32(0.5)
        out[2 * m + 1] = side[m]


@_reducing
def rms_norm(x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    """Each row of x (Bn, D) to unit root mean square, times weight (D,)."""
    rows, width = x.shape
    for r in range(rows):
        total = np.float32(0.0)
        for d in range(width):
            total += x[r, d] * x[r, d]
        scale = ONE / np.sqrt(total / np.float32(width) + NORM_EPS)
        for d in range(width):
            out[r, d] = x[r, d] * scale * weight[d]


@_elementwise
def shift_in(normed: np.ndarray, previous: np.ndarray, shift: np.ndarray, out: np.ndarray) -> None:
    """out = normed + shift (previous - normed); previous becomes normed. All (Bn, D)."""
    rows, width = normed.shape
    for r in range(rows):
        for d in range(width):
            new = normed[r, d]
            out[r, d] = new + shift[d] * (previous[r, d] - new)
            previous[r, d] = new


@_elementwise
def gated_recurrence(gates: np.ndarray, bias: np.ndarray, hidden: np.ndarray, out: np.ndarray) -> None:
    """Advance hidden (Bn, R) by gates (Bn, 3 R) = forget, candidate, output; out = hidden * silu(output)."""
    rows, width = hidden.shape
    for r in range(rows):
        for j in range(width):
            keep = ONE / (ONE + fast_exp(-(gates[r, j] + bias[j])))
            candidate = gates[r, width + j] + bias[width + j]
            hidden[r, j] = candidate + keep * (hidden[r, j] - candidate)
        for j in range(width):
            gate = gates[r, 2 * width + j] + bias[2 * width + j]
            out[r, j] = hidden[r, j] * gate / (ONE + fast_exp(-gate))


@_elementwise
def add_rows(x: np.ndarray, y: np.ndarray, bias: np.ndarray) -> None:
    """x += y + bias, the bias one number a column."""
    for r in range(x.shape[0]):
        for d in range(x.shape[1]):
            x[r, d] += y[r, d] + bias[d]


@_elementwise
def add_columns(x: np.ndarray, y: np.ndarray, bias: np.ndarray) -> None:
    """x += y + bias, the bias one number a row."""
    for r in range(x.shape[0]):
        for d in range(x.shape[1]):
            x[r, d] += y[r, d] + bias[r]


@_elementwise
def squared_relu_rows(x: np.ndarray, bias: np.ndarray) -> None:
    """x = max(x + bias, 0)^2, the bias one number a column."""
    for r in range(x.shape[0]):
        for d in range(x.shape[1]):
            value = max(x[r, d] + bias[d], np.float32(0.0))
            x[r, d] = value * value


@_elementwise
def squared_relu_columns(x: np.ndarray, bias: np.ndarray) -> None:
    """x = max(x + bias, 0)^2, the bias one number a row."""
    for r in range(x.shape[0]):
        for d in range(x.shape[1]):
            value = max(x[r, d] + bias[r], np.float32(0.0))
            x[r, d] = value * value


@_elementwise
def softmax_over_clusters(logits: np.ndarray, peak: np.ndarray, total: np.ndarray) -> None:
    """Turn logits (K, M) into masks in place; peak and total (M,) are work space."""
    clusters, bins = logits.shape
    peak[:] = logits[0]
    total[:] = np.float32(0.0)
    for k in range(1, clusters):
        for m in range(bins):
            peak[m] = max(peak[m], logits[k, m])
    for k in range(clusters):
        for m in range(bins):
            value = fast_exp(logits[k, m] - peak[m])
            logits[k, m] = value
            total[m] += value
    for m in range(bins):
        total[m] = ONE / total[m]
    for k in range(clusters):
        for m in range(bins):
            logits[k, m] *= total[m]
