"""A composed song on paper: notes, chords, sections and the score that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.genres import Genre


@dataclass(frozen=True)
class Note:
    """A note: start and length in seconds, MIDI pitch, velocity 0...1; `piece` names a drum ("" = pitched)."""

    start: float
    length: float
    pitch: float
    velocity: float
    piece: str = ""


@dataclass(frozen=True)
class Chord:
    """Pitch classes from the root up, over `beats` beats from `start` (beats)."""

    start: float
    beats: float
    classes: tuple[int, ...]


@dataclass(frozen=True)
class Section:
    """A stretch of the form, in beats; intensity 0...1 says how many parts play."""

    start: float
    beats: float
    intensity: float


@dataclass
class Score:
    """A song before instruments are chosen. Times in beats unless said otherwise.

    `written` holds the notes of parts that are not to be composed, and `source` says where those are from.
    """

    genre: Genre
    tempo: float
    key: int
    scale: tuple[int, ...]
    swing: float
    meter: int
    seconds: float
    sections: list[Section]
    chords: list[Chord]
    groove: str
    parts: dict[str, list[Section]] = field(default_factory=dict)
    written: dict[str, list[Note]] = field(default_factory=dict)
    source: str = ""

    @property
    def beat_seconds(self) -> float:
        return 60.0 / self.tempo

    def time(self, beat: float) -> float:
        """Seconds of a beat; the second eighth of a beat comes late by the swing."""
        whole, part = divmod(beat, 1.0)
        if 0.4 < part < 0.6:
            part += self.swing / 6
        return (whole + part) * self.beat_seconds

    def chord_at(self, beat: float) -> Chord:
        return next((c for c in self.chords if c.start <= beat < c.start + c.beats), self.chords[-1])

    def classes(self) -> list[int]:
        """Pitch classes of the key."""
        return [(self.key + step) % 12 for step in self.scale]
