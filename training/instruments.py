"""A bank of recorded sounds: one-shots, notes, reels and long stems, found in a folder, decoded lazily and cached.

The folder holds `samples/<library>/<class>/...` (one file a sound) and `reels/<library>__<class>.opus` with a JSON
beside it that lists `[name, start seconds, duration seconds]`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from training.bank import AUDIO_SUFFIXES
from training.pitch import detect_pitch, detect_tempo, pitch_in_name
from vqss_engine.errors import VQSSError
from vqss_engine.native_name import native_name

SAMPLE_RATE = 44100
NOT_NOTES = re.compile(r"noise|release|chords|_rel\b", re.IGNORECASE)
DYNAMICS = {"pp": 0.15, "p": 0.3, "mp": 0.45, "mf": 0.6, "f": 0.8, "ff": 1.0}
SPLITS = ("train", "test", "all")


@dataclass(frozen=True)
class Clip:
    """One recording: a whole file, or a stretch of a reel (start and duration in seconds)."""

    path: Path
    library: str
    kind: str
    name: str
    start: float = 0.0
    duration: float | None = None

    @cached_property
    def family(self) -> str:
        """The instrument the clip is a note of: its library, class, and its name without pitch, number and dynamics."""
        tag = re.sub(r"(?<![a-z])[a-g](#|b|s|sharp)?-?\d+", "", self.name.lower())
        tag = re.sub(r"(?<![a-z])(pp|p|mp|mf|m|f|ff)(?![a-z])|rr\d+|\d+", "", tag)
        # Round robins a...d of one string are the same instrument.
        tag = re.sub(r"_[pmf][a-d]$", "_", tag)
        return f"{self.library}/{self.kind}/{tag}"

    @cached_property
    def loudness(self) -> float:
        """0...1 by the dynamics in the name; 0.7 where there are none."""
        marks = re.findall(r"(?<![a-z])(pp|p|mp|mf|ff|f)(?![a-z])", re.sub(r"\d", " ", self.name.lower()))
        return DYNAMICS[marks[-1]] if marks else 0.7

    @property
    def held_out(self) -> bool:
        """True for the tenth of all recordings that test songs are made of."""
        name = f"{self.library}/{self.kind}/{self.name}".encode(errors="surrogateescape")
        return hashlib.sha256(name).digest()[0] % 10 == 0


def find_clips(root: Path) -> list[Clip]:
    """All recordings below `root`. Raises VQSSError where there are none."""
    clips = [*_loose_clips(root / "samples"), *_reel_clips(root / "reels")]
    if not clips:
        raise VQSSError(f"no samples in {root}; give a folder that holds samples/ or reels/")
    return clips


def _loose_clips(folder: Path) -> list[Clip]:
    paths = sorted(p for p in folder.glob("*/*/**/*") if p.suffix.lower() in AUDIO_SUFFIXES)
    clips = []
    for path in paths:
        library, kind, *between = path.relative_to(folder).parts
        clips.append(Clip(path, library, kind, "/".join([*between[:-1], path.stem])))
    return clips


def _reel_clips(folder: Path) -> list[Clip]:
    clips = []
    for listing in sorted(folder.glob("*__*.json")):
        audio = listing.with_suffix(".opus")
        if not audio.exists():
            continue
        content = json.loads(listing.read_text())
        library, kind = listing.stem.split("__", 1)
        for name, start, duration in content["items"] if isinstance(content, dict) else content:
            clips.append(Clip(audio, library, kind, name.rsplit(".", 1)[0], float(start), float(duration)))
    return clips


class SampleBank:
    """The clips of a folder with their audio and pitches. Not thread-safe; one per process.

    `split` keeps the tenth of all recordings that is held out ("test"), the rest ("train"), or "all"; of a pitched
    instrument that is a tenth of its notes. Raises VQSSError for a folder without samples.
    """

    def __init__(self, root: Path, split: str = "all", cache_mb: int = 900) -> None:
        if split not in SPLITS:
            raise VQSSError(f"unknown split {split}; use one of {', '.join(SPLITS)}")
        self.split = split
        self._all = find_clips(Path(root))
        self._clips = [c for c in self._all if split == "all" or c.held_out == (split == "test")]
        self._cache: OrderedDict[Clip, tuple[np.ndarray, float]] = OrderedDict()
        self._cache_bytes, self._cache_limit = 0, cache_mb * 1_000_000
        self._pitches: dict[Clip, float | None] = {}
        self._octaves: dict[str, float] = {}
        self._tempi: dict[Clip, float | None] = {}

    def clips(self, kind: str) -> list[Clip]:
        """Clips of the split whose class starts with `kind`."""
        return [c for c in self._clips if c.kind.startswith(kind)]

    def families(self, kind: str) -> dict[str, list[Clip]]:
        """Pitched instruments of a class (no noises): family -> clips, those with enough of them to play."""
        families: dict[str, list[Clip]] = {}
        for clip in self.clips(kind):
            if not NOT_NOTES.search(clip.name):
                families.setdefault(clip.family, []).append(clip)
        fewest = 2 if self.split == "test" else 3
        return {name: clips for name, clips in families.items() if len(clips) >= fewest}

    def audio(self, clip: Clip) -> np.ndarray:
        """(C, N) float32 at 44.1 kHz, peak at most 1, without leading silence. Raises VQSSError if it can't be read."""
        if clip in self._cache:
            self._cache.move_to_end(clip)
        else:
            self._store(clip, _decode(clip))
        stored, scale = self._cache[clip]
        return stored.astype(np.float32) * np.float32(scale)

    def _store(self, clip: Clip, audio: np.ndarray) -> None:
        # 16-bit in memory: hours of sound fit, and no recording here is finer.
        peak = max(float(np.abs(audio).max(initial=0.0)), 1e-6)
        stored = np.round(audio * (32767 / peak)).astype(np.int16)
        self._cache[clip] = (stored, min(peak, 1.0) / 32767)
        self._cache_bytes += stored.nbytes
        while self._cache_bytes > self._cache_limit and len(self._cache) > 1:
            _, (old, _) = self._cache.popitem(last=False)
            self._cache_bytes -= old.nbytes

    def pitch(self, clip: Clip) -> float | None:
        """MIDI pitch by the name (octave checked by ear once per family), else detected; None if it has none."""
        if clip not in self._pitches:
            named = pitch_in_name(clip.name)
            if named is None:
                self._pitches[clip] = detect_pitch(self.audio(clip), SAMPLE_RATE)
            else:
                self._pitches[clip] = named + self._octave(clip)
        return self._pitches[clip]

    def tempo(self, clip: Clip) -> float | None:
        """Beats per minute of a recording with a beat, None where none is found."""
        if clip not in self._tempi:
            self._tempi[clip] = detect_tempo(self.audio(clip), SAMPLE_RATE)
        return self._tempi[clip]

    def _octave(self, clip: Clip) -> float:
        """Libraries disagree on which C is middle C: the shift, in semitones, that fits the family's sound."""
        if clip.family not in self._octaves:
            family = [c for c in self._all if c.family == clip.family and pitch_in_name(c.name) is not None]
            shifts = []
            for member in family[:: max(1, len(family) // 6)]:
                heard, named = detect_pitch(self.audio(member), SAMPLE_RATE), pitch_in_name(member.name)
                if heard is not None and named is not None:
                    shifts.append(heard - named)
            self._octaves[clip.family] = 12.0 * round(float(np.median(shifts)) / 12) if shifts else 0.0
        return self._octaves[clip.family]


def _decode(clip: Clip) -> np.ndarray:
    """Read, resample and trim a clip: (C, N) float32, one or two channels."""
    import soundfile
    import soxr

    try:
        with soundfile.SoundFile(native_name(clip.path)) as file:
            rate = file.samplerate
            file.seek(int(clip.start * rate))
            frames = -1 if clip.duration is None else int(clip.duration * rate)
            audio = file.read(frames, dtype="float32", always_2d=True)[:, :2]
    except (OSError, RuntimeError) as error:
        raise VQSSError(f"cannot read {clip.path}; remove or replace it ({error})") from error
    if rate != SAMPLE_RATE:
        audio = soxr.resample(audio, rate, SAMPLE_RATE)
    audio = np.nan_to_num(audio.T)
    loud = np.flatnonzero(np.abs(audio).max(axis=0, initial=0.0) > 0.004 * np.abs(audio).max(initial=0.0))
    first = max(0, int(loud[0]) - 64) if loud.size else 0
    return np.ascontiguousarray(audio[:, first:], dtype=np.float32)
