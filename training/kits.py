"""Drum kits: which recordings or GM kit play which piece, and the hits of a groove as sound."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.instruments import SAMPLE_RATE, Clip, SampleBank
from training.score import Note
from training.synth import add_at, fade, general_midi, repitch

STEMS = {"kick": ("kick",), "snare": ("snare",), "hihat": ("closed", "open"), "toms": ("tom1", "tom2", "tom3"),
         "cymbals": ("ride", "crash")}
GM_KEYS = {"kick": 36, "snare": 38, "closed": 42, "open": 46, "ride": 51, "crash": 49, "tom1": 50, "tom2": 47,
           "tom3": 43}
GM_KITS = {"acoustic": (0, 8, 16), "electronic": (24, 25), "brush": (40, 32), "orchestral": (48,)}
LIBRARIES = {"acoustic": ("muldjordkit", "muldjordkit", "karoryfer-gogodze2-oh"),
             "electronic": ("uzu-drumkit", "sonic-pi", "drum-machines", "drum-machines"),
             "brush": ("samples-alex-bainter",), "orchestral": ()}
KINDS = ("kick", "snare", "hihat", "toms", "cymbals", "drums")  # classes of recordings that kits are made of
# What a recording's class and name (joined by "/") say about the piece it is of.
PIECES = {
    "kick": re.compile(r"^(kick|drums/kick)/"),
    "snare": re.compile(r"^(snare|drums/snare)/(?!.*(rest|clap|rim))|snare-brush"),
    "open": re.compile(r"^(hihat|drums/hihat)/.*(open|__ho_|__hl_|oh\d|oh__|_oh)"),
    "closed": re.compile(r"^(hihat|drums/hihat)/(?!.*(open|__ho_|__hl_|oh\d|oh__|_oh))"),
    "ride": re.compile(r"^(cymbals|drums/cymbals)/.*(ride|rd__)|ride-brush"),
    "crash": re.compile(r"^(cymbals|drums/cymbals)/(?!.*(ride|rd__|pedal|closed))"),
    "tom1": re.compile(r"^(toms|drums/toms)/.*(tom1|__th_|ht__|hi)"),
    "tom2": re.compile(r"^(toms|drums/toms)/.*(tom[23]|__tm_|mt__|mid|tom-m)"),
    "tom3": re.compile(r"^(toms|drums/toms)/.*(tom[34]|__tl_|lt__|lo|tom-l)"),
}


def pieces_of(clip: Clip) -> list[str]:
    """The pieces a drum recording can play."""
    label = f"{clip.kind}/{clip.name}".lower()
    return [piece for piece, pattern in PIECES.items() if pattern.search(label)]


def _libraries(bank: SampleBank, style: str) -> list[str]:
    """The libraries whose kits play a style; one that nothing is known of counts as a recorded drum kit."""
    there = {clip.library for kind in KINDS for clip in bank.clips(kind)}
    known = {library for libraries in LIBRARIES.values() for library in libraries}
    others = {clip.library for clip in bank.clips("kick")} - known if style == "acoustic" else set()
    return [library for library in LIBRARIES[style] if library in there] + sorted(others)


@dataclass
class Drum:
    """One piece's recordings, from soft to loud, all re-pitched alike."""

    hits: list[np.ndarray]


class Kit:
    """A kit for one song: recordings per piece where it has them, a GM kit for the rest."""

    def __init__(self, rng: np.random.Generator, bank: SampleBank | None, style: str) -> None:
        self._rng = rng
        self._program = int(rng.choice(GM_KITS[style]))
        libraries = _libraries(bank, style) if bank is not None else []
        self.library = str(rng.choice(libraries)) if libraries and rng.random() < 0.7 else ""
        self._drums: dict[str, Drum] = {}
        if bank is not None and self.library:
            self._load(bank, self.library)

    def _load(self, bank: SampleBank, library: str) -> None:
        clips = [c for kind in KINDS for c in bank.clips(kind)
                 if c.library == library and not c.name.startswith("loops/")]
        machine = self._machine(clips) if library == "drum-machines" else ""
        for piece in PIECES:
            found = [c for c in clips if piece in pieces_of(c)]
            own = [c for c in found if machine and machine in c.name] or found
            if own and self._rng.random() < 0.92:
                self._drums[piece] = self._drum(bank, own)

    def _machine(self, clips: Sequence[Clip]) -> str:
        """A drum machine's name: the start of its recordings' names."""
        names = sorted({c.name.split("/")[-1].split("_")[0] for c in clips})
        return str(self._rng.choice(names)) if names else ""

    def _drum(self, bank: SampleBank, clips: Sequence[Clip]) -> Drum:
        tune = float(self._rng.uniform(-2, 2))
        picks = [clips[int(i)] for i in self._rng.permutation(len(clips))[:8]]
        hits = [bank.audio(clip)[:, : 3 * SAMPLE_RATE] for clip in picks]
        hits = [h for h in hits if h.shape[1] > 200]
        hits.sort(key=lambda h: float(np.abs(h).max()))
        scaled = [h / max(float(np.abs(h).max()), 1e-4) for h in hits]
        return Drum([repitch(h, tune) for h in scaled])

    def render(self, hits: Sequence[Note], samples: int) -> np.ndarray:
        """(2, samples) float32 of hits of any pieces; a closed hat ends the open one before it."""
        recorded = [h for h in hits if h.piece in self._drums and self._drums[h.piece].hits]
        others = [replace(h, pitch=GM_KEYS.get(h.piece, h.pitch)) for h in hits if h not in recorded]
        out = general_midi().render(others, self._program, samples, drums=True) * 1.5 if others else np.zeros(
            (2, samples), np.float32)
        for hit in recorded:
            self._strike(out, hit, hits)
        return np.asarray(out)

    def _strike(self, out: np.ndarray, hit: Note, hits: Sequence[Note]) -> None:
        sounds = self._drums[hit.piece].hits
        rank = hit.velocity * (len(sounds) - 1) + self._rng.normal(0, 0.7)
        sound = sounds[int(np.clip(round(rank), 0, len(sounds) - 1))]
        start = int(hit.start * SAMPLE_RATE)
        if hit.piece == "open":
            stop = min((h.start for h in hits if h.start > hit.start and h.piece in STEMS["hihat"]), default=1e9)
            sound = sound[:, : int(min((stop - hit.start) * SAMPLE_RATE, 1e9)) + 800]
        add_at(out, fade(sound, 8, 600) * np.float32(hit.velocity**1.5), start)
