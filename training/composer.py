"""Composes songs: key, tempo, form, chords, and the notes of every part, from a random generator."""

from __future__ import annotations

import numpy as np

from training.genres import GENRES, PARTS
from training.grooves import Event
from training.players import PLAYERS
from training.score import Chord, Note, Score, Section

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)


def compose(rng: np.random.Generator, seconds: float) -> Score:
    """Draw a song of `seconds` seconds: everything but the sounds."""
    genre = GENRES[int(rng.choice(len(GENRES), p=_genre_weights()))]
    tempo = float(rng.uniform(*genre.tempo))
    groove = str(rng.choice(genre.grooves))
    meter = 3 if groove == "waltz" else 4
    swing = float(rng.uniform(0.5, 1.0)) if rng.random() < genre.swing else 0.0
    scale = MINOR if rng.random() < genre.minor else MAJOR
    key = int(rng.integers(12))
    bars = int(np.ceil(seconds * tempo / 60 / meter)) + 1
    score = Score(genre, tempo, key, scale, swing, meter, seconds, _sections(rng, bars, meter), [], groove)
    score.chords = _chords(rng, score, bars)
    _cast(rng, score)
    return score


def _genre_weights() -> np.ndarray:
    """Rock and pop are what people separate most."""
    weights = np.array([{"rock": 2.5, "pop": 2.5, "metal": 1.3, "orchestral": 0.6}.get(g.name, 1.0) for g in GENRES])
    return weights / weights.sum()


def _sections(rng: np.random.Generator, bars: int, meter: int) -> list[Section]:
    """Two- to four-bar sections; the excerpt starts anywhere in the form."""
    form = [0.35, 0.6, 0.75, 1.0, 0.65, 1.0, 0.3, 1.0, 0.5]
    place, bar, sections = int(rng.integers(len(form))), 0, []
    while bar < bars:
        length = int(rng.choice([2, 2, 3, 4, 4]))
        sections.append(Section(bar * meter, length * meter, form[place % len(form)]))
        bar, place = bar + length, place + 1
    return sections


def _chords(rng: np.random.Generator, score: Score, bars: int) -> list[Chord]:
    progressions = score.genre.progressions
    picks = [progressions[int(rng.integers(len(progressions)))] for _ in range(2)]
    size = 4 if rng.random() < score.genre.sevenths else 3
    beats = score.meter * float(rng.choice([0.5, 1, 1, 1])) if score.meter == 4 else 3.0
    chords, beat, count = [], 0.0, 0
    while beat < bars * score.meter:
        degrees = picks[int(score.sections[_section_index(score, beat)].intensity > 0.8)]
        degree = degrees[count % len(degrees)]
        classes = tuple((score.key + score.scale[(degree + 2 * i) % 7]) % 12 for i in range(size))
        chords.append(Chord(beat, beats, classes))
        beat, count = beat + beats, count + 1
    return chords


def _section_index(score: Score, beat: float) -> int:
    return max(i for i, section in enumerate(score.sections) if section.start <= beat)


def _cast(rng: np.random.Generator, score: Score) -> None:
    """Choose the band (at least three parts, at most eight) and when each of them plays."""
    chances = score.genre.parts
    band = [name for name, chance in chances.items() if rng.random() < chance]
    basses = [name for name in band if name.endswith("bass")]
    if len(basses) > 1 and rng.random() < 0.9:
        band.remove(basses[int(rng.integers(len(basses)))])
    spare = [name for name in chances if name not in band]
    while len(band) < 3 and spare:
        band.append(spare.pop(int(rng.integers(len(spare)))))
    while len(band) > 8:
        band.pop(int(rng.integers(1, len(band))))
    thresholds = {n: rng.uniform(0, 0.6 if n in ("drums", "vocals") or "bass" in n else 1.0) for n in band}
    for name in band:
        active = [s for s in score.sections if s.intensity >= thresholds[name] and rng.random() < 0.92]
        audible = [s for s in score.sections if score.time(s.start) < max(score.seconds - 3, 0.1)]
        if not any(s in audible for s in active):
            active.append(audible[int(rng.integers(len(audible)))])
        score.parts[name] = sorted(active, key=lambda s: s.start)


def notes_of(rng: np.random.Generator, score: Score, name: str) -> list[Note]:
    """The notes of a part of the score, in seconds, humanised, cut to the song's length."""
    if name in score.written:
        return score.written[name]
    part = PARTS[name]
    player = PLAYERS[str(rng.choice(part.patterns))]
    loose = float(rng.choice([0.0, 0.003, 0.008]))
    notes: list[Note] = []
    while not notes:  # a melody may rest through the few bars its part has
        notes = _in_seconds(rng, score, player(rng, score, score.parts[name], part.register), loose)
    return sorted(notes, key=lambda n: n.start)


def _in_seconds(rng: np.random.Generator, score: Score, events: list[Event], loose: float) -> list[Note]:
    """Events as notes in seconds, `loose` seconds (deviation) off the beat, those before the song's end."""
    notes = []
    for beat, length, pitch, velocity, piece in events:
        start = max(0.0, score.time(beat) + loose * float(rng.standard_normal()))
        if start < score.seconds - 0.05:
            loud = float(np.clip(velocity * (1 + 0.08 * rng.standard_normal()), 0.05, 1))
            notes.append(Note(start, length * score.beat_seconds, pitch, loud, piece))
    return notes
