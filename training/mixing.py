"""Compiled kernels that turn stems into what the losses need, without ever forming the mixed spectra.

With real masks m shared by both channels, the squared error of an estimate against its target Y is

    sum |Y - m X|^2 = sum |Y|^2 - 2 m Re(Y conj X) + m^2 |X|^2,

so per mask bin two numbers suffice: the cross power of target and mix, and the power of the mix. Level, tone,
place and width of a stem are factors in the frequency domain and cost nothing extra.
"""

from __future__ import annotations

import numpy as np

from vqss_engine.compiled import njit
from vqss_engine.numerics import SILENCE


@njit(cache=True, nogil=True, fastmath=True)
def read_at_speed(stem: np.ndarray, start: float, speed: float, out: np.ndarray) -> None:
    """Fill out (N,) float32 from int16 samples, beginning at `start`, `speed` samples a sample (cubic).

    Catmull & Rom's four-point interpolation; what lies outside the stem is silence.
    """
    end = len(stem)
    for i in range(len(out)):
        position = start + i * speed
        base = int(np.floor(position))
        t = np.float32(position - base)
        if base < 1 or base + 2 >= end:
            out[i] = 0.0
            continue
        y0, y1 = np.float32(stem[base - 1]), np.float32(stem[base])
        y2, y3 = np.float32(stem[base + 1]), np.float32(stem[base + 2])
        c1 = 0.5 * (y2 - y0)
        c2 = y0 - 2.5 * y1 + 2.0 * y2 - 0.5 * y3
        c3 = 0.5 * (y3 - y0) + 1.5 * (y1 - y2)
        out[i] = (((c3 * t + c2) * t + c1) * t + y1) / 32768.0


@njit(cache=True, nogil=True, fastmath=True)
def mix_statistics(
    spectra: np.ndarray,
    tone: np.ndarray,
    turn: np.ndarray,
    gains: np.ndarray,
    slots: np.ndarray,
    edges: np.ndarray,
    power: np.ndarray,
    side: np.ndarray,
    cross: np.ndarray,
    energy: np.ndarray,
) -> None:
    """Mix J stems and gather by mask bin.

    spectra (J, T, F) complex64; tone (J, F) gains; turn (J, F) unit complex64, the right channel's phase;
    gains (J, 2); slots (J,) the target each stem is part of; edges (M + 1,).
    Filled: power (T, M), side (T, M), cross (S, T, M), energy (S,); powers are means over the channels.
    """
    stems, frames, bins = spectra.shape
    targets = cross.shape[0]
    left = np.zeros((targets, bins), np.complex64)
    right = np.zeros((targets, bins), np.complex64)
    both = np.zeros((2, bins), np.complex64)
    energy[:] = 0.0
    for t in range(frames):
        left[:] = 0.0
        right[:] = 0.0
        both[:] = 0.0
        for j in range(stems):
            s, gain_left, gain_right = slots[j], gains[j, 0], gains[j, 1]
            for f in range(bins):
                value = spectra[j, t, f] * tone[j, f]
                a, b = value * gain_left, value * turn[j, f] * gain_right
                left[s, f] += a
                right[s, f] += b
                both[0, f] += a
                both[1, f] += b
        for m in range(len(edges) - 1):
            total, difference = np.float32(0.0), np.float32(0.0)
            for f in range(edges[m], edges[m + 1]):
                a, b = both[0, f], both[1, f]
                total += 0.5 * (a.real * a.real + a.imag * a.imag + b.real * b.real + b.imag * b.imag)
                d = a - b
                difference += d.real * d.real + d.imag * d.imag
            power[t, m] = total
            side[t, m] = difference / (4.0 * total + SILENCE)
        for s in range(targets):
            for m in range(len(edges) - 1):
                shared, own = np.float32(0.0), np.float32(0.0)
                for f in range(edges[m], edges[m + 1]):
                    a, b, x, y = left[s, f], right[s, f], both[0, f], both[1, f]
                    shared += 0.5 * (a.real * x.real + a.imag * x.imag + b.real * y.real + b.imag * y.imag)
                    own += 0.5 * (a.real * a.real + a.imag * a.imag + b.real * b.real + b.imag * b.imag)
                cross[s, t, m] = shared
                energy[s] += own


@njit(cache=True, nogil=True, fastmath=True)
def clip_powers(spectrum: np.ndarray, tone: np.ndarray, edges: np.ndarray, out: np.ndarray) -> None:
    """Power out (T, M) of one stem's spectrum (T, F) after its tone (F,), by mask bin."""
    for t in range(spectrum.shape[0]):
        for m in range(len(edges) - 1):
            total = np.float32(0.0)
            for f in range(edges[m], edges[m + 1]):
                value = spectrum[t, f] * tone[f]
                total += value.real * value.real + value.imag * value.imag
            out[t, m] = total
