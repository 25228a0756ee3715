"""Several songs in one call, one after the other or in worker processes.

Processes: the caller draws the bar and collects results; each worker separates one song at a time and reports the
seconds done through shared memory.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from bridge.audio_files import AudioReader
from bridge.files import FileJob, Separation, separate_file
from bridge.output_folder import folder_name, made_folder
from bridge.progress import AudioProgress
from vqss_engine.bundle import ModelBundle
from vqss_engine.errors import UsageError, VQSSError
from vqss_engine.offline import usable_cores
from vqss_engine.stop_signals import end_if_asked
from vqss_engine.worker_pool import worker_pool

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Batch:
    """Songs, each with the folder its stems go to, and how to separate them. `model` None is the shipped one."""

    songs: tuple[tuple[Path, Path], ...]
    job: FileJob
    model: Path | None = None
    workers: int = 1


Outcome = tuple[Path, Separation | VQSSError]


def plan_folders(songs: Sequence[Path], out: Path) -> tuple[tuple[Path, Path], ...]:
    """Each song with its folder: `out/<song>`, or a longer name where songs would share it, in any order the same.

    Raises UsageError for a song that is given twice.
    """
    absolute = [Path(os.path.abspath(song)) for song in songs]
    for song, count in Counter(absolute).items():
        if count > 1:
            raise UsageError(f"'{song}' is given {count} times; name it once")
    longer = {song: _names(song, absolute) for song in absolute}
    names = {song: next(longer[song]) for song in absolute}
    while shared := {name for name, count in Counter(names.values()).items() if count > 1}:
        names = {song: next(longer[song]) if name in shared else name for song, name in names.items()}
    return tuple((song, out / names[path]) for song, path in zip(songs, absolute))


def _names(song: Path, songs: Sequence[Path]) -> Iterator[str]:
    """What a song's folder may be called, from short to long without end; no two songs share them all.

    Beside songs of its name in one folder, its ending tells it apart; else its folder does, or both, or more folders.
    """
    name, ending = folder_name(song), song.suffix.replace(".", "_")
    folders = song.parent.parts[1:]
    yield name
    in_one_folder = {other.parent for other in songs if folder_name(other) == name} == {song.parent}
    yield f"{name}{ending}" if in_one_folder else "_".join((*folders[-1:], name))
    for depth in range(1, len(folders) + 1):
        yield "_".join((*folders[-depth:], f"{name}{ending}"))
    longest = "_".join((*folders, f"{name}{ending}"))
    while True:
        longest += f"_{sorted(songs).index(song) + 1}"
        yield longest


def run_batch(batch: Batch, finished: Callable[[Outcome], None]) -> None:
    """Separate all songs; `finished` is called for each, in order of completion, with its result or its error."""
    bundle = ModelBundle.load(batch.model)  # first, as a damaged one is one error, not one for every song
    if batch.job.device != "cpu":
        from vqss_engine.torch_masks import check_device

        check_device(batch.job.device)
    with made_folder(batch.songs[0][1].parent):
        if batch.workers <= 1 or len(batch.songs) == 1:
            for song, folder in batch.songs:
                finished((song, _separate_shown(song, folder, bundle, batch.job)))
        else:
            _run_in_workers(batch, finished)


def song_seconds(song: Path) -> float | None:
    """Length by the song's header; None where that is not known, or the song cannot be read."""
    try:
        with AudioReader(song) as reader:
            return None if reader.frames is None else reader.frames / reader.sample_rate
    except VQSSError:
        return None


def _separate_shown(song: Path, folder: Path, bundle: ModelBundle, job: FileJob) -> Separation | VQSSError:
    try:
        with AudioProgress(song_seconds(song), song.name) as bar:
            return separate_file(song, folder, bundle, job, bar.reach)
    except UsageError:
        raise
    except VQSSError as error:
        return error


_bundle: ModelBundle
_done: Synchronized[float]


def _start_worker(model: Path | None, done: Synchronized[float]) -> None:
    global _bundle, _done
    _bundle, _done = ModelBundle.load(model), done


def _separate_in_worker(song: Path, folder: Path, job: FileJob) -> Separation | VQSSError:
    reached = 0.0

    def advance(seconds: float) -> None:
        nonlocal reached
        with _done.get_lock():
            _done.value += seconds - reached
        reached = seconds

    try:
        return separate_file(song, folder, _bundle, job, advance)
    except UsageError:
        raise
    except VQSSError as error:
        return error


def _run_in_workers(batch: Batch, finished: Callable[[Outcome], None]) -> None:
    done = multiprocessing.get_context("spawn").Value("d", 0.0)
    workers = min(batch.workers, len(batch.songs))
    job = replace(batch.job, threads=max(1, usable_cores() // workers))
    lengths = [song_seconds(song) for song, _ in batch.songs]
    total = sum(length or 0.0 for length in lengths)
    with (
        AudioProgress(total, f"{len(batch.songs)} songs") as bar,
        worker_pool(workers, _start_worker, batch.model, done) as submit,
    ):
        futures = {submit(_separate_in_worker, song, folder, job): song for song, folder in batch.songs}
        for future in _as_completed(set(futures), lambda: bar.reach(done.value)):
            finished((futures[future], future.result()))


def _as_completed(futures: set[Future[Any]], poll: Callable[[], None]) -> Iterator[Future[Any]]:
    while futures:
        end_if_asked()
        ready, futures = wait(futures, timeout=_POLL_SECONDS)
        poll()
        yield from ready
