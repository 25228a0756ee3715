"""Compiled arithmetic of the network: what lies between its matrix products.

All arrays are float32 and contiguous; rows are bands, or the bands of several frames one after the other. Rows are
padded to whole vectors (see `matmul.padded`): what the padding holds stays zero, or is never read. Nothing here
allocates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vqss_engine import numerics
from vqss_engine.compiled import njit
from vqss_engine.simd import WIDTH, Code, Index, Vector, vector_code

# numpy's error model: a division that may raise cannot become vector code
_inlined = njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"}, inline="always")
_elementwise = njit(nogil=True, forceinline=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
_reducing = njit(nogil=True, forceinline=True, error_model="numpy", fastmath={"contract", "nsz", "arcp", "reassoc"})

SILENCE, FLOOR, NORM_EPS = np.float32(numerics.SILENCE), np.float32(numerics.FLOOR), np.float32(numerics.NORM_EPS)
LOG_SILENCE = np.float32(np.log(numerics.SILENCE))
OFFSET, SCALE = np.float32(numerics.FEATURE_OFFSET), np.float32(numerics.FEATURE_SCALE)
ZERO, ONE = np.float32(0.0), np.float32(1.0)
LOG2_E = np.float32(1.4426950408889634)
LOG10_E = np.float32(numerics.LOG10_E)
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


@_inlined
def fast_log(x: np.float32) -> np.float32:
    """Natural logarithm of a normal float32 above zero, after Cephes' logf; free of branches like `fast_exp`."""
    bits = np.int32(np.float32(x).view(np.int32) - np.int32(0x3F3504F3))  # mantissas from sqrt(1/2) to sqrt(2)
    n = np.float32(np.int32(bits >> np.int32(23)))
    r = np.int32((bits & np.int32(0x007FFFFF)) + np.int32(0x3F3504F3)).view(np.float32) - ONE
    square = r * r
    p = np.float32(7.0376836292e-2)
    p = p * r - np.float32(1.1514610310e-1)
    p = p * r + np.float32(1.1676998740e-1)
    p = p * r - np.float32(1.2420140846e-1)
    p = p * r + np.float32(1.4249322787e-1)
    p = p * r - np.float32(1.6668057665e-1)
    p = p * r + np.float32(2.0000714765e-1)
    p = p * r - np.float32(2.4999993993e-1)
    p = p * r + np.float32(3.3333331174e-1)
    return p * r * square + n * LN2_LOW - np.float32(0.5) * square + r + n * LN2_HIGH


@_reducing
def mix_statistics(
    spectrum: np.ndarray, edges: np.ndarray, bins: np.ndarray, power: np.ndarray, side: np.ndarray
) -> None:
    """Power and side share (M,) of a spectrum (C, F), C = 1 or 2, by mask bin; bins (2, F) is work space."""
    total, difference = bins[0], bins[1]
    left, right = spectrum[0], spectrum[len(spectrum) - 1]
    for f in range(len(left)):
        a, b = left[f], right[f]
        total[f] = a.real * a.real + a.imag * a.imag + (b.real * b.real + b.imag * b.imag)
        re, im = a.real - b.real, a.imag - b.imag
        difference[f] = re * re + im * im
    for m in range(len(edges) - 1):
        whole, apart = ZERO, ZERO
        for f in range(edges[m], edges[m + 1]):
            whole += total[f]
            apart += difference[f]
        power[m] = whole
        side[m] = apart
    for m in range(len(power)):
        power[m] *= np.float32(0.5)  # the mean over the channels; one channel is counted twice above
        side[m] /= np.float32(4.0) * power[m] + SILENCE


@_reducing
def follow_level(power: np.ndarray, bins: int, level: np.float32, decay: np.float32) -> np.float32:
    """The running log level after a frame: jumps up, falls by `decay` (a natural log) a frame."""
    total = ZERO
    for m in range(len(power)):
        total += power[m]
    mean = np.log(max(total / np.float32(bins), SILENCE))
    return max(np.float32(mean), np.float32(level - decay))


@_elementwise
def features(power: np.ndarray, side: np.ndarray, counts: np.ndarray, level: np.float32, out: np.ndarray) -> None:
    """Interleaved loudness and side share, out (2 M,)."""
    scale = ONE / np.float32(np.exp(max(level, LOG_SILENCE)))
    for m in range(len(power)):
        loudness = fast_log(power[m] / counts[m] * scale + FLOOR) * LOG10_E
        out[2 * m] = (loudness + OFFSET) * SCALE
        out[2 * m + 1] = side[m]


@_reducing
def rms_norm(x: np.ndarray, weight: np.ndarray, width: int, out: np.ndarray) -> None:
    """Each row of x (rows, D) to unit root mean square over its first `width`, times weight (D,)."""
    rows, columns = x.shape
    for r in range(rows):
        total = ZERO
        for d in range(columns):
            total += x[r, d] * x[r, d]
        scale = ONE / np.sqrt(total / np.float32(width) + NORM_EPS)
        for d in range(columns):
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
def gated_recurrence(gates: np.ndarray, hidden: np.ndarray, out: np.ndarray) -> None:
    """Advance hidden (Bn, R) by gates (Bn, 3 R) = forget, candidate, output; out = hidden * silu(output)."""
    rows, width = hidden.shape
    for r in range(rows):
        for j in range(width):
            keep = ONE / (ONE + fast_exp(-gates[r, j]))
            candidate = gates[r, width + j]
            hidden[r, j] = candidate + keep * (hidden[r, j] - candidate)
        for j in range(width):
            gate = gates[r, 2 * width + j]
            out[r, j] = hidden[r, j] * gate / (ONE + fast_exp(-gate))


@_elementwise
def fill_rows(out: np.ndarray, bias: np.ndarray) -> None:
    """Every row of out = bias, one number a column."""
    for r in range(out.shape[0]):
        for d in range(out.shape[1]):
            out[r, d] = bias[d]


@_elementwise
def fill_columns(out: np.ndarray, bias: np.ndarray, width: int) -> None:
    """The first `width` columns of out = bias, one number a row."""
    for r in range(out.shape[0]):
        for d in range(width):
            out[r, d] = bias[r]


@_elementwise
def add_rows(x: np.ndarray, bias: np.ndarray) -> None:
    """x += bias, one number a column."""
    for r in range(x.shape[0]):
        for d in range(x.shape[1]):
            x[r, d] += bias[d]


@_elementwise
def add_columns(x: np.ndarray, bias: np.ndarray, width: int) -> None:
    """The first `width` columns of x += bias, one number a row."""
    for r in range(x.shape[0]):
        for d in range(width):
            x[r, d] += bias[r]


@_elementwise
def squared_relu(x: np.ndarray) -> None:
    """x = max(x, 0)^2."""
    for r in range(x.shape[0]):
        for d in range(x.shape[1]):
            value = max(x[r, d], ZERO)
            x[r, d] = value * value


@vector_code
def scale_rows(code: Code, scales: Any, units: Any, start: Index, out: Any, rows: Index, vectors: Index) -> None:
    """out (rows, vectors) = scales (rows, vectors) times one of units[start...] for each row."""
    with code.loop(rows, 1) as row:
        factor = code.load_repeated(units, start + row)
        with code.loop(vectors, 1) as vector:
            place = row * vectors * WIDTH + vector * WIDTH
            code.store(out, place, code.load(scales, place) * factor)


@vector_code
def lean_rows(code: Code, logits: Any, start: Index, lean: Index, side: Any, first: Index, out: Any, out_start: Index,
              rows: Index, vectors: Index) -> None:
    """out (rows, vectors) = logits (rows, vectors) + side[first...] of each row times the one row at `lean`."""
    with code.loop(vectors, 1) as vector:
        column = vector * WIDTH
        weight = code.load(logits, lean + column)
        with code.loop(rows, 1) as row:
            place = row * vectors * WIDTH + column
            leaning = code.load(logits, start + place) + code.load_repeated(side, first + row) * weight
            code.store(out, out_start + place, leaning)


def _turned(rows: list[Vector]) -> list[Vector]:
    """A square of lanes, transposed: as many shuffles of its two halves as WIDTH has bits."""
    for _ in range(WIDTH.bit_length() - 1):
        pairs = zip(rows[: WIDTH // 2], rows[WIDTH // 2 :], strict=True)
        rows = [vector for upper, lower in pairs for vector in upper.interleaved(lower)]
    return rows


@vector_code
def turn(code: Code, rows: Any, out: Any, height: Index, vectors: Index) -> None:
    """out (vectors, height) = rows (height, vectors) transposed; height is a multiple of WIDTH."""
    with code.loop(vectors, 1) as vector:
        column = vector * WIDTH
        with code.loop(height) as top:
            square = [code.load(rows, (top + row) * vectors * WIDTH + column) for row in range(WIDTH)]
            for row, turned in enumerate(_turned(square)):
                code.store(out, (column + row) * height + top, turned)


@_elementwise
def softmax_over_clusters(logits: np.ndarray, peak: np.ndarray, total: np.ndarray, masks: np.ndarray) -> None:
    """Masks (K, M) of logits (K or more, M or more), which are overwritten; peak and total (M,) are work space."""
    clusters, bins = masks.shape
    for m in range(bins):
        peak[m] = logits[0, m]
        total[m] = ZERO
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
            masks[k, m] = logits[k, m] * total[m]
