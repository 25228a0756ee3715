"""Drummers and percussionists: bars of hits from the genre's grooves, with ghosts, fills and crashes."""

from __future__ import annotations

import numpy as np

from training.genres import GROOVES
from training.score import Score, Section

Event = tuple[float, float, float, float, str]
PERCUSSION_KEYS = ((70,), (54,), (56,), (62, 63, 64), (60, 61), (75,), (69,), (39,), (82,))
PERCUSSION_BARS = ("xgXg" * 4, "x.x." * 4, "..x." * 4, "x..x..x.x..x..x.", "....X.......X...", "x...x..x..x.x...")
LEVELS = {"X": 1.0, "x": 0.75, "g": 0.3, "o": 0.8}


def drum_kit(rng: np.random.Generator, score: Score, sections: list[Section], _: tuple[int, int]) -> list[Event]:
    """The kit's hits: pieces kick, snare, closed, open, ride, crash, tom1...tom3."""
    groove = _vary(rng, GROOVES[score.groove])
    ride_when_loud, events = rng.random() < 0.4, []
    for section in sections:
        if rng.random() < 0.7:
            events += [(section.start, 2.0, 0.0, 1.0, "crash")]
        for beat in np.arange(section.start, section.start + section.beats, score.meter):
            on_ride = ride_when_loud and section.intensity > 0.8
            events += _bar(rng, float(beat), groove, score.meter, on_ride)
        if rng.random() < 0.6:
            events = _fill(rng, events, section.start + section.beats)
    return events


def _vary(rng: np.random.Generator, groove: dict[str, str]) -> dict[str, str]:
    """The song's own version of a groove: other hats, a few more ghosts and kicks."""
    varied = dict(groove)
    size = len(groove["kick"])
    if rng.random() < 0.35 and "ride" not in groove:
        varied["hihat"] = str(rng.choice(["x...", "x.x.", "xgxg", "..x.", "x.o.", "X.x."])) * (size // 4)
    for piece, chance, mark in (("kick", 0.06, "x"), ("snare", 0.05, "g")):
        marks = [mark if c == "." and rng.random() < chance else c for c in groove[piece]]
        varied[piece] = "".join(marks)
    return varied


def _bar(rng: np.random.Generator, beat: float, groove: dict[str, str], meter: int, on_ride: bool) -> list[Event]:
    events: list[Event] = []
    for piece, marks in groove.items():
        for step, mark in enumerate(marks[: meter * 4]):
            if mark == "." or rng.random() < 0.03:
                continue
            name = piece
            if piece == "hihat":
                name = "ride" if on_ride else "open" if mark == "o" else "closed"
            events.append((beat + step / 4, 0.25, 0.0, LEVELS[mark], name))
    return events


def _fill(rng: np.random.Generator, events: list[Event], end: float) -> list[Event]:
    """Replace the last one or two beats before `end` by a run over snare and toms."""
    start = end - float(rng.choice([1.0, 1.0, 2.0]))
    kept = [e for e in events if not (start <= e[0] < end)]
    step = float(rng.choice([0.25, 0.25, 0.5, 1 / 3]))
    order = ["snare", "tom1", "tom2", "tom3"]
    places = np.arange(start, end - 0.01, step)
    for i, place in enumerate(places):
        if rng.random() < 0.85:
            piece = order[min(3, int(4 * i / len(places)) + int(rng.random() < 0.2))]
            kept.append((float(place), 0.25, 0.0, 0.6 + 0.4 * i / len(places), piece))
    return kept


def percussion(rng: np.random.Generator, score: Score, sections: list[Section], _: tuple[int, int]) -> list[Event]:
    """Shakers, tambourines, congas and the like; `pitch` holds the GM percussion key."""
    pick = PERCUSSION_KEYS[int(rng.integers(len(PERCUSSION_KEYS)))]
    marks = str(rng.choice(PERCUSSION_BARS))
    events: list[Event] = []
    for section in sections:
        for beat in np.arange(section.start, section.start + section.beats, score.meter):
            for step, mark in enumerate(marks[: score.meter * 4]):
                if mark != ".":
                    key = float(pick[int(rng.integers(len(pick)))])
                    events.append((float(beat) + step / 4, 0.25, key, LEVELS[mark], "percussion"))
    return events
