"""Renders songs: one folder a song, one file a stem, the same for the same seed.

Processes: each of a pool renders one song at a time; the caller blocks on them, and says when they are to stop.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.arrange import arrange
from training.augment import active_rms, bus
from training.band import WHOLE_KITS, Stem, play
from training.composer import compose
from training.instruments import SampleBank
from training.midi import midi_files, read_midi
from training.score import Score
from training.stem_file import STEM_FORMATS, write_stem
from training.synth import find_soundfonts, renew_general_midi
from vqss_engine.errors import UsageError, VQSSError, reason
from vqss_engine.worker_pool import worker_pool

log = logging.getLogger(__name__)

STEM_PEAK, MIX_PEAK = 0.9, 0.98
FEWEST, MOST = 3, 10
CACHE_MB, LEAST_CACHE_MB = 1800, 200  # of decoded recordings, shared out to all workers; each of them at least


@dataclass(frozen=True)
class Job:
    """What every song of a run shares."""

    out_dir: Path
    seconds: float
    samples_dir: Path | None
    seed: int
    split: str
    whole_kits: float
    midi_dir: Path | None = None
    stem_format: str = "flac"

    def note(self) -> dict[str, Any]:
        """What song.json keeps of the job: with this and an index a song is made again."""
        return {"seed": self.seed, "split": self.split, "samples": self.samples_dir is not None,
                "whole_kits": self.whole_kits, "midi": self.midi_dir is not None, "stem_format": self.stem_format}


def render_songs(out_dir: Path | str, songs: int, seconds: float = 20.0, samples_dir: Path | str | None = None,
                 seed: int = 0, jobs: int = 2, split: str = "all", first: int = 0, whole_kits: float = WHOLE_KITS,
                 midi_dir: Path | str | None = None, stem_format: str = "flac",
                 progress: Callable[[int, int], None] | None = None) -> list[Path]:
    """Render songs `first`...`first + songs - 1` of a seed into out_dir/song_<seed>_<index>/NN_<class>.<stem_format>.

    16-bit FLAC at 44.1 kHz, mono or stereo, or mono Opus (`stem_file.STEM_FORMATS`), all of one length; a stem peaks at
    most at 0.9 and the stems' sum at 0.98. `song.json` beside them holds tempo, key, genre, seed and classes.
    `samples_dir` adds real recordings (`training.instruments` tells its layout), of which `split` says the part to use.
    `whole_kits`, 0...1, is how often a played drum kit is one stem instead of one for each piece. `midi_dir` holds MIDI
    files, of which excerpts are played instead of composed songs; those that cannot be read are named and passed over.
    Songs that are there already are kept, so a stopped run goes on; a song's folder appears only when it is whole.
    `progress(done, songs)` is called after each. Returns the songs' folders. Raises UsageError (also where a song is
    there that was asked for otherwise) and VQSSError (no soundfont, no samples, unreadable).
    """
    if songs < 1 or not seconds >= 1:
        raise UsageError("nothing to render; ask for at least one song of at least one second")
    if seed < 0:
        raise UsageError(f"seed is {seed}; choose a number from 0 on")
    if stem_format not in STEM_FORMATS:
        raise UsageError(f"there are no stems as {stem_format}; choose one of {', '.join(STEM_FORMATS)}")
    find_soundfonts()
    recordings = None if samples_dir is None else Path(samples_dir)
    job = Job(Path(out_dir), float(seconds), recordings, seed, split, whole_kits, Path(midi_dir) if midi_dir else None,
              stem_format)
    if job.midi_dir is not None:
        midi_files(job.midi_dir)
    if job.samples_dir is not None:
        SampleBank(job.samples_dir, split)
    missing = [i for i in range(first, first + songs) if not _is_there(job, _folder(job, i))]
    job.out_dir.mkdir(parents=True, exist_ok=True)
    done = songs - len(missing)
    for _ in _finished(job, missing, jobs):
        done += 1
        if progress is not None:
            progress(done, songs)
    return [_folder(job, i) for i in range(first, first + songs)]


def _is_there(job: Job, folder: Path) -> bool:
    """Whether a song is rendered already; raises UsageError where it is another than the job's.

    What older versions did not note in song.json is taken to be the same; their stems were FLAC. Without samples no
    split has a part in it.
    """
    try:
        found = {"stem_format": "flac"} | json.loads((folder / "song.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        if folder.is_dir() and any(folder.iterdir()):  # ours appear with song.json
            raise VQSSError(f"{folder} is no song of ours; choose another -o, or move it") from None
        return False
    except NotADirectoryError:
        raise VQSSError(f"{folder} is a file; choose another -o, or move it") from None
    except (OSError, ValueError, TypeError) as error:
        raise VQSSError(f"{folder / 'song.json'} cannot be read ({reason(error)}); delete its folder") from error
    wanted = {**job.note(), "seconds": job.seconds}
    if job.samples_dir is None:
        del wanted["split"]
    for key, value in wanted.items():
        if found.get(key, value) != value:
            raise UsageError(f"{folder} is there with {key} {found[key]}, not {value}; choose another -o or delete it")
    return True


def _finished(job: Job, indices: Sequence[int], jobs: int) -> Any:
    """Render songs here or in worker processes, yielding as they get done."""
    if jobs <= 1 or len(indices) <= 1:
        _start_worker(job)
        for index in indices:
            yield _render(index)
        return
    with worker_pool(jobs, _start_worker, job, max(LEAST_CACHE_MB, CACHE_MB // jobs)) as submit:
        for future in as_completed([submit(_render, index) for index in indices]):
            yield future.result()


class _Worker:
    """A process's own job and sample bank."""

    job: Job
    bank: SampleBank | None
    arrangements: Sequence[Path]


def _start_worker(job: Job, cache_mb: int = CACHE_MB // 2) -> None:
    _Worker.job = job
    _Worker.bank = None if job.samples_dir is None else SampleBank(job.samples_dir, job.split, cache_mb)
    _Worker.arrangements = midi_files(job.midi_dir) if job.midi_dir else ()


def _render(index: int) -> Path:
    job = _Worker.job
    score, stems = make_song(job.seed, index, job.seconds, _Worker.bank, job.whole_kits, _Worker.arrangements)
    return write_song(_folder(job, index), score, stems, {"index": index, **job.note()}, job.stem_format)


def _folder(job: Job, index: int) -> Path:
    return job.out_dir / f"song_{job.seed}_{index:05d}"


def make_song(seed: int, index: int, seconds: float, bank: SampleBank | None,
              whole_kits: float = WHOLE_KITS, arrangements: Sequence[Path] = ()) -> tuple[Score, list[Stem]]:
    """Compose (or take from one of the MIDI files `arrangements`) and play one song: its score and its 3...10 stems,
    (2, N) float32 each, levelled and limited. Raises VQSSError without a soundfont.
    """
    fonts = find_soundfonts()
    for attempt in range(20):
        rng = np.random.default_rng([seed, index, attempt])
        renew_general_midi(fonts[int(rng.integers(len(fonts)))])
        score = _score(rng, seconds, arrangements)
        if score is None:
            continue
        stems = [s for s in play(rng, score, bank, whole_kits) if active_rms(s.audio) > 1e-4][:MOST]
        if len(stems) >= FEWEST:
            return score, _balance(rng, stems)
    raise VQSSError(f"song {index} of seed {seed} came out silent; use another seed"
                    + (" or other MIDI files" if arrangements else ""))


def _score(rng: np.random.Generator, seconds: float, arrangements: Sequence[Path]) -> Score | None:
    """A new score; None where the MIDI file that was drawn cannot be read, which is told."""
    if not arrangements:
        return compose(rng, seconds)
    try:
        return arrange(rng, read_midi(arrangements[int(rng.integers(len(arrangements)))]), seconds)
    except VQSSError as error:
        log.warning("%s", error)
        return None


def _balance(rng: np.random.Generator, stems: list[Stem]) -> list[Stem]:
    """Bus effects, then one gain for all so that neither a stem nor the sum clips."""
    audio = bus(rng, np.stack([s.audio for s in stems]))
    stem_peak, mix_peak = float(np.abs(audio).max()), float(np.abs(audio.sum(axis=0)).max())
    gain = min(1.0, STEM_PEAK / max(stem_peak, 1e-9), MIX_PEAK / max(mix_peak, 1e-9))
    return [Stem(s.name, s.source, a * np.float32(gain)) for s, a in zip(stems, audio, strict=True)]


def write_song(folder: Path, score: Score, stems: Sequence[Stem], extra: dict[str, Any],
               stem_format: str = "flac") -> Path:
    """Write a song's stems and `song.json` to a folder that appears at once; one that is there must be empty."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        _fill(part, score, stems, extra, stem_format)
        if folder.is_dir():
            folder.rmdir()
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _fill(part: Path, score: Score, stems: Sequence[Stem], extra: dict[str, Any], stem_format: str) -> None:
    files = []
    for number, stem in enumerate(stems):
        name = f"{number:02d}_{stem.name}.{stem_format}"
        write_stem(part / name, stem.audio)
        files.append({"file": name, "class": stem.name, "source": stem.source})
    mode = "minor" if score.scale[2] == 3 else "major"
    origin = {"arrangement": score.source} if score.source else {}
    content = {"format": 1, "tempo": round(score.tempo, 2), "key": score.key, "mode": mode, "genre": score.genre.name,
               **origin, "seconds": score.seconds, **extra, "stems": files}
    (part / "song.json").write_text(json.dumps(content, indent=1) + "\n")
