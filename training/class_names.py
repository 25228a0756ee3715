"""What instrument a stem is of, by its file's name. Read for scoring and naming only, never by the training."""

from __future__ import annotations

import re

# The first entry of which a word is in the name decides; a word of several parts stands for neighbouring words, and
# goes before single ones.
INSTRUMENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("kick", ("kick", "kik", "kck", "bd", "bassdrum", "bass drum", "kickdrum")),
    ("snare", ("snare", "snr", "sd", "sn", "rimshot", "sidestick")),
    ("hihat", ("hihat", "hi hat", "hat", "hats", "hh", "hihats")),
    ("toms", ("tom", "toms", "floortom")),
    ("overheads", ("overhead", "overheads", "oh", "room", "rooms")),
    ("cymbals", ("cymbal", "cymbals", "crash", "ride", "splash", "china")),
    (
        "percussion",
        (
            "percussion", "perc", "conga", "congas", "bongo", "bongos", "shaker", "tambourine", "tamb", "clap", "claps",
            "cowbell", "cajon", "triangle", "woodblock", "timpani",
        ),
    ),
    ("drums", ("drum", "drums", "drumkit", "kit", "beat", "beats", "breakbeat")),
    ("bass", ("bass", "basses", "bs", "sub", "subbass", "contrabass")),
    (
        "vocals",
        (
            "vocal", "vocals", "vox", "voc", "voice", "voices", "singer", "sing", "singing", "choir", "choirs", "bgv",
            "bv", "leadvox", "rap", "adlib",
        ),
    ),
    ("guitar", ("guitar", "guitars", "gtr", "gtrs", "gt", "acgtr", "elgtr", "banjo", "ukulele", "mandolin")),
    ("piano", ("piano", "pianos", "pno")),
    (
        "keys",
        (
            "keys", "key", "keyboard", "keyboards", "rhodes", "epiano", "wurlitzer", "wurli", "clav", "clavinet",
            "organ", "harpsichord", "celesta",
        ),
    ),
    ("mallets", ("mallets", "chromatic percussion", "vibraphone", "marimba", "xylophone", "glockenspiel", "bells")),
    ("strings", ("strings", "string", "violin", "violins", "viola", "violas", "cello", "cellos", "orchestra", "harp")),
    ("brass", ("brass", "trumpet", "trumpets", "trombone", "trombones", "horn", "horns", "tuba")),
    (
        "winds",
        (
            "wind", "winds", "woodwind", "woodwinds", "reed", "pipe", "flute", "flutes", "sax", "saxophone", "clarinet",
            "oboe", "bassoon", "piccolo", "harmonica", "accordion",
        ),
    ),
    ("synth", ("synth", "synths", "synthesizer", "pad", "pads", "lead", "leads", "arp", "pluck")),
    ("other", ("other", "others", "misc", "fx", "sfx", "rest", "accompaniment")),
)  # fmt: skip
ELECTRIC_PIANO = re.compile(r"\b(e ?piano|electric piano)\b")
UNKNOWN = "other"
_KNOWN = frozenset(instrument for instrument, _ in INSTRUMENTS) - {UNKNOWN}
_BY_TOKEN = sorted(
    ((token, instrument) for instrument, tokens in INSTRUMENTS for token in tokens),
    key=lambda found: " " not in found[0],
)
PARTS_OF_DRUMS = frozenset({"kick", "snare", "hihat", "toms", "overheads", "cymbals", "percussion", "drums"})


def instrument_of(name: str) -> str:
    """The instrument a stem's name tells, in one word of INSTRUMENTS; an unknown name is returned in lower case,
    and `other` where it has no letter.

    Numbers, camelCase and separators only part the words: `03_KickIn.wav`'s stem gives `kick`, `AcGtr 2` `guitar`.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.sub(r"[\W\d_]+", " ", spaced.lower()).strip()
    if ELECTRIC_PIANO.search(words):
        return "keys"
    padded = f" {words} "
    for token, instrument in _BY_TOKEN:
        if f" {token} " in padded:
            return instrument
    return words or (name.lower() if any(map(str.isalpha, name)) else UNKNOWN)


def is_known(instrument: str) -> bool:
    """Whether `instrument_of` has found one, and not only a word."""
    return instrument in _KNOWN


def family_of(instrument: str) -> str:
    """`drums` for a part of a kit, else the instrument itself."""
    return "drums" if instrument in PARTS_OF_DRUMS else instrument
