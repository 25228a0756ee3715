"""What the composer knows about styles: tempi, chords, grooves, and which parts a band of each genre has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Genre:
    """One style. `parts` maps a part of `PARTS` to the chance that a song has it."""

    name: str
    tempo: tuple[float, float]
    minor: float
    swing: float
    sevenths: float
    progressions: tuple[tuple[int, ...], ...]
    grooves: tuple[str, ...]
    kits: tuple[str, ...]
    bass: tuple[str, ...]
    parts: dict[str, float]


@dataclass(frozen=True)
class Part:
    """One kind of player: the stem's class, playing patterns, GM programs, sample kinds and register (MIDI)."""

    stem: str
    patterns: tuple[str, ...]
    programs: tuple[int, ...]
    samples: tuple[str, ...]
    register: tuple[int, int]


PARTS: dict[str, Part] = {
    "bass": Part("bass", ("bass",), (33, 33, 34, 35, 36, 37), ("bass/electric",), (28, 48)),
    "upright_bass": Part("bass", ("bass",), (32,), ("bass/upright",), (28, 50)),
    "synth_bass": Part("bass", ("bass",), (38, 39, 87), ("bass/synth",), (26, 46)),
    "clean_guitar": Part("guitar", ("arpeggio", "stabs", "riff", "strum"), (26, 27, 28), ("guitar",), (45, 72)),
    "lead_guitar": Part("distorted_guitar", ("lead", "riff"), (29, 30), ("guitar",), (52, 84)),
    "power_guitar": Part("distorted_guitar", ("power",), (29, 30), ("guitar",), (40, 60)),
    "acoustic_guitar": Part("acoustic_guitar", ("strum", "arpeggio"), (24, 25), ("acoustic_guitar",), (43, 72)),
    "piano": Part("piano", ("stabs", "arpeggio", "sustain", "strum"), (0, 1, 2, 3), ("keys/piano",), (48, 79)),
    "epiano": Part("keys", ("stabs", "sustain", "arpeggio"), (4, 5, 7), ("keys/electric",), (48, 76)),
    "organ": Part("organ", ("sustain", "stabs"), (16, 17, 18, 19), (), (48, 76)),
    "mallets": Part("keys", ("riff", "arpeggio"), (11, 12, 13, 8, 9), (), (60, 91)),
    "strings": Part("strings", ("sustain", "lead", "sustain"), (48, 49, 40, 41, 42, 44), ("strings",), (48, 84)),
    "brass": Part("brass", ("stabs", "lead", "sustain"), (61, 56, 57, 60, 62), ("brass",), (48, 77)),
    "winds": Part("winds", ("lead",), (64, 65, 66, 68, 71, 73), ("winds",), (55, 86)),
    "synth_lead": Part("synth", ("lead", "riff", "arpeggio"), (80, 81, 82, 84, 87), ("synth",), (55, 88)),
    "pad": Part("pad", ("sustain",), (50, 51, 88, 89, 90, 92, 94, 95), ("synth",), (48, 79)),
    "choir": Part("choir", ("sustain",), (52, 53, 54), ("vocals/vowels",), (48, 79)),
    "vocals": Part("vocals", ("lead",), (), (), (52, 76)),
    "backing": Part("vocals", ("sustain",), (), (), (52, 79)),
    "percussion": Part("percussion", ("percussion",), (), (), (0, 0)),
    "drums": Part("drums", ("drums",), (), (), (0, 0)),
}

POP = ((0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4), (0, 3, 4, 4), (0, 3, 5, 4), (3, 0, 4, 5))
DARK = ((0, 5, 2, 6), (0, 6, 5, 6), (0, 3, 5, 4), (0, 5, 3, 6), (0, 0, 5, 6))
JAZZ = ((1, 4, 0, 5), (0, 5, 1, 4), (2, 5, 1, 4), (3, 6, 2, 5))
VAMP = ((0, 0, 3, 3), (0, 3, 0, 3), (0, 0, 0, 3), (0, 6, 0, 6))

GENRES: tuple[Genre, ...] = (
    Genre("rock", (95, 160), 0.4, 0.05, 0.1, POP + DARK, ("rock", "rock2", "half"), ("acoustic",),
          ("eighths", "root", "syncopated"),
          {"drums": 1, "bass": 0.95, "power_guitar": 0.8, "lead_guitar": 0.4, "clean_guitar": 0.35, "vocals": 0.85,
           "backing": 0.35, "organ": 0.3, "piano": 0.2, "acoustic_guitar": 0.2, "synth_lead": 0.1, "pad": 0.1,
           "strings": 0.1, "percussion": 0.1}),
    Genre("pop", (85, 130), 0.35, 0.1, 0.2, POP, ("pop", "rock", "house", "half"), ("acoustic", "electronic"),
          ("root", "syncopated", "eighths"),
          {"drums": 0.95, "bass": 0.6, "synth_bass": 0.4, "clean_guitar": 0.4, "acoustic_guitar": 0.35, "piano": 0.45,
           "pad": 0.4, "strings": 0.25, "synth_lead": 0.4, "organ": 0.15, "power_guitar": 0.2, "vocals": 0.95,
           "backing": 0.4, "percussion": 0.3}),
    Genre("funk", (92, 118), 0.6, 0.3, 0.6, VAMP + JAZZ, ("funk", "funk2"), ("acoustic",), ("funk", "octaves"),
          {"drums": 1, "bass": 1, "clean_guitar": 0.8, "epiano": 0.6, "brass": 0.5, "organ": 0.3, "vocals": 0.55,
           "percussion": 0.5, "winds": 0.2}),
    Genre("electronic", (110, 150), 0.7, 0.1, 0.25, DARK + VAMP, ("house", "dnb", "trap"), ("electronic",),
          ("eighths", "offbeat", "octaves", "sustain"),
          {"drums": 1, "synth_bass": 0.95, "synth_lead": 0.8, "pad": 0.7, "piano": 0.2, "vocals": 0.5, "choir": 0.15,
           "strings": 0.15, "percussion": 0.4, "mallets": 0.2}),
    Genre("jazz", (90, 190), 0.5, 0.9, 1.0, JAZZ, ("swing", "bossa"), ("acoustic", "brush"), ("walking",),
          {"drums": 0.9, "upright_bass": 0.95, "piano": 0.7, "clean_guitar": 0.35, "winds": 0.55, "brass": 0.4,
           "epiano": 0.2, "vocals": 0.3}),
    Genre("ballad", (58, 88), 0.4, 0.1, 0.4, POP, ("half", "pop", "waltz"), ("acoustic",), ("root", "sustain"),
          {"drums": 0.7, "bass": 0.8, "piano": 0.7, "strings": 0.6, "acoustic_guitar": 0.4, "clean_guitar": 0.25,
           "epiano": 0.25, "pad": 0.3, "vocals": 0.95, "backing": 0.4, "choir": 0.2, "lead_guitar": 0.2}),
    Genre("hiphop", (72, 104), 0.75, 0.4, 0.4, VAMP + DARK, ("boombap", "trap"), ("electronic", "acoustic"),
          ("sustain", "syncopated"),
          {"drums": 1, "synth_bass": 0.7, "bass": 0.3, "epiano": 0.4, "strings": 0.25, "piano": 0.3, "vocals": 0.9,
           "synth_lead": 0.25, "mallets": 0.2, "choir": 0.15, "percussion": 0.3}),
    Genre("metal", (110, 190), 0.95, 0.0, 0.0, DARK, ("metal", "rock2", "half"), ("acoustic",), ("eighths", "root"),
          {"drums": 1, "bass": 0.95, "power_guitar": 1, "lead_guitar": 0.5, "vocals": 0.8, "choir": 0.1,
           "strings": 0.1, "pad": 0.15, "synth_lead": 0.15, "backing": 0.2}),
    Genre("folk", (75, 130), 0.35, 0.2, 0.1, POP, ("waltz", "pop", "train"), ("acoustic", "brush"),
          ("root", "fifths"),
          {"drums": 0.45, "upright_bass": 0.5, "bass": 0.3, "acoustic_guitar": 0.95, "winds": 0.3, "strings": 0.35,
           "piano": 0.25, "vocals": 0.85, "backing": 0.3, "percussion": 0.4, "mallets": 0.1}),
    Genre("orchestral", (65, 130), 0.6, 0.0, 0.2, POP + DARK, ("half", "waltz"), ("orchestral",), ("sustain", "root"),
          {"drums": 0.3, "upright_bass": 0.5, "strings": 1, "brass": 0.7, "winds": 0.7, "choir": 0.4, "piano": 0.3,
           "mallets": 0.25, "percussion": 0.4, "vocals": 0.2}),
    Genre("reggae", (70, 96), 0.5, 0.2, 0.2, VAMP + POP, ("onedrop", "boombap"), ("acoustic",),
          ("syncopated", "funk"),
          {"drums": 1, "bass": 1, "clean_guitar": 0.8, "organ": 0.7, "piano": 0.2, "brass": 0.35, "vocals": 0.7,
           "percussion": 0.5}),
)

# One bar of sixteenths: X accent, x hit, g ghost, o open (hats).
GROOVES: dict[str, dict[str, str]] = {
    "rock": {"kick": "X.....x.X.......", "snare": "....X.......X...", "hihat": "x.x.x.x.x.x.x.x."},
    "rock2": {"kick": "X..x..x.x.X.....", "snare": "....X.......X..g", "hihat": "X.x.X.x.X.x.X.o."},
    "half": {"kick": "X.........x.....", "snare": "........X.......", "hihat": "x.x.x.x.x.x.x.x."},
    "pop": {"kick": "X.......x.x.....", "snare": "....X.......X...", "hihat": "x.x.x.x.x.x.x.x."},
    "house": {"kick": "X...X...X...X...", "snare": "....x.......x...", "hihat": "..o...o...o...o."},
    "dnb": {"kick": "X.........x.....", "snare": "....X..g.g..X..g", "hihat": "x.x.x.x.x.x.x.x."},
    "trap": {"kick": "X......x..x.....", "snare": "........X.......", "hihat": "x.x.xxx.x.x.xxxx"},
    "funk": {"kick": "X..x..x...x..x..", "snare": "....X..g.g..X..g", "hihat": "xgxgxgxgxgxgxgog"},
    "funk2": {"kick": "X.x.......x..x..", "snare": "....X..g.g.gX...", "hihat": "x.x.x.xox.x.x.x."},
    "swing": {"kick": "x.......x.......", "snare": "..........g.....", "hihat": "....x.......x...",
              "ride": "x...x.x.x...x.x."},
    "bossa": {"kick": "x..xx..xx..xx..x", "snare": "x..x..x...x..x..", "hihat": "x.x.x.x.x.x.x.x."},
    "boombap": {"kick": "X..x...x..X.....", "snare": "....X.......X...", "hihat": "x.x.x.x.x.x.x.o."},
    "metal": {"kick": "xxxxxxxxxxxxxxxx", "snare": "....X.......X...", "hihat": "X...X...X...X..."},
    "train": {"kick": "x...x...x...x...", "snare": "gxggXggxgxggXgxg", "hihat": "..x...x...x...x."},
    "onedrop": {"kick": "........X.......", "snare": "........X.....g.", "hihat": "x.x.x.x.x.x.x.o."},
    "waltz": {"kick": "X.......x...", "snare": "....x...x...", "hihat": "x.x.x.x.x.x."},
}
