"""An excerpt of a MIDI file as a score: other people's arrangements, played by our bands and sung by our singers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from training.band import kind_of
from training.composer import MAJOR, MINOR
from training.genres import GENRES
from training.midi import Line, MidiSong
from training.score import Note, Score, Section

SHORTEST_S = 0.05  # nothing begins later than this before the end
SHORTEST_NOTE_S = 0.01  # hits are often written as a tick
PHRASE_BEATS = 16  # what is sung or looped instead comes in stretches of this length
# The first of the General MIDI programs that a part plays; those of None are left out.
CAST = ((0, "piano"), (4, "epiano"), (8, "mallets"), (16, "organ"), (21, "winds"), (24, "acoustic_guitar"),
        (26, "clean_guitar"), (29, "power_guitar"), (31, "clean_guitar"), (32, "upright_bass"), (33, "bass"),
        (38, "synth_bass"), (40, "strings"), (47, None), (48, "strings"), (52, "choir"), (55, "brass"),
        (64, "winds"), (80, "synth_lead"), (88, "pad"), (96, None), (104, "acoustic_guitar"), (109, "winds"),
        (112, None))
HITS = {35: "kick", 36: "kick", 37: "snare", 38: "snare", 39: "snare", 40: "snare", 41: "tom3", 42: "closed",
        43: "tom3", 44: "closed", 45: "tom2", 46: "open", 47: "tom2", 48: "tom1", 49: "crash", 50: "tom1", 51: "ride",
        52: "crash", 53: "ride", 55: "crash", 57: "crash", 59: "ride"}
BASSES = ("bass", "upright_bass", "synth_bass")
VOICE = (50, 84)  # where the middle note of a melody lies that can be sung
SUNG = 0.7  # of the songs with such a melody


@dataclass(frozen=True)
class Excerpt:
    """Where in a file an excerpt begins (s), how much slower it is played, and how many semitones higher."""

    start: float
    stretch: float
    shift: int
    seconds: float

    @classmethod
    def draw(cls, rng: np.random.Generator, song: MidiSong, seconds: float) -> Excerpt:
        stretch = float(rng.uniform(0.92, 1.08))
        start = float(rng.uniform(0, max(0.0, song.seconds * stretch - seconds)))
        return cls(start, stretch, int(rng.integers(-4, 5)), seconds)

    def cut(self, rng: np.random.Generator, line: Line) -> list[Note]:
        """A line's notes in it, humanised; what sounds already when it begins is struck again."""
        loose, shift = float(rng.choice([0.0, 0.003, 0.008])), 0 if line.drums else self.shift
        notes = []
        for note in line.notes:
            start = note.start * self.stretch - self.start
            length = note.length * self.stretch + (0.0 if line.drums else min(start, 0.0))
            over = start < 0 and (line.drums or length < SHORTEST_NOTE_S)
            if over or start >= self.seconds - SHORTEST_S:
                continue
            late = max(0.0, start + loose * float(rng.standard_normal()))
            loud = float(np.clip(note.velocity * (1 + 0.08 * rng.standard_normal()), 0.05, 1))
            notes.append(Note(late, max(length, SHORTEST_NOTE_S), note.pitch + shift, loud))
        return sorted(notes, key=lambda n: n.start)


def arrange(rng: np.random.Generator, song: MidiSong, seconds: float) -> Score:
    """An excerpt of `seconds` from anywhere in a file, up to 8 % faster or slower, up to 4 semitones off."""
    excerpt = Excerpt.draw(rng, song, seconds)
    written: dict[str, list[Note]] = {}
    for line in song.lines:
        for part, notes in _cast(line, excerpt.cut(rng, line)):
            if notes:
                written[_free(part, written)] = notes
    _sing(rng, written)
    tempo = song.tempo / excerpt.stretch
    key, scale = _key([n for name, notes in written.items() if name not in ("drums", "percussion") for n in notes])
    style = str(rng.choice(_genres(written)))
    genre = next(g for g in GENRES if g.name == style)
    whole = Section(0.0, seconds * tempo / 60, 1.0)
    score = Score(genre, tempo, key, scale, 0.0, 4, seconds, [whole], [], "", source=song.name, written=written)
    score.parts = {name: _stretches(score, notes) for name, notes in written.items()}
    return score


def _cast(line: Line, notes: list[Note]) -> list[tuple[str, list[Note]]]:
    """Who plays a line: a kit and hand percussion, or one part."""
    if line.drums:
        hits = [Note(n.start, n.length, n.pitch, n.velocity, HITS[int(n.pitch)]) for n in notes if n.pitch in HITS]
        return [("drums", hits), ("percussion", [n for n in notes if n.pitch not in HITS and n.pitch > 53])]
    part = [name for first, name in CAST if first <= line.program][-1]
    if part == "power_guitar" and _is_melody(notes):
        part = "lead_guitar"
    return [(part, notes)] if part else []


def _free(part: str, written: dict[str, list[Note]]) -> str:
    """The part's name, numbered where another of its kind plays already."""
    count = sum(kind_of(name) == part for name in written)
    return f"{part} {count + 1}" if count else part


def _is_melody(notes: Sequence[Note]) -> bool:
    """Whether hardly two notes sound at once."""
    together = sum(b.start < a.start + 0.7 * a.length for a, b in pairwise(notes))
    return together <= 0.1 * len(notes)


def _sing(rng: np.random.Generator, written: dict[str, list[Note]]) -> None:
    """Let one of the melodies be sung, in most songs."""
    melodies = [
        name for name, notes in written.items()
        if kind_of(name) not in (*BASSES, "drums", "percussion") and len(notes) >= 6 and _is_melody(notes)
        and VOICE[0] <= np.median([n.pitch for n in notes]) <= VOICE[1]
    ]  # fmt: skip
    if melodies and rng.random() < SUNG:
        written["vocals"] = written.pop(melodies[int(rng.integers(len(melodies)))])


def _key(notes: Sequence[Note]) -> tuple[int, tuple[int, ...]]:
    """The key whose scale holds most of what is played, its tonic counted twice."""
    heard = np.zeros(12)
    for note in notes:
        heard[round(note.pitch) % 12] += min(note.length, 2.0)
    keys = [(key, scale) for scale in (MAJOR, MINOR) for key in range(12)]
    return max(keys, key=lambda k: sum(heard[(k[0] + step) % 12] for step in k[1]) + heard[k[0]])


def _genres(written: dict[str, list[Note]]) -> list[str]:
    """What the song may be, by who plays: this decides the drum kit alone."""
    parts = {kind_of(name) for name in written}
    if parts & {"power_guitar", "lead_guitar"}:
        return ["rock", "metal"]
    if "drums" not in parts and "strings" in parts:
        return ["orchestral"]
    if "synth_bass" in parts or parts & {"synth_lead", "pad"}:
        return ["electronic", "pop", "hiphop"]
    return ["jazz", "folk", "funk"] if "upright_bass" in parts else ["pop", "funk", "ballad"]


def _stretches(score: Score, notes: Sequence[Note]) -> list[Section]:
    """The stretches of PHRASE_BEATS in which a part begins notes."""
    places = sorted({int(note.start / score.beat_seconds) // PHRASE_BEATS for note in notes})
    return [Section(float(place * PHRASE_BEATS), float(PHRASE_BEATS), 1.0) for place in places]
