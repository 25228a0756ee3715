"""A band plays a score: chooses sounds for every part, plays its notes, and mixes it into stems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.augment import apply_effects, effects, level, place
from training.composer import notes_of
from training.genres import PARTS, Part
from training.instruments import SAMPLE_RATE, Clip, SampleBank
from training.kits import STEMS, Kit
from training.score import Note, Score, Section
from training.synth import Sampler, general_midi
from training.voices import lay_loop, lay_phrases, vocal_stem

# Sample kinds of `Part.samples` that name some of a class's instruments only: what their families contain.
FAMILIES = {"bass/electric": ("fashionbass", "bass_string", "fuzz_bass", "bass-electric"),
            "bass/upright": ("double-bass", "doublebass", "contrabass"), "bass/synth": ("syn_bass", "reso", "fm_"),
            "keys/piano": ("-piano/", "keys/cp"), "keys/electric": ("planet", "wurlitzer")}
LOOP_STEMS = (("KICK_HATS", "drums"), ("K_and_SN", "drums"), ("KICK", "kick"), ("SNARE", "snare"), ("CLAP", "snare"),
              ("HAT", "hihat"), ("HH", "hihat"), ("TOM", "toms"), ("CRASH", "cymbals"), ("tabla", "percussion"),
              ("perc", "percussion"), ("PRC", "percussion"), ("TOPS", "percussion"))
NOT_DRUMS = ("drone", "arovane")
WHOLE_KITS = 0.15


@dataclass(frozen=True)
class Stem:
    """One track: its class, where its sound is from, and (2, N) float32."""

    name: str
    source: str
    audio: np.ndarray


def play(rng: np.random.Generator, score: Score, bank: SampleBank | None, whole_kits: float = WHOLE_KITS) -> list[Stem]:
    """All stems of a score, with effects, place and level, before the mix bus; some may be silent.

    `whole_kits` is the probability, 0...1, that a played drum kit is one stem instead of one for each piece.
    """
    stems: list[Stem] = []
    for name in score.parts:
        raw = _drums(rng, score, bank, whole_kits) if name == "drums" else [_part(rng, score, bank, name)]
        for stem in raw:
            stems.append(_produce(rng, stem, amplified=kind_of(name) in ("power_guitar", "lead_guitar")))
    # Vocals and bass first: when there are too many stems, the ornaments go.
    first = {"vocals": 0, "bass": 1, "kick": 2, "snare": 2, "hihat": 2, "drums": 2, "cymbals": 3, "toms": 4}
    return sorted(stems, key=lambda s: first.get(s.name, 3))


def kind_of(name: str) -> str:
    """Which of PARTS one is; a second of a kind is called `power_guitar 2`."""
    return name.partition(" ")[0]


def _produce(rng: np.random.Generator, stem: Stem, *, amplified: bool) -> Stem:
    amplify = amplified and (stem.source != "gm" or rng.random() < 0.35)
    audio = apply_effects(stem.audio, effects(rng, stem.name, amplify=amplify))
    return Stem(stem.name, stem.source, level(rng, place(rng, audio, stem.name), stem.name))


def _samples(score: Score) -> int:
    return int(score.seconds * SAMPLE_RATE)


def _part(rng: np.random.Generator, score: Score, bank: SampleBank | None, name: str) -> Stem:
    kind = kind_of(name)
    part, sections, samples = PARTS[kind], score.parts[name], _samples(score)
    notes = notes_of(rng, score, name)
    if part.stem == "vocals":
        audio, source = vocal_stem(rng, bank, score, notes, sections, samples, backing=kind == "backing")
    elif kind == "percussion":
        audio, source = _percussion(rng, score, bank, notes)
    else:
        audio, source = _pitched(rng, score, bank, part, notes, sections)
        if kind == "power_guitar" and rng.random() < 0.65:
            # Rhythm guitars are played twice, one take a side.
            other, _ = _pitched(rng, score, bank, part, [_late(rng, n) for n in notes], sections)
            audio = np.stack([audio.mean(axis=0), other.mean(axis=0)])
    return Stem(part.stem, source, audio)


def _late(rng: np.random.Generator, note: Note) -> Note:
    start = max(0.0, note.start + 0.008 * float(rng.standard_normal()))
    return Note(start, note.length, note.pitch, note.velocity, note.piece)


def _pitched(rng: np.random.Generator, score: Score, bank: SampleBank | None, part: Part, notes: Sequence[Note],
             sections: Sequence[Section]) -> tuple[np.ndarray, str]:
    """A pitched part: passages of a recorded stem, recorded notes, or General MIDI."""
    samples = _samples(score)
    if bank is not None:
        recorded = [c for c in bank.clips(part.stem) if c.library == "everything-is-remixed"]
        if part.stem in ("bass", "synth") and recorded and not score.written and rng.random() < 0.2:
            return lay_phrases(rng, bank, recorded, score, sections, samples), "phrases"
        if part.samples and rng.random() < 0.6:
            sampler = _sampler(rng, bank, part)
            if sampler is not None:
                return sampler.render(notes, samples), "samples"
    return general_midi().render(notes, int(rng.choice(part.programs)), samples), "gm"


def _sampler(rng: np.random.Generator, bank: SampleBank, part: Part) -> Sampler | None:
    kind = part.samples[int(rng.integers(len(part.samples)))]
    families = bank.families(kind.replace("/", "_") if kind.startswith("vocals") else kind.split("/")[0])
    wanted = FAMILIES.get(kind)
    names = [n for n in families if wanted is None or any(w in n for w in wanted)] or list(families)
    if not names:
        return None
    sampler = Sampler(bank, families[names[int(rng.integers(len(names)))]], rng)
    return sampler if sampler.playable else None


def _percussion(rng: np.random.Generator, score: Score, bank: SampleBank | None,
                notes: Sequence[Note]) -> tuple[np.ndarray, str]:
    if bank is not None and rng.random() < 0.3:
        loops = [c for c, stem in _loops(bank) if stem == "percussion"]
        if loops:
            clip = loops[int(rng.integers(len(loops)))]
            return lay_loop(rng, bank, clip, score, score.parts["percussion"], _samples(score)), "loop"
    return general_midi().render(notes, 0, _samples(score), drums=True), "gm"


def _loops(bank: SampleBank) -> list[tuple[Clip, str]]:
    """Drum recordings of some bars with the stem each is: a piece, percussion, or a whole kit."""
    loops = []
    for clip in bank.clips("drums"):
        if clip.name.startswith("loops/") and not any(w in clip.name for w in NOT_DRUMS):
            stem = next((stem for word, stem in LOOP_STEMS if word in clip.name), "drums")
            loops.append((clip, stem))
    return loops


def _drums(rng: np.random.Generator, score: Score, bank: SampleBank | None, whole_kits: float) -> list[Stem]:
    """The kit as pieces, or now and then as one stem or a recorded loop.

    In a mix a kit sounds alike whether it is one stem or five, so that the share of whole kits is a share of hits whose
    code cannot be told: enough for a query of a kit to find its code, and no more. Discovery needs more of them than
    the partition does.
    """
    samples, sections = _samples(score), score.parts["drums"]
    style = str(rng.choice(score.genre.kits))
    if bank is not None and rng.random() < (0.2 if style == "electronic" else 0.12):
        loops = [clip for clip, stem in _loops(bank) if stem == "drums"]
        if loops:
            clip = loops[int(rng.integers(len(loops)))]
            return [Stem("drums", "loop", lay_loop(rng, bank, clip, score, sections, samples))]
    kit, hits = Kit(rng, bank, style), notes_of(rng, score, "drums")
    source = "samples" if kit.library else "gm"
    audio = {stem: kit.render([h for h in hits if h.piece in pieces], samples) for stem, pieces in STEMS.items()}
    if rng.random() < whole_kits:
        gains = {stem: np.float32(10 ** (float(rng.normal(d, 2.5)) / 20)) for stem, d in _KIT_DB.items()}
        return [Stem("drums", source, np.sum([audio[s] * gains[s] for s in audio], axis=0))]
    stems = [Stem(name, source, sound) for name, sound in audio.items()]
    if bank is not None and rng.random() < 0.25:
        stems = [_real_piece(rng, score, bank, stem) for stem in stems]
    return stems


# Balance of a kit's pieces, whose hits all peak alike, as one stem.
_KIT_DB = {"kick": 0.0, "snare": -1.0, "hihat": -12.0, "toms": -3.0, "cymbals": -9.0}


def _real_piece(rng: np.random.Generator, score: Score, bank: SampleBank, stem: Stem) -> Stem:
    """Sometimes a recorded line of the same piece in place of the played one."""
    loops = [clip for clip, name in _loops(bank) if name == stem.name]
    if not loops or rng.random() < 0.4:
        return stem
    clip = loops[int(rng.integers(len(loops)))]
    return Stem(stem.name, "loop", lay_loop(rng, bank, clip, score, score.parts["drums"], _samples(score)))
