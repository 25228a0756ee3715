"""All stems of all songs, decoded once to mono 16-bit at the model's rate and mapped into memory.

File names are used to find the audio and then forgotten: a stem is two numbers here, so no label can reach
the training.

Threads: songs are decoded by a pool that ends with the call; the caller blocks on it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from vqss_engine.errors import VQSSError
from vqss_engine.native_name import native_name

log = logging.getLogger(__name__)

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff"}
MIXES = {"mixture", "mix", "mixdown"}
ACTIVITY_BLOCK = 4410  # samples a value of the activity profile stands for
SAMPLES_NAME, INDEX_NAME = "samples.i16", "index.npz"  # the index last: with it a bank is whole
SONGS_AT_ONCE = 32  # that lie in memory while they are decoded
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


def song_folders(roots: tuple[str, ...], leave_out: tuple[str, ...] = ()) -> list[tuple[Path, list[Path]]]:
    """Every folder below `roots` that holds at least one audio file, with its audio files, sorted.

    MUSDB18-HQ and plain stem folders are song/*.wav; MoisesDB has song/<kind>/*.wav, Slakh song/stems/*.flac:
    there a song is the folder above. A file called mixture, mix or mixdown is the sum of the others and left out.
    `leave_out` are patterns such as `gm/*` or `*/*vocals*` of `source/file` (the source by song.json, which `vqss
    render` writes) whose stems are passed over. Raises VQSSError where a root is no folder.
    """
    grouped: dict[Path, list[Path]] = {}
    seen: set[str] = set()
    for root in roots:
        base = Path(root)
        if not base.is_dir():
            raise VQSSError(f"there is no folder {root}; name a folder of songs, each a folder of stems")
        for path in _files_below(base, seen):
            if path.suffix.lower() in AUDIO_SUFFIXES and path.stem.lower() not in MIXES:
                grouped.setdefault(_song_of(path, base), []).append(path)
    if leave_out:
        grouped = {song: _left(song, files, leave_out) for song, files in grouped.items()}
    return sorted((song, sorted(files)) for song, files in grouped.items() if files)


def _files_below(base: Path, seen: set[str]) -> Iterator[Path]:
    """All files but hidden ones (half-rendered songs) and those in folders that were `seen`, to which it adds its own.

    Links to folders are followed.
    """
    for folder, below, names in os.walk(base, followlinks=True):
        place = os.path.realpath(folder)
        below[:] = [] if place in seen else [name for name in below if not name.startswith(".")]
        if place not in seen:
            yield from (Path(folder) / name for name in names if not name.startswith("."))
        seen.add(place)


def _left(song: Path, files: list[Path], leave_out: tuple[str, ...]) -> list[Path]:
    try:
        stems = json.loads((song / "song.json").read_text(encoding="utf-8"))["stems"]
        sources = {stem["file"]: stem["source"] for stem in stems}
    except (OSError, ValueError, KeyError, TypeError):
        sources = {}
    names = {path: f"{sources.get(path.name, '')}/{path.name}" for path in files}
    return [path for path in files if not any(fnmatch(names[path], pattern) for pattern in leave_out)]


def _song_of(path: Path, base: Path) -> Path:
    parent = path.parent
    is_part = (parent.parent / "data.json").is_file()  # of MoisesDB
    is_part |= parent.name == "stems" and (base != parent.parent or (base / "metadata.yaml").is_file())  # of Slakh
    return parent.parent if is_part and base != parent else parent


def read_audio(path: Path) -> tuple[np.ndarray, int]:
    """Samples float32 (N, C) and rate of a stem's file. Raises VQSSError if it is damaged."""
    import soundfile

    try:
        audio, rate = soundfile.read(native_name(path), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise VQSSError(f"{path} cannot be decoded ({error}); remove or replace it") from error
    if not np.isfinite(audio).all():
        raise VQSSError(f"{path} holds samples that are not numbers; remove or replace it")
    return audio, int(rate)


def decode_mono(path: Path, sample_rate: int) -> np.ndarray:
    """Read a file as mono float32 (N,) at `sample_rate`. Raises VQSSError if it is damaged."""
    import soxr

    audio, rate = read_audio(path)
    mono: np.ndarray = audio.mean(1, dtype=np.float32)
    return mono if rate == sample_rate or not len(mono) else soxr.resample(mono, rate, sample_rate)


def _decode_song(files: list[Path], sample_rate: int) -> list[np.ndarray]:
    stems = []
    for path in files:
        try:
            mono = decode_mono(path, sample_rate)
        except VQSSError as error:
            log.warning("skipped: %s", error)
            continue
        peak = float(np.abs(mono).max(initial=0.0))
        if len(mono) < sample_rate or _active_rms(_blocks(mono)) < SILENT_RMS:
            log.warning("skipped: %s is silent or shorter than a second", path)
            continue
        stems.append(np.round(mono * (32767 / max(1.0, peak))).astype(np.int16))
    return stems


def _blocks(mono: np.ndarray) -> np.ndarray:
    """RMS (n,) of each block of ACTIVITY_BLOCK samples, the last filled up with silence."""
    padded = np.zeros(-(-len(mono) // ACTIVITY_BLOCK) * ACTIVITY_BLOCK, np.float32)
    padded[: len(mono)] = mono
    return np.sqrt(np.mean(padded.reshape(-1, ACTIVITY_BLOCK) ** 2, axis=1))


def _active_rms(blocks: np.ndarray) -> float:
    """RMS over the blocks that sound."""
    active = blocks[blocks > max(float(blocks.max()) * 0.05, 1e-5)]
    return float(np.sqrt(np.mean(active**2))) if len(active) else 0.0


def build_bank(roots: tuple[str, ...], cache: Path, sample_rate: int, leave_out: tuple[str, ...] = ()) -> Bank:
    """Decode every song below `roots` into `cache` (reused while the files are the same) and map it.

    `leave_out` as in `song_folders`.

    Raises VQSSError where fewer than two usable stems remain or the disk is full. Damaged, silent and too short files
    are reported by name and skipped, as are links that lead nowhere and songs of a single stem.
    """
    songs = song_folders(roots, leave_out)
    listing = [_state(path) for _, files in songs for path in files]
    key = hashlib.sha256(json.dumps([listing, sample_rate]).encode()).hexdigest()[:16]
    folder = cache / f"bank-{key}"
    if not (folder / INDEX_NAME).is_file():
        _write_bank(songs, folder, sample_rate)
    with np.load(folder / INDEX_NAME) as index:
        return Bank(samples=np.memmap(folder / SAMPLES_NAME, np.int16, "r"), **{k: index[k] for k in index})


def _state(path: Path) -> tuple[str, int, int]:
    """What tells whether a file has changed: name, size and time of writing."""
    try:
        found = path.stat()
    except OSError:  # a link that leads nowhere; decoding names it
        return str(path), -1, -1
    return str(path), found.st_size, found.st_mtime_ns


def _write_bank(songs: list[tuple[Path, list[Path]]], folder: Path, sample_rate: int) -> None:
    """Whole or not at all, also where several runs want the same; raises VQSSError where the disk does not take it."""
    partial = folder / f".partial-{platform.node()}-{os.getpid()}"
    try:
        _remove_abandoned(folder)
        partial.mkdir(parents=True, exist_ok=True)
        _decode_songs(songs, partial, sample_rate)
        for name in (SAMPLES_NAME, INDEX_NAME):
            os.replace(partial / name, folder / name)
    except OSError as error:
        raise VQSSError(
            f"cannot write the decoded stems to {folder} ({error}); free some room there, or set data.cache=FOLDER"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    """Remove what processes of this machine that were killed have left there."""
    import psutil

    for partial in folder.glob(f".partial-{platform.node()}-*"):
        if not psutil.pid_exists(int(partial.name.rpartition("-")[2])):
            shutil.rmtree(partial, ignore_errors=True)


def _decoded(songs: list[tuple[Path, list[Path]]], sample_rate: int) -> Iterator[tuple[Path, list[np.ndarray]]]:
    """Every song with its usable stems, in order, some songs decoded at once."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first in range(0, len(songs), SONGS_AT_ONCE):
            some = songs[first : first + SONGS_AT_ONCE]
            stems = pool.map(lambda song: _decode_song(song[1], sample_rate), some)
            yield from zip((folder for folder, _ in some), stems, strict=True)


def _decode_songs(songs: list[tuple[Path, list[Path]]], folder: Path, sample_rate: int) -> None:
    lengths: list[int] = []
    owners: list[int] = []
    levels: list[float] = []
    activity: list[np.ndarray] = []
    with open(folder / SAMPLES_NAME, "wb") as sink:
        for number, (song, stems) in enumerate(_decoded(songs, sample_rate)):
            if len(stems) < 2:
                log.warning("skipped: %s has %d usable stems; a song needs two", song, len(stems))
                continue
            for stem in stems:
                stem.tofile(sink)
                lengths.append(len(stem))
                owners.append(number)
                blocks = _blocks(stem.astype(np.float32) / 32768)
                levels.append(_active_rms(blocks))
                activity.append(blocks.astype(np.float32))
    if len(lengths) < 2:
        raise VQSSError("no song with at least two usable stems was found; give folders of stems")
    sizes = np.array([len(a) for a in activity])
    np.savez(
        folder / INDEX_NAME,
        starts=np.concatenate([[0], np.cumsum(lengths)[:-1]]),
        lengths=np.array(lengths),
        songs=np.array(owners),
        rms=np.array(levels, np.float32),
        activity=np.concatenate(activity),
        activity_starts=np.concatenate([[0], np.cumsum(sizes)[:-1]]),
    )
