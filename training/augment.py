"""Effects, level and place of a stem, and what a mix bus does to all stems together; all drawn from a generator."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.signal import lfilter

from training.instruments import SAMPLE_RATE

# Usual loudness of a playing stem in a mix, dBFS rms.
LEVELS_DB = {
    "kick": -20, "snare": -21, "hihat": -30, "toms": -22, "cymbals": -29, "drums": -18, "percussion": -28,
    "bass": -18, "vocals": -17, "distorted_guitar": -18.5, "guitar": -22, "acoustic_guitar": -22, "piano": -21,
    "keys": -22.5, "organ": -22.5, "strings": -23, "brass": -22, "winds": -21.5, "synth": -21.5, "pad": -25,
    "choir": -25,
}
CENTRED = {"kick", "snare", "bass", "vocals", "drums"}
DRUMS = {"kick", "snare", "hihat", "toms", "cymbals", "drums", "percussion"}


def effects(rng: np.random.Generator, stem: str, *, amplify: bool = False) -> list[Any]:
    """A plausible pedalboard chain for a class of stem; `amplify` puts a guitar amplifier first."""
    import pedalboard as pb

    chain: list[Any] = _amplifier(rng, stem, hard=True) if amplify else []
    if stem in ("bass", "guitar", "keys", "organ") and not amplify and rng.random() < 0.35:
        chain += _amplifier(rng, stem, hard=False)
    chain += _equalizer(rng, stem)
    if rng.random() < (0.85 if stem in ("vocals", "bass", "drums") else 0.45):
        chain.append(pb.Compressor(float(rng.uniform(-30, -12)), float(rng.uniform(2, 6)), float(rng.uniform(1, 30)),
                                   float(rng.uniform(50, 250))))
    if stem in ("drums", "vocals", "synth", "snare", "kick") and rng.random() < 0.2:
        chain.append(pb.Distortion(float(rng.uniform(2, 12))))
    return chain + _space(rng, stem)


def _amplifier(rng: np.random.Generator, stem: str, *, hard: bool) -> list[Any]:
    """Drive between a high-pass and a loudspeaker-like low-pass."""
    import pedalboard as pb

    drive = rng.uniform(18, 38) if hard else rng.uniform(3, 14)
    cabinet = rng.uniform(4000, 7500) if stem != "bass" else rng.uniform(2500, 6000)
    first = [] if stem == "bass" else [pb.HighpassFilter(float(rng.uniform(70, 160)))]
    peak = pb.PeakFilter(float(rng.uniform(600, 2500)), float(rng.uniform(-3, 6)), 0.8)
    # A loudspeaker and its microphone have resonances and gaps of their own.
    places = np.exp(rng.uniform(np.log(90), np.log(cabinet), int(rng.integers(2, 6))))
    colour = [pb.PeakFilter(float(hz), float(rng.normal(0, 4)), float(rng.uniform(0.8, 4))) for hz in places]
    return [*first, peak, pb.Distortion(float(drive)), *colour, pb.LowpassFilter(float(cabinet)),
            pb.LowpassFilter(float(cabinet * 1.2)), pb.Gain(-12 if hard else -4)]


def _equalizer(rng: np.random.Generator, stem: str) -> list[Any]:
    import pedalboard as pb

    chain: list[Any] = []
    if stem not in ("kick", "bass", "drums") and rng.random() < 0.7:
        chain.append(pb.HighpassFilter(float(rng.uniform(50, 180))))
    if rng.random() < 0.6:
        chain.append(pb.PeakFilter(float(np.exp(rng.uniform(np.log(200), np.log(6000)))), float(rng.normal(0, 4)),
                                   float(rng.uniform(0.5, 2))))
    if rng.random() < 0.5:
        chain.append(pb.HighShelfFilter(float(rng.uniform(3000, 9000)), float(rng.normal(0, 4)), 0.7))
    if rng.random() < 0.4:
        chain.append(pb.LowShelfFilter(float(rng.uniform(80, 300)), float(rng.normal(0, 3)), 0.7))
    return chain


def _space(rng: np.random.Generator, stem: str) -> list[Any]:
    """Chorus, phaser, delay and reverb, by what suits the class."""
    import pedalboard as pb

    chain: list[Any] = []
    if stem not in DRUMS and stem not in ("vocals", "bass") and rng.random() < 0.25:
        rate, depth, mix = (float(rng.uniform(*span)) for span in ((0.3, 2), (0.1, 0.4), (0.2, 0.5)))
        chain.append(pb.Chorus(rate, depth, mix=mix))
    if stem in ("keys", "guitar", "synth", "pad") and rng.random() < 0.1:
        chain.append(pb.Phaser(float(rng.uniform(0.2, 1.5)), mix=0.4))
    if stem not in DRUMS and stem != "bass" and rng.random() < 0.25:
        seconds, feedback, mix = (float(rng.uniform(*span)) for span in ((0.08, 0.5), (0.1, 0.4), (0.08, 0.3)))
        chain.append(pb.Delay(seconds, feedback, mix))
    chance = {"bass": 0.1, "kick": 0.2, "vocals": 0.8, "drums": 0.5}.get(stem, 0.6)
    if rng.random() < chance:
        wet = float(rng.uniform(0.03, 0.25)) * (1.5 if stem in ("pad", "strings", "choir") else 1.0)
        chain.append(pb.Reverb(float(rng.uniform(0.1, 0.85)), float(rng.uniform(0.2, 0.8)), wet, 1 - wet / 2,
                               float(rng.uniform(0.5, 1))))
    return chain


def apply_effects(audio: np.ndarray, chain: list[Any]) -> np.ndarray:
    """Run (2, N) float32 through plugins, same length; the input's level is brought to what effects expect."""
    import pedalboard as pb

    if not chain:
        return audio
    level = active_rms(audio)
    if level <= 0:
        return audio
    gain = np.float32(10 ** (-18 / 20) / level)
    out = pb.Pedalboard(chain)(audio * gain, SAMPLE_RATE)
    return np.nan_to_num(np.asarray(out, np.float32)[:, : audio.shape[1]])


def active_rms(audio: np.ndarray) -> float:
    """Rms of (C, N) over the 50 ms frames that are less than 40 dB below the loudest; 0 for silence."""
    size = SAMPLE_RATE // 20
    whole = audio[:, : audio.shape[1] // size * size]
    if not whole.size:
        return float(np.sqrt((audio**2).mean())) if audio.size else 0.0
    powers = (whole.reshape(audio.shape[0], -1, size) ** 2).mean(axis=(0, 2))
    playing = powers[powers > 1e-4 * powers.max(initial=0)]
    return float(np.sqrt(playing.mean())) if playing.size else 0.0


def place(rng: np.random.Generator, audio: np.ndarray, stem: str) -> np.ndarray:
    """Width and pan of (2, N): mono, as it is, or widened by a few milliseconds; constant-power pan."""
    middle = audio.mean(axis=0)
    draw = rng.random()
    if draw < (0.5 if stem in CENTRED else 0.3):
        out = np.stack([middle, middle])
    elif draw < 0.8 or stem in CENTRED:
        width = np.float32(rng.uniform(0.6, 1.2))
        side = (audio[0] - audio[1]) / 2 * width
        out = np.stack([middle + side, middle - side])
    else:
        delay = int(rng.uniform(0.008, 0.025) * SAMPLE_RATE)
        out = np.stack([middle, np.concatenate([np.zeros(delay, np.float32), middle[:-delay]])])
    spread = float(rng.choice([0.0, 0.08])) if stem in CENTRED else 0.5
    angle = (float(np.clip(rng.normal(0, spread), -0.9, 0.9)) + 1) * np.pi / 4
    gains = np.array([[np.cos(angle)], [np.sin(angle)]], np.float32) * np.float32(np.sqrt(2))
    return np.asarray(out * gains, np.float32)


def level(rng: np.random.Generator, audio: np.ndarray, stem: str) -> np.ndarray:
    """Bring (2, N) to its class's usual loudness, give or take some decibels."""
    rms = active_rms(audio)
    if rms <= 0:
        return audio
    target = LEVELS_DB[stem] + float(np.clip(rng.normal(0, 3), -7, 7))
    out = np.asarray(audio * np.float32(10 ** (target / 20) / rms))
    # A single sharp peak must not force the whole mix down.
    ceiling = float(rng.uniform(0.35, 0.8))
    return np.asarray(out * _limiting(out, ceiling)) if np.abs(out).max() > ceiling else out


def bus(rng: np.random.Generator, stems: np.ndarray) -> np.ndarray:
    """Bus compression and limiting of a mix, applied to its stems (S, 2, N) so that they still sum to it."""
    out = stems
    mix = out.sum(axis=0)
    if rng.random() < 0.5:
        out = out * _compression(mix, float(rng.uniform(2, 8)), float(rng.uniform(1.5, 4)))
        mix = out.sum(axis=0)
    if rng.random() < 0.4:
        drive = float(rng.uniform(1, 6))
        out = out * _limiting(mix, float(np.abs(mix).max(initial=0)) * 10 ** (-drive / 20))
    return np.asarray(out, np.float32)


def _compression(mix: np.ndarray, over_db: float, ratio: float) -> np.ndarray:
    """Gain (N,) of a compressor whose threshold lies `over_db` below the loud parts."""
    hop = 256
    count = mix.shape[1] // hop
    powers = (mix[:, : count * hop].reshape(2, count, hop) ** 2).mean(axis=(0, 2))
    smooth = lfilter([0.06], [1, -0.94], powers)
    decibels = 10 * np.log10(smooth + 1e-8)
    excess = np.maximum(decibels - (np.percentile(decibels, 90) - over_db), 0)
    gain = 10 ** (-excess * (1 - 1 / ratio) / 20)
    return np.interp(np.arange(mix.shape[1]), (np.arange(count) + 0.5) * hop, gain).astype(np.float32)


def _limiting(mix: np.ndarray, ceiling: float) -> np.ndarray:
    """Gain (N,) of a look-ahead limiter: no sample of the mix above `ceiling`."""
    span = 441
    peaks = maximum_filter1d(np.abs(mix).max(axis=0), 2 * span + 1)
    needed = np.minimum(1, ceiling / np.maximum(peaks, 1e-9))
    # A moving average over the look-ahead never rises above the minimum it has seen.
    padded = np.concatenate([np.full(span, needed[0]), needed, np.full(span, needed[-1])])
    total = np.cumsum(np.concatenate([[0.0], padded]))
    return np.asarray((total[2 * span + 1 :] - total[: -2 * span - 1]) / (2 * span + 1), np.float32)
