"""A short original song, composed and synthesised here in pure numpy: no samples, no system dependency.

    python examples/demo_song.py OUT.wav [--stems DIR]

Eight bars in A minor / C major at 100 beats per minute, 19.2 s: kick, snare, hats, bass, pad, pluck and a
sung voice, each in its own place, with a common reverb. The mix is the plain sum of the stems and every run
gives the same samples.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

TEMPO = 100.0
BEAT = 60.0 / TEMPO                     # seconds
BARS = 8
SONG_SECONDS = BARS * 4 * BEAT

# One chord a bar, as MIDI notes from the bottom; the bass plays BASS.
AM7, FMAJ7, CADD9, G = (57, 60, 64, 67), (53, 57, 60, 64), (55, 60, 62, 64), (55, 59, 62, 67)
CHORDS = (AM7, FMAJ7, CADD9, G, AM7, FMAJ7, G, CADD9)
BASS = (33, 29, 36, 31, 33, 29, 31, 36)

# The sung line: (beat, length in beats, MIDI note, vowel).
MELODY = (
    (1.0, 1.0, 52, "e"), (2.0, 0.5, 55, "o"), (2.5, 1.4, 57, "a"),
    (4.0, 1.0, 60, "a"), (5.0, 0.5, 57, "o"), (5.5, 1.4, 55, "e"),
    (8.0, 1.5, 55, "a"), (9.5, 0.5, 52, "e"), (10.0, 1.0, 55, "o"), (11.0, 1.0, 60, "a"),
    (12.0, 1.5, 59, "a"), (13.5, 0.5, 57, "e"), (14.0, 1.5, 55, "o"),
    (16.5, 0.5, 60, "e"), (17.0, 1.0, 64, "a"), (18.0, 0.5, 62, "o"), (18.5, 1.2, 60, "a"),
    (20.0, 1.0, 57, "o"), (21.0, 0.5, 60, "e"), (21.5, 1.0, 65, "a"), (22.5, 1.2, 64, "a"),
    (24.0, 1.5, 62, "e"), (25.5, 0.5, 59, "o"), (26.0, 1.0, 55, "a"), (27.0, 1.0, 59, "e"),
    (28.0, 3.0, 60, "a"),
)
# Formants of a tenor: (frequency in Hz, gain, bandwidth in Hz).
VOWELS = {
    "a": ((650, 1.0, 80), (1080, 0.5, 90), (2650, 0.16, 140), (3300, 0.1, 200)),
    "e": ((400, 1.0, 70), (1700, 0.35, 100), (2600, 0.2, 140), (3250, 0.12, 200)),
    "o": ((420, 1.0, 70), (800, 0.5, 90), (2600, 0.1, 140), (3200, 0.07, 200)),
}
# Level of each stem, its place from left (-1) to right (+1), and how much of it goes to the reverb.
MIX = {
    "kick": (0.9, 0.0, 0.01), "snare": (0.75, 0.08, 0.08), "hats": (0.4, 0.35, 0.03),
    "bass": (0.42, 0.0, 0.0), "pad": (0.32, 0.0, 0.1), "pluck": (0.42, -0.35, 0.1), "voice": (0.6, 0.0, 0.08),
}


class Track:
    """A mono or stereo line of a song, to which notes are added where they begin."""

    def __init__(self, seconds: float, sample_rate: int, channels: int = 1) -> None:
        self.rate = sample_rate
        self.audio = np.zeros((channels, round(seconds * sample_rate)))

    def add(self, beat: float, sound: np.ndarray) -> None:
        start = round(beat * BEAT * self.rate)
        there = self.audio[:, start : start + sound.shape[-1]]
        there += np.atleast_2d(sound)[:, : there.shape[1]]


def frequency(midi: float | np.ndarray) -> np.ndarray:
    return 440.0 * 2.0 ** ((np.asarray(midi, dtype=float) - 69.0) / 12.0)


def clock(seconds: float, rate: int) -> np.ndarray:
    return np.arange(round(seconds * rate)) / rate


def gate(t: np.ndarray, attack: float, release: float) -> np.ndarray:
    """Rises in `attack` and falls over the last `release` seconds, without corners."""
    end = t[-1] if t.size else 0.0
    rise, fall = np.clip(t / attack, 0, 1), np.clip((end - t) / release, 0, 1)
    return np.sin(0.5 * np.pi * rise) ** 2 * np.sin(0.5 * np.pi * fall) ** 2


def power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def shape(sound: np.ndarray, rate: int, response: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Filter by a magnitude response given over frequency in Hz; zero phase, padded against wrapping."""
    n = sound.shape[-1]
    size = power_of_two(n + rate // 20)
    bins = np.fft.rfftfreq(size, 1.0 / rate)
    return np.fft.irfft(np.fft.rfft(sound, size) * response(bins), size)[..., :n]


def oscillator(phase: np.ndarray, harmonics: np.ndarray) -> np.ndarray:
    """Read one period, made of these harmonic amplitudes, at a phase counted in periods."""
    size = 4096
    spectrum = np.zeros(size // 2 + 1, dtype=complex)
    spectrum[1 : harmonics.size + 1] = -0.5j * size * harmonics
    table = np.append(np.fft.irfft(spectrum, size), 0.0)
    table[-1] = table[0]
    position = (phase % 1.0) * size
    index = position.astype(int)
    return table[index] + (position - index) * (table[index + 1] - table[index])


def partials(pitch: float, rate: int, tilt: float, most: int = 60) -> np.ndarray:
    """Amplitudes n^-tilt of the harmonics below 0.45 of the sample rate."""
    count = int(np.clip(0.45 * rate / pitch, 1, most))
    return np.arange(1, count + 1, dtype=float) ** -tilt


@cache
def kick(rate: int) -> np.ndarray:
    t = clock(0.42, rate)
    pitch = 47.0 + 110.0 * np.exp(-t / 0.035)
    body = np.sin(2 * np.pi * np.cumsum(pitch) / rate) * np.exp(-t / 0.13)
    return (body + 0.15 * np.sin(2 * np.pi * 2200 * t) * np.exp(-t / 0.003)) * gate(t, 0.001, 0.05)


def snare(rate: int, rng: np.random.Generator) -> np.ndarray:
    t = clock(0.32, rate)
    rattle = shape(rng.standard_normal(t.size), rate, lambda f: (f / 1800) ** 2 / (1 + (f / 1800) ** 2))
    head = np.sin(2 * np.pi * 186 * t) + 0.6 * np.sin(2 * np.pi * 331 * t)
    return (0.45 * rattle * np.exp(-t / 0.075) + 0.7 * head * np.exp(-t / 0.06)) * gate(t, 0.001, 0.04)


def hat(rate: int, rng: np.random.Generator, decay: float) -> np.ndarray:
    t = clock(6 * decay, rate)
    noise = shape(rng.standard_normal(t.size), rate, lambda f: (f / 7500) ** 6 / (1 + (f / 7500) ** 6))
    return noise * np.exp(-t / decay) * gate(t, 0.0007, decay)


def drums(seconds: float, rate: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    tracks = {name: Track(seconds, rate) for name in ("kick", "snare", "hats")}
    for bar in range(BARS - 1):
        first = 4 * bar
        fill = (3.25, 3.5, 3.75) if bar in (3, 6) else ()
        for beat in (0, 1.5, 2.5, *((3.75,) if bar % 2 else ())):
            tracks["kick"].add(first + beat, kick(rate) * (1.0 if beat == 0 else 0.85))
        for beat in (1, 3, *fill):
            tracks["snare"].add(first + beat, snare(rate, rng) * (0.55 if beat in fill else 1.0))
        for step in range(8):
            loud = (1.0, 0.55)[step % 2] * rng.uniform(0.85, 1.0)
            tracks["hats"].add(first + step / 2, hat(rate, rng, 0.12 if step == 7 else 0.03) * loud)
    tracks["kick"].add(4 * (BARS - 1), kick(rate))
    tracks["hats"].add(4 * (BARS - 1), hat(rate, rng, 0.35))
    return {name: track.audio for name, track in tracks.items()}


@cache
def bass_note(midi: int, seconds: float, rate: int) -> np.ndarray:
    t = clock(seconds, rate)
    pitch = float(frequency(midi))
    dark, bright = partials(pitch, rate, 2.2, 12), partials(pitch, rate, 1.1, 24)
    brightness = np.exp(-t / 0.12)
    tone = (1 - brightness) * oscillator(pitch * t, dark) + brightness * oscillator(pitch * t, bright)
    return 0.7 * tone * gate(t, 0.004, 0.05) * np.exp(-t / 1.2)


def bass(seconds: float, rate: int) -> np.ndarray:
    track = Track(seconds, rate)
    riff = ((0, 1.3, 0), (1.5, 0.5, 0), (2.0, 0.5, 12), (2.5, 0.9, 0), (3.5, 0.45, 7))
    for bar, root in enumerate(BASS[:-1]):
        for beat, length, interval in riff:
            track.add(4 * bar + beat, bass_note(root + interval, length * BEAT, rate))
    track.add(4 * (BARS - 1), bass_note(BASS[-1], 3.5 * BEAT, rate))
    return track.audio


def pad(seconds: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Three detuned oscillators a note, spread over the stereo field."""
    track = Track(seconds, rate, channels=2)
    for bar, chord in enumerate(CHORDS):
        t = clock(4.35 * BEAT, rate)
        sound = np.zeros((2, t.size))
        for midi in chord:
            for cents, side in ((-9, 0.15), (0, 0.5), (8, 0.85)):
                pitch = float(frequency(midi + cents / 100))
                voice = oscillator(pitch * t + rng.uniform(), partials(pitch, rate, 1.6, 24))
                angle = 0.5 * np.pi * side
                sound += 0.1 * voice * np.array([[np.cos(angle)], [np.sin(angle)]])
        track.add(4 * bar, sound * gate(t, 0.25, 0.45))
    return track.audio


@cache
def pluck_note(midi: int, rate: int) -> np.ndarray:
    """A struck string: the higher a partial, the faster it fades and the further it is stretched."""
    t = clock(1.1, rate)
    pitch = float(frequency(midi))
    sound = np.zeros(t.size)
    for n in range(1, 11):
        partial = pitch * n * np.sqrt(1 + 1.5e-4 * n * n)
        if partial < 0.45 * rate:
            strength = abs(np.sin(np.pi * n * 0.18)) / n
            sound += strength * np.sin(2 * np.pi * partial * t) * np.exp(-t * (2.2 + 0.9 * n))
    return sound * gate(t, 0.002, 0.15)


def pluck(seconds: float, rate: int) -> np.ndarray:
    track = Track(seconds, rate)
    for bar, chord in enumerate(CHORDS):
        for step, tone in enumerate((0, 1, 2, 3) if bar == BARS - 1 else (0, 2, 1, 3, 2, 3, 1, 2)):
            accent = 1.0 if step % 4 == 0 else 0.75
            track.add(4 * bar + step / 2, accent * pluck_note(chord[tone] + 12, rate))
    return track.audio


def formants(vowel: str) -> Callable[[np.ndarray], np.ndarray]:
    def response(f: np.ndarray) -> np.ndarray:
        peaks = (gain / (1 + ((f - centre) / width) ** 2) for centre, gain, width in VOWELS[vowel])
        return sum(peaks, start=np.full(f.shape, 0.004)) * (1 - np.exp(-((f / 90) ** 2)))

    return response


def voice(seconds: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A pulse train that glides and vibrates, with breath, seen through vowels that melt into each other."""
    t = clock(seconds, rate)
    target = np.full(t.size, float(MELODY[0][2]))
    loudness = np.zeros(t.size)
    share = {name: np.zeros(t.size) for name in VOWELS}
    for beat, length, midi, vowel in MELODY:
        begin, end = (round(edge * BEAT * rate) for edge in (beat, beat + length))
        target[begin:] = midi
        since = clock((end - begin) / rate, rate)[: max(0, t.size - begin)]
        loudness[begin:end] += 0.85 + 0.15 * np.sin(np.pi * since / (length * BEAT))
        for name in share:
            share[name][begin:] = float(name == vowel)

    def glide(line: np.ndarray, width: float) -> np.ndarray:
        return shape(line, rate, lambda f: np.exp(-0.5 * (2 * np.pi * f * width) ** 2))

    depth = 0.25 * glide(loudness, 0.25) ** 2
    pitch = frequency(glide(target - target[0], 0.022) + target[0] + depth * np.sin(2 * np.pi * 5.4 * t))
    source = oscillator(np.cumsum(pitch) / rate, partials(float(pitch.max()), rate, 1.0, 45))
    source += 0.05 * rng.standard_normal(t.size)
    sung = sum(shape(source, rate, formants(name)) * glide(share[name], 0.03) for name in VOWELS)
    return np.atleast_2d(sung * np.clip(glide(loudness, 0.025), 0, None))


def reverb(dry: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Convolve (2, N) with a hall of decaying noise that loses its highs, after 18 ms."""
    t = clock(1.4, rate)
    noise = rng.standard_normal((2, t.size)) * np.exp(-t / 0.32)
    hall = shape(noise, rate, lambda f: 1 / (1 + (f / 3500) ** 2))
    hall = np.pad(hall / np.sqrt(np.sum(hall**2, axis=1, keepdims=True)), ((0, 0), (round(0.018 * rate), 0)))
    size = power_of_two(dry.shape[1] + hall.shape[1])
    return np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(hall, size), size)[:, : dry.shape[1]]


def place(name: str, dry: np.ndarray, rate: int) -> np.ndarray:
    """Give a stem its level (relative to its own peak), its place between the speakers and its reverb."""
    level, pan, wet = MIX[name]
    angle = 0.25 * np.pi * (1 + pan)
    stereo = dry if dry.shape[0] == 2 else dry * np.sqrt(2) * np.array([[np.cos(angle)], [np.sin(angle)]])
    stereo = stereo * (level / max(1e-9, float(np.abs(stereo).max())))
    return stereo + wet * reverb(stereo, rate, np.random.default_rng(7)) if wet else stereo


def render(seconds: float = SONG_SECONDS, sample_rate: int = 44100) -> dict[str, np.ndarray]:
    """The song's stems, name -> (2, N) float32; their sum is the mix, with a peak of at most 0.9.

    `seconds` below the song's 19.2 cuts it there, with a fade of 20 ms; above, silence follows the end.
    """
    rng = np.random.default_rng(1)
    full = SONG_SECONDS
    parts = drums(full, sample_rate, rng)
    parts |= {"bass": bass(full, sample_rate), "pad": pad(full, sample_rate, rng)}
    parts |= {"pluck": pluck(full, sample_rate), "voice": voice(full, sample_rate, rng)}
    frames = round(seconds * sample_rate)
    fade = gate(clock(min(seconds, full), sample_rate), 0.002, 0.02)[:frames]
    stems = {name: place(name, part, sample_rate)[:, : fade.size] * fade for name, part in parts.items()}
    peak = max(1e-9, float(np.abs(sum(stems.values())).max()))
    rest = ((0, 0), (0, frames - fade.size))
    return {name: np.pad(stem * (0.9 / peak), rest).astype(np.float32) for name, stem in stems.items()}


def main() -> None:
    import soundfile

    parser = argparse.ArgumentParser(description="Render the project's own demo song.")
    parser.add_argument("out", type=Path, help="the mix, e.g. out/demo.wav")
    parser.add_argument("--stems", type=Path, help="also write every stem into this folder")
    parser.add_argument("--seconds", type=float, default=SONG_SECONDS, help="its length, 0.1 to 600")
    arguments = parser.parse_args()
    files = {name: arguments.stems / f"{name}.wav" for name in MIX} if arguments.stems else {}
    taken = [path for path in (arguments.out, *files.values()) if path.exists()]
    if taken or not 0.1 <= arguments.seconds <= 600:
        parser.error(f"'{taken[0]}' exists" if taken else "--seconds takes 0.1 to 600")
    stems = render(arguments.seconds)
    try:
        for path, sound in [(arguments.out, sum(stems.values())), *((files[name], stems[name]) for name in files)]:
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, sound.T, 44100, subtype="PCM_24")
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        raise SystemExit(f"cannot write: {error}") from error


if __name__ == "__main__":
    main()
