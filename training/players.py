"""Pitched players: bass lines, strums, stabs, arpeggios, power chords, riffs, held chords and melodies.

Each takes (rng, score, sections, register) and gives (beat, beats, MIDI pitch, velocity, drum piece) events.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.grooves import Event, drum_kit, percussion
from training.score import Chord, Score, Section

Register = tuple[int, int]
Player = Callable[[np.random.Generator, "Score", "list[Section]", Register], list[Event]]


def _near(pitch_class: int, low: int) -> int:
    """The lowest MIDI pitch of a class at or above `low`."""
    return low + (pitch_class - low) % 12


def _spans(score: Score, sections: list[Section]) -> list[tuple[Chord, float, float]]:
    """The chords under the sections, as (chord, first beat, last beat)."""
    spans = []
    for section in sections:
        end = section.start + section.beats
        for chord in score.chords:
            start, stop = max(chord.start, section.start), min(chord.start + chord.beats, end)
            if stop > start:
                spans.append((chord, start, stop))
    return spans


def _voicing(rng: np.random.Generator, chord: Chord, register: Register, size: int) -> list[int]:
    low, high = register
    base = int(rng.integers(low, max(low + 1, low + (high - low) // 3)))
    pitches = [p for p in range(base, high + 1) if p % 12 in chord.classes]
    return pitches[:size] or [_near(chord.classes[0], low)]


BASS_STEPS: dict[str, tuple[float, ...]] = {
    "eighths": (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5),
    "root": (0, 2), "sustain": (0,), "offbeat": (0.5, 1.5, 2.5, 3.5),
    "syncopated": (0, 1.5, 2.5, 3.5), "octaves": (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5),
    "funk": (0, 0.75, 1.5, 2.25, 2.5, 3.25, 3.5), "walking": (0, 1, 2, 3), "fifths": (0, 2),
}


def bass(rng: np.random.Generator, score: Score, sections: list[Section], register: Register) -> list[Event]:
    """A bass line in one of the genre's styles."""
    style = str(rng.choice(score.genre.bass))
    steps = BASS_STEPS[style]
    short = {"funk": 0.4, "offbeat": 0.6, "eighths": 0.9, "octaves": 0.7}.get(style, 0.95)
    events: list[Event] = []
    for chord, start, stop in _spans(score, sections):
        root = _near(chord.classes[0], register[0])
        places = [start + s for s in steps if s < stop - start]
        for i, place in enumerate(places):
            after = places[i + 1] if i + 1 < len(places) else stop
            pitch = _bass_pitch(rng, style, i, root, chord)
            events.append((place, (after - place) * short, pitch, 0.9 if i == 0 else 0.75, ""))
    return events


def _bass_pitch(rng: np.random.Generator, style: str, i: int, root: int, chord: Chord) -> float:
    fifth, third = root + (chord.classes[2] - chord.classes[0]) % 12, root + (chord.classes[1] - chord.classes[0]) % 12
    if style == "octaves" and i % 2:
        return root + 12
    if style == "fifths" and i % 2:
        return fifth
    if style == "walking" and i:
        return float(rng.choice([third, fifth, root + 12, fifth - 12 if fifth - 12 > 26 else fifth, root + 10]))
    if style == "funk" and i:
        return float(rng.choice([root, root, root + 12, fifth, root + 10]))
    if i and rng.random() < 0.12:
        return float(rng.choice([third, fifth, root + 12]))
    return root


def sustain(rng: np.random.Generator, score: Score, sections: list[Section], register: Register) -> list[Event]:
    """Held chords."""
    size, events = int(rng.choice([2, 3, 3, 4])), []
    for chord, start, stop in _spans(score, sections):
        for pitch in _voicing(rng, chord, register, size):
            events.append((start, (stop - start) * 0.98, float(pitch), 0.65, ""))
    return events


def stabs(rng: np.random.Generator, score: Score, sections: list[Section], register: Register) -> list[Event]:
    """Short chords in a fixed rhythm."""
    rhythms = [(0.5, 1.5, 2.5, 3.5), (0, 1, 2, 3), (0, 1.5, 3), (1, 3), (0, 0.75, 1.5, 2.5), (1.5, 3.5), (0, 2.5)]
    rhythm = rhythms[int(rng.integers(len(rhythms)))]
    length, events = float(rng.choice([0.2, 0.4, 0.9])), []
    for chord, start, stop in _spans(score, sections):
        pitches = _voicing(rng, chord, register, int(rng.choice([3, 4])))
        for place in (start + r for r in rhythm if r < stop - start):
            events += [(place, length, float(p), 0.75, "") for p in pitches]
    return events


def strum(rng: np.random.Generator, score: Score, sections: list[Section], register: Register) -> list[Event]:
    """Strummed chords: strings follow each other by milliseconds, down and up."""
    marks = str(rng.choice(["x.x.x.x.", "x..xx.xx", "x.xx.xx.", "x...x...", "x.xxxxxx", "xxxxxxxx"]))
    events: list[Event] = []
    for chord, start, stop in _spans(score, sections):
        pitches = _voicing(rng, chord, register, int(rng.choice([4, 5, 6])))
        for i in range(int((stop - start) * 2)):
            if marks[i % 8] != "x":
                continue
            ordered = pitches if i % 2 == 0 else pitches[::-1]
            for j, pitch in enumerate(ordered):
                events.append((start + i / 2 + 0.02 * j, 0.6, float(pitch), 0.8 if i % 4 == 0 else 0.6, ""))
    return events


def arpeggio(rng: np.random.Generator, score: Score, sections: list[Section], register: Register) -> list[Event]:
    """Broken chords in eighths or sixteenths."""
    step = float(rng.choice([0.5, 0.5, 0.25]))
    order = [int(i) for i in rng.integers(0, 5, 8)] if rng.random() < 0.5 else [0, 1, 2, 3, 4, 3, 2, 1]
    ring, events = float(rng.choice([1.0, 1.0, 3.0])), []
    for chord, start, stop in _spans(score, sections):
        pitches = _voicing(rng, chord, register, 5)
        for i, place in enumerate(np.arange(start, stop - 0.01, step)):
            pitch = pitches[order[i % 8] % len(pitches)]
            events.append((float(place), step * ring, float(pitch), 0.7 + 0.15 * (i % 4 == 0), ""))
    return events


def power(rng: np.random.Generator, score: Score, sections: list[Section], register: Register) -> list[Event]:
    """Power chords (root, fifth, octave): held, or chugged with palm mutes."""
    style = str(rng.choice(["hold", "eighths", "chug", "gallop"]))
    steps = {"hold": (0.0,), "eighths": tuple(np.arange(0, 4, 0.5)), "chug": (0, 0.5, 1, 1.5, 2, 3, 3.5),
             "gallop": tuple(np.sort(np.concatenate([np.arange(4), np.arange(4) + 0.5, np.arange(4) + 0.75])))}[style]
    events: list[Event] = []
    for chord, start, stop in _spans(score, sections):
        root = _near(chord.classes[0], register[0])
        places = [start + s for s in steps if s < stop - start]
        for i, place in enumerate(places):
            after = places[i + 1] if i + 1 < len(places) else stop
            muted = style in ("chug", "gallop") and i % 3 and rng.random() < 0.7
            length = (after - place) * (0.35 if muted else 0.97)
            shape = (0, 7) if muted else (0, 7, 12)
            events += [(float(place), length, float(root + s), 0.6 if muted else 0.9, "") for s in shape]
    return events


def riff(rng: np.random.Generator, score: Score, sections: list[Section], register: Register) -> list[Event]:
    """A one-bar figure repeated, bent to each chord."""
    slots = np.sort(rng.choice(score.meter * 4, int(rng.integers(3, 9)), replace=False)) / 4
    moves = rng.integers(0, 5, len(slots))
    events: list[Event] = []
    for section in sections:
        for bar in np.arange(section.start, section.start + section.beats, score.meter):
            for slot, move in zip(slots, moves, strict=True):
                chord = score.chord_at(float(bar + slot))
                pitches = [p for p in range(*register) if p % 12 in chord.classes]
                pitch = pitches[len(pitches) // 3 + int(move) % max(1, len(pitches) // 2)]
                events.append((float(bar + slot), 0.4, float(pitch), 0.8, ""))
    return events


def lead(rng: np.random.Generator, score: Score, sections: list[Section], register: Register) -> list[Event]:
    """A melody: phrases of a repeated rhythm, steps in the scale, chord tones on strong beats, rests between."""
    low, high = register
    middle = int(rng.integers(low + 4, high - 6))
    pool = [p for p in range(max(low, middle - 7), min(high, middle + 10)) if p % 12 in score.classes()]
    rhythm = _rhythm(rng, score.meter * 2)
    place, events = len(pool) // 2, []
    for section in sections:
        for bar in np.arange(section.start, section.start + section.beats, score.meter * 2):
            if rng.random() < 0.12:
                continue
            for offset, length in rhythm:
                beat = float(bar) + offset
                if beat >= section.start + section.beats or rng.random() < 0.06:
                    continue
                place = int(np.clip(place + rng.choice([-2, -1, -1, 0, 1, 1, 2, 3, -3]), 0, len(pool) - 1))
                if offset % 2 == 0:
                    place = _to_chord(pool, place, score.chord_at(beat))
                events.append((beat, length * 0.95, float(pool[place]), 0.8, ""))
    return events


def _rhythm(rng: np.random.Generator, beats: int) -> list[tuple[float, float]]:
    """Two bars of (offset, length) in beats that leave a rest at the end."""
    dense = float(rng.choice([0.5, 1.0, 1.5]))
    rhythm, beat = [], float(rng.choice([0, 0, 0.5, 1]))
    end = beats - float(rng.choice([0, 1, 2]))
    while beat < end:
        length = min(float(rng.choice([0.5, 0.5, 1, 1, 1.5, 2])) * dense, end - beat)
        rhythm.append((beat, length))
        beat += length
    return rhythm


def _to_chord(pool: list[int], place: int, chord: Chord) -> int:
    for step in (0, 1, -1, 2, -2):
        if 0 <= place + step < len(pool) and pool[place + step] % 12 in chord.classes:
            return place + step
    return place


PLAYERS: dict[str, Player] = {
    "bass": bass, "sustain": sustain, "stabs": stabs, "strum": strum, "arpeggio": arpeggio,
    "power": power, "riff": riff, "lead": lead, "drums": drum_kit, "percussion": percussion,
}
