"""The mixer taper: fader travel 0...1 <-> gain in dB <-> linear gain. Standard library only.

Piecewise linear in dB, fine around unity and coarse near silence, as on a console (compare the scale of
IEC 60268-18). Every segment is exactly invertible, so the two views of a gain never drift apart.
"""

from __future__ import annotations

from itertools import pairwise

SILENCE_DB = -70.0
"""The lowest gain of a fader, in dB. It stands for silence: its linear gain is exactly 0."""

MAXIMUM_DB = 12.0
"""The highest gain of a fader, in dB."""

UNITY_FADER = 0.75
"""The fader position of 0 dB."""

_POINTS = ((0.0, SILENCE_DB), (0.1, -50.0), (0.25, -30.0), (0.5, -12.0), (UNITY_FADER, 0.0), (1.0, MAXIMUM_DB))


def fader_to_db(fader: float) -> float:
    """The gain in dB (-70...12) of a fader position; positions outside 0...1 are clamped."""
    fader = min(max(fader, 0.0), 1.0)
    for (x0, y0), (x1, y1) in pairwise(_POINTS):
        if fader <= x1:
            return y1 if fader == x1 else y0 + (fader - x0) * (y1 - y0) / (x1 - x0)
    return MAXIMUM_DB


def db_to_fader(gain_db: float) -> float:
    """The fader position (0...1) of a gain in dB; gains outside -70...12 are clamped."""
    gain_db = min(max(gain_db, SILENCE_DB), MAXIMUM_DB)
    for (x0, y0), (x1, y1) in pairwise(_POINTS):
        if gain_db <= y1:
            return x1 if gain_db == y1 else x0 + (gain_db - y0) * (x1 - x0) / (y1 - y0)
    return 1.0


def db_to_linear(gain_db: float) -> float:
    """The linear gain of a fader gain in dB: -70 dB and below is exactly 0, 0 dB is exactly 1."""
    return 0.0 if gain_db <= SILENCE_DB else float(10.0 ** (gain_db / 20.0))
