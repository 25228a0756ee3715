"""Sung lines, and passages of long recordings laid along a song: in its key, near its tempo, by made-up singers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.instruments import SAMPLE_RATE, Clip, SampleBank
from training.pitch import best_transposition, pitch_classes
from training.score import Note, Score, Section
from training.synth import Sampler, add_at, fade, general_midi, repitch

SINGERS = ("utau-erithacus", "utau-dorodoro", "solfege-chengu", "solfege-jennifer", "karoryfer-272-merry-orks")
PHRASE_SOURCES = ("everything-is-remixed", "everything-is-remixed", "everything-is-remixed", "vocadito", "sms-tools",
                  "karoryfer-272-merry-orks", "berklee-olpc")
CONSONANTS = ("consonants", "misc__inhale", "misc__exhale", "_br")


@dataclass(frozen=True)
class Voice:
    """How a recorded singer is changed: formant shift in semitones, and whether durations are kept."""

    formant: float
    stretch: float
    keeps_time: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Voice:
        return cls(float(rng.uniform(-3, 3)), float(rng.uniform(0.9, 1.12)), bool(rng.random() < 0.6))

    def apply(self, audio: np.ndarray, semitones: float) -> np.ndarray:
        """(C, N) re-pitched by `semitones`, as another singer."""
        import pedalboard as pb

        if not self.keeps_time:
            return repitch(audio, semitones)
        shifted = repitch(audio, self.formant)
        factor = self.stretch * 2.0 ** (-self.formant / 12)
        return np.asarray(pb.time_stretch(shifted, SAMPLE_RATE, factor, semitones - self.formant, high_quality=False))


def cut_phrase(rng: np.random.Generator, audio: np.ndarray, seconds: float) -> np.ndarray:
    """A passage of about `seconds` of (C, N) that begins and ends where it is quiet, and is not quiet itself."""
    hop = 1024
    size = max(1, int(seconds * SAMPLE_RATE) // hop)
    if audio.shape[1] // hop <= size:
        return audio
    frames = audio[:, : audio.shape[1] // hop * hop].reshape(audio.shape[0], -1, hop)
    powers = (frames**2).mean(axis=(0, 2))
    best, best_power = 0, -1.0
    for start in rng.integers(0, len(powers) - size, 5):
        power = float(np.median(powers[start : start + size]))
        if power > best_power:
            best, best_power = int(start), power
    first = _quietest(powers, best, 20)
    last = max(_quietest(powers, best + size, 20), first + 20)
    return audio[:, first * hop : last * hop]


def _quietest(powers: np.ndarray, place: int, reach: int) -> int:
    low, high = max(0, place - reach), min(len(powers), place + reach)
    return low + int(np.argmin(powers[low:high]))


def lay_phrases(rng: np.random.Generator, bank: SampleBank, clips: Sequence[Clip], score: Score,
                sections: Sequence[Section], samples: int) -> np.ndarray:
    """Passages of one of the clips, one a section, moved into the song's key: (2, samples) float32."""
    out = np.zeros((2, samples), np.float32)
    clip = clips[int(rng.integers(len(clips)))]
    voice = Voice.draw(rng)
    wide = rng.random() < 0.5
    for section in sections:
        room = min(score.time(section.start + section.beats), score.seconds) - score.time(section.start)
        if room < 0.5:
            continue
        phrase = cut_phrase(rng, bank.audio(clip), room * float(rng.uniform(0.6, 1.0)))
        if not wide:
            phrase = phrase.mean(axis=0, keepdims=True)
        shift = best_transposition(pitch_classes(phrase, SAMPLE_RATE), score.classes())
        sound = voice.apply(np.ascontiguousarray(phrase), shift)[:, : int(room * SAMPLE_RATE)]
        start = score.time(section.start) + float(rng.choice([0, 0, 0.5, 1])) * score.beat_seconds
        add_at(out, fade(sound, 400, 2000), int(start * SAMPLE_RATE))
    return out


def lay_loop(rng: np.random.Generator, bank: SampleBank, clip: Clip, score: Score, sections: Sequence[Section],
             samples: int) -> np.ndarray:
    """A drum recording brought to the song's tempo by its speed, laid along the sections: (2, samples) float32."""
    audio = bank.audio(clip)
    tempo = bank.tempo(clip) or score.tempo
    ratios = [score.tempo / tempo * factor for factor in (0.5, 1.0, 2.0)]
    ratio = min(ratios, key=lambda r: abs(np.log(r)))
    ratio = float(np.clip(ratio, 0.75, 1.3))
    loop = cut_phrase(rng, audio, min(16.0, max(4.0, score.seconds)))
    loop = repitch(np.ascontiguousarray(loop), 12 * float(np.log2(ratio)))
    out = np.zeros((2, samples), np.float32)
    for section in sections:
        start, stop = (int(score.time(b) * SAMPLE_RATE) for b in (section.start, section.start + section.beats))
        for begin in range(start, min(stop, samples), max(loop.shape[1], SAMPLE_RATE)):
            add_at(out, fade(loop[:, : stop - begin], 64, 400), begin)
    return out


def sing(rng: np.random.Generator, bank: SampleBank, notes: Sequence[Note], samples: int) -> np.ndarray:
    """Syllables of one singer, re-pitched to a melody with glides and vibrato: (2, samples) float32."""
    syllables = _syllables(bank, str(rng.choice(SINGERS)))
    if not syllables:
        return general_midi().render(notes, 53, samples)
    middle = float(np.median([pitch for pitch, _ in syllables])) + float(rng.uniform(-3, 4))
    octave = 12 * round((middle - float(np.mean([n.pitch for n in notes]))) / 12)
    picks = [syllables[int(i)] for i in rng.permutation(len(syllables))[:24]]
    out = np.zeros((2, samples), np.float32)
    depth, rate = float(rng.uniform(0, 0.5)), float(rng.uniform(4.5, 6.5))
    last = None
    for note in notes:
        target = note.pitch + octave
        near = sorted(picks, key=lambda s: abs(s[0] - target))[:6]
        own, clip = near[int(rng.integers(len(near)))]
        glide = 0.0 if last is None else float(np.clip(last - target, -4, 4)) * float(rng.uniform(0, 0.6))
        sound = _sung(bank.audio(clip), note.length, target - own, glide, depth, rate)
        add_at(out, fade(sound, 300, 2500) * np.float32(note.velocity), int(note.start * SAMPLE_RATE))
        last = target
    return out


def _syllables(bank: SampleBank, library: str) -> list[tuple[float, Clip]]:
    clips = [c for c in bank.clips("vocals") if c.library == library and not any(k in c.name for k in CONSONANTS)
             and "predrop" not in c.name]
    pitched = [(bank.pitch(clip), clip) for clip in clips]
    return [(pitch, clip) for pitch, clip in pitched if pitch is not None and 38 < pitch < 82]


def _sung(audio: np.ndarray, length_s: float, semitones: float, glide: float, depth: float, rate: float) -> np.ndarray:
    """One syllable (1, N) read at a varying speed, so that it slides into its note and then swings about it."""
    mono = audio.mean(axis=0)
    times = np.arange(int((length_s + 0.06) * SAMPLE_RATE)) / SAMPLE_RATE
    vibrato = depth * np.clip((times - 0.25) / 0.3, 0, 1) * np.sin(2 * np.pi * rate * times)
    speed = 2.0 ** ((semitones + glide * np.exp(-times / 0.05) + vibrato) / 12)
    places = np.cumsum(speed)
    return read_at(mono, places[places < len(mono) - 3])[None]


def read_at(signal: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Samples of a (N,) signal at fractional places 1 <= p < N - 2, by cubic Hermite interpolation."""
    whole = places.astype(np.int64)
    part = (places - whole).astype(np.float32)
    before, here, after, later = (signal[np.clip(whole + i, 0, len(signal) - 1)] for i in (-1, 0, 1, 2))
    slope = (after - before) / 2
    curve = before - 2.5 * here + 2 * after - later / 2
    cubic = (later - before) / 2 + 1.5 * (here - after)
    return np.asarray(((cubic * part + curve) * part + slope) * part + here, np.float32)


def vocal_stem(rng: np.random.Generator, bank: SampleBank | None, score: Score, notes: Sequence[Note],
               sections: Sequence[Section], samples: int, *, backing: bool) -> tuple[np.ndarray, str]:
    """A lead or backing vocal: (2, samples) float32, and where it is from (phrases, syllables, vowels or gm)."""
    if bank is None or not bank.clips("vocals"):
        return general_midi().render(notes, int(rng.choice([52, 53, 54, 85])), samples), "gm"
    draw = rng.random()
    if draw < (0.4 if backing else 0.62):
        clips = _phrase_clips(rng, bank, backing)
        if clips:
            lead = lay_phrases(rng, bank, clips, score, sections, samples)
            return _thicken(rng, lead), "phrases"
    if backing or draw > 0.92:
        return _vowels(rng, bank, notes, samples), "vowels"
    lead = sing(rng, bank, notes, samples)
    if rng.random() < 0.25:
        third = [replace(n, pitch=_harmony(score, n.pitch)) for n in notes]
        lead = lead + 0.5 * sing(rng, bank, third, samples)
    return _thicken(rng, lead), "syllables"


def _phrase_clips(rng: np.random.Generator, bank: SampleBank, backing: bool) -> list[Clip]:
    source = "everything-is-remixed" if backing else str(rng.choice(PHRASE_SOURCES))
    clips = [c for c in bank.clips("vocals") if c.library == source and "REVERSE" not in c.name]
    if source == "karoryfer-272-merry-orks":
        return [c for c in clips if "predrop" in c.name]
    if source == "berklee-olpc":
        return [c for c in clips if c.kind == "vocals_other"]
    if source == "everything-is-remixed":
        return [c for c in clips if ("BGVOX" in c.name) == backing] or clips
    return clips


def _vowels(rng: np.random.Generator, bank: SampleBank, notes: Sequence[Note], samples: int) -> np.ndarray:
    families = list(bank.families("vocals_vowels").values())
    if families:
        sampler = Sampler(bank, families[int(rng.integers(len(families)))], rng)
        if sampler.playable:
            return sampler.render(notes, samples, 0.2)
    return general_midi().render(notes, 53, samples)


def _harmony(score: Score, pitch: float) -> float:
    """The note a third above in the scale."""
    return next(pitch + step for step in (3, 4, 5) if int(pitch + step) % 12 in score.classes() or step == 5)


def _thicken(rng: np.random.Generator, voice: np.ndarray) -> np.ndarray:
    """Sometimes a second take beside the first: a few cents and milliseconds off, to one side."""
    if rng.random() > 0.35:
        return voice
    take = repitch(voice, float(rng.choice([-1, 1])) * float(rng.uniform(0.02, 0.06)))
    out = voice.copy()
    pan = float(rng.uniform(0, 1))
    for channel, gain in ((0, pan), (1, 1 - pan)):
        add_at(out[channel][None], take[channel][None] * np.float32(gain), int(rng.uniform(0.01, 0.03) * SAMPLE_RATE))
    return out
