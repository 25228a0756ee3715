"""Multitracks for scoring, the only place where the name of a file is a label.

`DIR/<song>/<class>.<ext>`, where a leading number (`03_bass.flac`) is no part of the class; MUSDB18-HQ is of this
form. In MoisesDB the class is the stem's folder, in Slakh the `inst_class` of metadata.yaml.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.bank import SILENT_RMS, read_audio, song_folders
from vqss_engine.errors import VQSSError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Multitrack:
    """One song: its folder, and its stems' files with the name of each."""

    folder: Path
    stems: tuple[tuple[str, Path], ...]

    @property
    def classes(self) -> set[str]:
        return {class_of(name) for name, _ in self.stems}


def class_of(name: str) -> str:
    """The class that a stem's name tells."""
    return name.lower()


def name_of(path: Path, song: Path) -> str:
    """What a stem of a song's folder is called, as its layout tells it."""
    if path.parent not in (song, song / "stems"):
        return path.parent.name
    if path.parent != song and path.stem in (classes := _slakh_classes(song)):
        return classes[path.stem]
    return re.sub(r"^\d+[_-]", "", path.stem)


@cache
def _slakh_classes(song: Path) -> dict[str, str]:
    """Stem to instrument class, by the lines of metadata.yaml that say so; empty where there is no such file."""
    try:
        lines = (song / "metadata.yaml").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    classes, stem = {}, ""
    for line in lines:
        if found := re.fullmatch(r"\s+(S\d+):\s*", line):
            stem = found[1]
        elif stem and (found := re.fullmatch(r"\s+inst_class:\s*(.+?)\s*", line)):
            classes[stem] = found[1].strip("'\"")
    return classes


def find_multitracks(root: Path, leave_out: tuple[str, ...] = ()) -> list[Multitrack]:
    """All songs below `root`, without the stems that match `leave_out` as in `bank.song_folders`; raises VQSSError
    where there is none."""
    songs = song_folders((str(root),), leave_out)
    if not songs:
        raise VQSSError(f"{root} holds no song folders with audio; expected DIR/<song>/<class>.wav")
    return [Multitrack(folder, tuple((name_of(p, folder), p) for p in files)) for folder, files in songs]


def read_song(song: Multitrack, sample_rate: int) -> list[tuple[str, Floats]]:
    """All stems that sound, as (name, audio (2, N)), padded to the longest.

    Raises VQSSError for a damaged one, and one of more than two channels.
    """
    import soxr

    stems: list[tuple[str, Floats]] = []
    for name, path in song.stems:
        audio, rate = read_audio(path)
        if audio.shape[1] > 2:
            raise VQSSError(f"{path} has {audio.shape[1]} channels; a stem has one or two")
        if rate != sample_rate:
            audio = soxr.resample(audio, rate, sample_rate)
        if len(audio) and np.sqrt(np.mean(np.square(audio))) > SILENT_RMS:
            stereo = audio if audio.shape[1] == 2 else np.repeat(audio, 2, axis=1)
            stems.append((name, np.ascontiguousarray(stereo.T)))
    longest = max((audio.shape[1] for _, audio in stems), default=0)
    return [(name, np.pad(audio, ((0, 0), (0, longest - audio.shape[1])))) for name, audio in stems]


def scored_classes(songs: list[Multitrack]) -> set[str]:
    """The classes that songs are scored by: the standard ones where there are such, else all."""
    return standard_classes(songs) or set().union(*(song.classes for song in songs))


def standard_classes(songs: list[Multitrack]) -> set[str] | None:
    """Where some song has a class `other`, the classes beside it: elsewhere the rest counts as `other`."""
    with_other = [song.classes for song in songs if "other" in song.classes]
    return set().union(*with_other) if with_other else None
