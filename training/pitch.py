"""Pitches of recordings: from their file names, from their sound, and the pitch classes of longer passages."""

from __future__ import annotations

import re

import numpy as np

STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
NAMED = re.compile(r"(?<![a-z])([a-g])(#|sharp|s|b)?(-?\d)(?!\d)")
NUMBERED = re.compile(r"note(\d{3})")
LOWEST_HZ, HIGHEST_HZ = 32.0, 1400.0


def pitch_in_name(name: str) -> float | None:
    """MIDI pitch that a file name tells ("Ds4", "bb2", "asharp0", "note060"); C4 = 60. None if it tells none."""
    numbered = NUMBERED.search(name.lower())
    if numbered:
        return float(numbered.group(1))
    matches = NAMED.findall(name.lower())
    if not matches:
        return None
    letter, accidental, octave = matches[-1]
    shift = {"": 0, "b": -1}.get(accidental, 1)
    return float(12 * (int(octave) + 1) + STEPS[letter] + shift)


def detect_pitch(audio: np.ndarray, sample_rate: int) -> float | None:
    """MIDI pitch of a steady note (C, N), None if it is not clearly pitched.

    The normalised square difference function of McLeod and Wyvill, "A smarter way to find pitch" (ICMC 2005), over
    0.2 s after the attack.
    """
    mono = audio.mean(axis=0)
    # After the attack; then, for what begins with a consonant or a breath, further on.
    for begin in (min(int(0.12 * sample_rate), len(mono) // 4), len(mono) * 2 // 5, len(mono) * 3 // 5):
        pitch = _frame_pitch(mono[begin : begin + int(0.2 * sample_rate)], sample_rate)
        if pitch is not None:
            return pitch
    return None


def _frame_pitch(frame: np.ndarray, sample_rate: int) -> float | None:
    if len(frame) < sample_rate // 20 or float(np.abs(frame).max()) < 1e-4:
        return None
    function = _nsdf(frame - frame.mean())
    low, high = int(sample_rate / HIGHEST_HZ), min(int(sample_rate / LOWEST_HZ), len(frame) // 2)
    lag = _first_key_maximum(function[:high], low)
    return None if lag is None else float(69 + 12 * np.log2(sample_rate / lag / 440))


def _nsdf(frame: np.ndarray) -> np.ndarray:
    size = len(frame)
    spectrum = np.fft.rfft(frame, 2 * size)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:size]
    squares = np.concatenate([[0.0], np.cumsum(frame.astype(np.float64) ** 2)])
    lags = np.arange(size)
    energy = squares[size - lags] + squares[size] - squares[lags]
    return np.asarray(2 * correlation / np.maximum(energy, 1e-12))


def _first_key_maximum(function: np.ndarray, low: int) -> float | None:
    """Lag of the first peak after the first dip that is nearly as high as the best one."""
    dips = np.flatnonzero(function < 0)
    if not dips.size:
        return None
    begin = max(low, int(dips[0]))
    inner = function[begin:-1]
    if inner.size < 3:
        return None
    peaks = begin + 1 + np.flatnonzero((inner[1:-1] >= inner[:-2]) & (inner[1:-1] > inner[2:]))
    if not peaks.size or function[peaks].max() < 0.6:
        return None
    peak = int(peaks[function[peaks] > 0.88 * function[peaks].max()][0])
    left, middle, right = function[peak - 1 : peak + 2]
    return float(peak + 0.5 * (left - right) / (left - 2 * middle + right - 1e-12))


def pitch_classes(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """(12,) share of energy of each pitch class (C first) in a passage (C, N), 80...1600 Hz."""
    size = 8192
    mono = audio.mean(axis=0)
    frames = [mono[i : i + size] for i in range(0, max(1, len(mono) - size), size)]
    window = np.hanning(size)
    profile = np.zeros(12)
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    used = (frequencies > 80) & (frequencies < 1600)
    classes = np.round(69 + 12 * np.log2(frequencies[used] / 440)).astype(int) % 12
    for frame in frames:
        if len(frame) == size:
            profile += np.bincount(classes, np.abs(np.fft.rfft(frame * window))[used] ** 1.5, 12)
    return np.asarray(profile / max(float(profile.sum()), 1e-12))


def best_transposition(profile: np.ndarray, classes: list[int], reach: int = 5) -> int:
    """Semitones (at most `reach` either way) that bring most of a profile into a key; small moves win ties."""
    key = np.zeros(12)
    key[classes] = 1
    shifts = sorted(range(-reach, reach + 1), key=abs)
    return max(shifts, key=lambda shift: float(np.roll(profile, shift) @ key) - 0.01 * abs(shift))


def detect_tempo(audio: np.ndarray, sample_rate: int) -> float | None:
    """Beats per minute (70...180) of a passage with a beat, None where no period stands out."""
    hop = 512
    mono = audio.mean(axis=0)
    frames = mono[: len(mono) // hop * hop].reshape(-1, hop)
    if len(frames) < 300:
        return None
    level = np.log10(np.sqrt((frames**2).mean(axis=1)) + 1e-4)
    onsets = np.maximum(np.diff(level), 0)
    onsets -= onsets.mean()
    spectrum = np.fft.rfft(onsets, 2 * len(onsets))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: len(onsets)]
    lags = np.arange(int(60 / 180 * sample_rate / hop), int(60 / 70 * sample_rate / hop) + 1)
    # A beat's period repeats at its multiples: score them together.
    score = correlation[lags] + 0.5 * correlation[2 * lags] + 0.25 * correlation[np.minimum(4 * lags, len(onsets) - 1)]
    if correlation[0] <= 0 or score.max() < 0.1 * correlation[0]:
        return None
    return float(60 * sample_rate / hop / lags[int(score.argmax())])
