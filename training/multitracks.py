"""Multitracks for scoring: `DIR/<song>/<class>.<ext>`, the only place where a file name is a label.

A leading number (`03_bass.flac`) is no part of the class.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.bank import AUDIO_SUFFIXES
from vqss_engine.errors import VQSSError

Floats = NDArray[np.float32]

SILENT_RMS = 1e-3  # -60 dBFS


def class_of(path: Path) -> str:
    """The class a stem file is named after."""
    return re.sub(r"^\d+[_-]", "", path.stem).lower()


def read_song(folder: Path, sample_rate: int) -> list[tuple[str, Floats]]:
    """All stems that sound, as (class, audio (2, N)), padded to the longest."""
    import soundfile
    import soxr

    stems: list[tuple[str, Floats]] = []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in AUDIO_SUFFIXES):
        try:
            audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            raise VQSSError(f"{path} cannot be decoded ({error}); remove or replace it") from error
        if rate != sample_rate:
            audio = soxr.resample(audio, rate, sample_rate)
        if np.sqrt(np.mean(np.square(audio))) > SILENT_RMS:
            stereo = audio[:, :2] if audio.shape[1] > 1 else np.repeat(audio, 2, axis=1)
            stems.append((class_of(path), np.ascontiguousarray(stereo.T)))
    longest = max((audio.shape[1] for _, audio in stems), default=0)
    return [(name, np.pad(audio, ((0, 0), (0, longest - audio.shape[1])))) for name, audio in stems]


def multitrack_folders(root: Path) -> list[Path]:
    """Folders below `root` that hold stems; raises VQSSError where there is none."""
    if not root.is_dir():
        raise VQSSError(f"there is no folder {root}; name a folder of songs, each a folder of stems")
    found = [f for f in sorted(root.iterdir()) if f.is_dir() and any(p.suffix in AUDIO_SUFFIXES for p in f.iterdir())]
    if not found:
        raise VQSSError(f"{root} holds no song folders with audio; expected DIR/<song>/<class>.wav")
    return found


def standard_classes(folders: list[Path]) -> set[str] | None:
    """Where some song has a class `other`, the classes beside it: elsewhere the rest counts as `other`."""
    named = [{class_of(p) for p in f.iterdir() if p.suffix.lower() in AUDIO_SUFFIXES} for f in folders]
    with_other = [names for names in named if "other" in names]
    return set().union(*with_other) if with_other else None
