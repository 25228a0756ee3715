"""All stems of all songs, decoded once to mono 16-bit at the model's rate and mapped into memory.

File names are used to find the audio and then forgotten: a stem is two numbers here, so no label can reach
the training.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqss_engine.errors import VQSSError

log = logging.getLogger(__name__)

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff"}
ACTIVITY_BLOCK = 4410  # samples a value of the activity profile stands for
SILENT_RMS = 1e-3  # -60 dBFS


@dataclass(frozen=True)
class Bank:
    """Stems end to end: `samples` int16 (N,), stem i is samples[starts[i] : starts[i] + lengths[i]].

    `songs` (S,) says which song a stem belongs to, `rms` (S,) its level (of 1.0 full scale) where it
    plays, `activity` the same per block of ACTIVITY_BLOCK samples, from activity_starts[i] on.
    """

    samples: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    songs: np.ndarray
    rms: np.ndarray
    activity: np.ndarray
    activity_starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def stem(self, index: int) -> np.ndarray:
        """The int16 samples (N,) of one stem."""
        return self.samples[self.starts[index] : self.starts[index] + self.lengths[index]]

    def stem_activity(self, index: int) -> np.ndarray:
        """RMS (n,) of each block of ACTIVITY_BLOCK samples of one stem."""
        first = self.activity_starts[index]
        return self.activity[first : first + -(-int(self.lengths[index]) // ACTIVITY_BLOCK)]


def song_folders(roots: tuple[str, ...]) -> list[tuple[Path, list[Path]]]:
    """Every folder below `roots` that holds at least one audio file, with its audio files, sorted.

    MUSDB18-HQ and plain stem folders are song/*.wav; MoisesDB has song/<kind>/*.wav, Slakh song/stems/*.flac:
    there a song is the folder above. A file called mixture or mix is the sum of the others and left out.
    """
    grouped: dict[Path, list[Path]] = {}
    for root in roots:
        base = Path(root)
        if not base.is_dir():
            raise VQSSError(f"there is no folder {root}; name a folder of songs, each a folder of stems")
        for path in sorted(base.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(base).parts)  # half-rendered songs
            if path.suffix.lower() in AUDIO_SUFFIXES and path.stem.lower() not in {"mixture", "mix"} and not hidden:
                grouped.setdefault(_song_of(path, base), []).append(path)
    return sorted(grouped.items())


def _song_of(path: Path, base: Path) -> Path:
    parent = path.parent
    siblings = [folder for folder in parent.parent.iterdir() if folder.is_dir()] if parent != base else []
    moises = (parent.parent / "data.json").is_file() and len(siblings) > 0
    slakh = parent.name == "stems"
    return parent.parent if parent != base and parent.parent != base and (moises or slakh) else parent


def decode_mono(path: Path, sample_rate: int) -> np.ndarray:
    """Read a file as mono float32 (N,) at `sample_rate`. Raises VQSSError if it is damaged."""
    import soundfile
    import soxr

    try:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise VQSSError(f"{path} cannot be decoded ({error}); remove or replace it") from error
    mono = audio.mean(1, dtype=np.float32)
    if not np.isfinite(mono).all():
        raise VQSSError(f"{path} holds samples that are not numbers; remove or replace it")
    return mono if rate == sample_rate else soxr.resample(mono, rate, sample_rate)


def _decode_song(files: list[Path], sample_rate: int) -> list[np.ndarray]:
    stems = []
    for path in files:
        try:
            mono = decode_mono(path, sample_rate)
        except VQSSError as error:
            log.warning("skipped: %s", error)
            continue
        peak = float(np.abs(mono).max(initial=0.0))
        if len(mono) < sample_rate or _active_rms(mono) < SILENT_RMS:
            log.warning("skipped: %s is silent or shorter than a second", path)
            continue
        stems.append(np.round(mono * (32767 / max(1.0, peak))).astype(np.int16))
    return stems


def _blocks(mono: np.ndarray) -> np.ndarray:
    padded = np.zeros(-(-len(mono) // ACTIVITY_BLOCK) * ACTIVITY_BLOCK, np.float32)
    padded[: len(mono)] = mono
    return np.sqrt(np.mean(padded.reshape(-1, ACTIVITY_BLOCK) ** 2, axis=1))


def _active_rms(mono: np.ndarray) -> float:
    blocks = _blocks(mono)
    active = blocks[blocks > max(float(blocks.max()) * 0.05, 1e-5)]
    return float(np.sqrt(np.mean(active**2))) if len(active) else 0.0


def build_bank(roots: tuple[str, ...], cache: Path, sample_rate: int) -> Bank:
    """Decode every song below `roots` into `cache` (reused while the files are the same) and map it.

    Raises VQSSError where fewer than two usable stems remain. Damaged, silent and too short files are
    reported by name and skipped, as are songs of a single stem.
    """
    songs = song_folders(roots)
    listing = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for _, files in songs for p in files]
    key = hashlib.sha256(json.dumps([listing, sample_rate]).encode()).hexdigest()[:16]
    folder = cache / f"bank-{key}"
    if not (folder / "index.npz").is_file():
        _write_bank(songs, folder, sample_rate)
    with np.load(folder / "index.npz") as index:
        return Bank(samples=np.memmap(folder / "samples.i16", np.int16, "r"), **{k: index[k] for k in index})


def _write_bank(songs: list[tuple[Path, list[Path]]], folder: Path, sample_rate: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lengths: list[int] = []
    owners: list[int] = []
    levels: list[float] = []
    activity: list[np.ndarray] = []
    with open(folder / "samples.partial", "wb") as sink:
        for number, (song, files) in enumerate(songs):
            stems = _decode_song(files, sample_rate)
            if len(stems) < 2:
                log.warning("skipped: %s has %d usable stems; a song needs two", song, len(stems))
                continue
            for stem in stems:
                mono = stem.astype(np.float32) / 32768
                stem.tofile(sink)
                lengths.append(len(stem))
                owners.append(number)
                levels.append(_active_rms(mono))
                activity.append(_blocks(mono).astype(np.float32))
    if len(lengths) < 2:
        raise VQSSError("no song with at least two usable stems was found; give folders of stems")
    os.replace(folder / "samples.partial", folder / "samples.i16")
    sizes = np.array([len(a) for a in activity])
    np.savez(
        folder / "index.partial.npz",
        starts=np.concatenate([[0], np.cumsum(lengths)[:-1]]),
        lengths=np.array(lengths),
        songs=np.array(owners),
        rms=np.array(levels, np.float32),
        activity=np.concatenate(activity),
        activity_starts=np.concatenate([[0], np.cumsum(sizes)[:-1]]),
    )
    os.replace(folder / "index.partial.npz", folder / "index.npz")
