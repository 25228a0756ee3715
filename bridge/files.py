"""Offline separation: a song from disk, through the same separator as live audio, to stems on disk.

Everything streams, so memory does not grow with the song, and nothing is visible until all of it is complete.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridge.audio_files import AudioReader
from bridge.coding import Coding
from bridge.manifest import PICTURE_NAME, ModelFacts, SongFacts, build_manifest, write_manifest
from bridge.mixdown import Mixdown
from bridge.output_folder import check_free, check_room, filled_folder
from bridge.process_memory import peak_rss_mb
from bridge.song_separation import Advance, SongSeparation, ignore_progress
from bridge.stem_files import StemFiles
from bridge.stem_meter import peak_dbfs
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.control import ControlSurface
from vqss_engine.errors import UsageError, VQSSError
from vqss_engine.mixer import Layout
from vqss_engine.offline import usable_cores
from vqss_engine.presets import Preset, apply
from vqss_engine.state import MixerState
from vqss_engine.vocabulary import SOURCE, TRANSPORT

if TYPE_CHECKING:
    from bridge.file_effects import FileEffects
    from bridge.rack_file import RackSource
    from vqss_engine.torch_masks import TorchMasks

Block = NDArray[np.float32]

_OF_PLAYING = (SOURCE, TRANSPORT)
_CLIP_DB = 0.01  # what rounding does to a full-scale sample is no clipping


@dataclass(frozen=True)
class FileJob:
    """How songs are separated; the same for all songs of one call.

    clusters: `active`, `all`, or the numbers wanted. preset: where the mixer begins, with the name it has in messages;
    its rack is not looked at. settings: (path, value) pairs for the mixdown, as texts, which count after it.
    rack: effects on the stems, and on the mixdown. device: cpu, or what torch is to run the network on (cuda, mps).
    threads: how many compute, None for as many as there are cores. finish: makes of a song's folder and its manifest
    what else belongs there. waiting: where folders are put until all songs can be shown; those named are theirs then,
    and were found free.
    """

    clusters: str | tuple[int, ...] = "active"
    coding: Coding = field(default_factory=lambda: Coding.named("wav"))
    profile: str = "default"
    preset: tuple[str, Preset] | None = None
    settings: tuple[tuple[str, str], ...] = ()
    mixdown: bool = False
    figure: bool = False
    overwrite: bool = False
    rack: RackSource | None = None
    device: str = "cpu"
    threads: int | None = None
    finish: Callable[[Path, dict[str, Any]], None] | None = None
    waiting: Path | None = None


@dataclass(frozen=True)
class Separation:
    """What came of one song: its folder, its manifest, and remarks a user should read."""

    folder: Path
    manifest: dict[str, Any]
    remarks: tuple[str, ...]


def prepare_surface(bundle: ModelBundle, job: FileJob) -> ControlSurface:
    """The mixer for a bundle as the job has it, but for settings of effects, which come after these are there.

    Raises UsageError or VQSSError naming the setting that is refused.
    """
    for path, _ in job.settings:
        if path.startswith(_OF_PLAYING):
            raise UsageError(f"--set {path} is for what plays, and a file is separated whole; leave it out")
    surface = ControlSurface(bundle.config.clusters, bundle.cluster_names, bundle.cluster_colors)
    if job.preset:
        name, preset = job.preset
        apply(surface, preset, name)
    if not job.rack:
        apply_settings(surface, job.settings)
    return surface


def apply_settings(surface: ControlSurface, settings: Sequence[tuple[str, str]]) -> None:
    """Apply (path, value) pairs as texts; raises UsageError naming the one that is refused."""
    for path, text in settings:
        try:
            surface.set(path, surface.parameter(path).parse(text))
        except VQSSError as error:
            raise UsageError(f"--set {error}") from error


def check_clusters(wanted: str | tuple[int, ...], count: int) -> None:
    """Raise UsageError for a cluster that the model does not have."""
    unknown = [index for index in wanted if isinstance(index, int) and not 0 <= index < count]
    if unknown:
        raise UsageError(f"cluster {unknown[0]} does not exist; the model has clusters 0 to {count - 1}")


def separate_file(
    song: Path, folder: Path, bundle: ModelBundle, job: FileJob, advance: Advance = ignore_progress
) -> Separation:
    """Separate `song` into `folder`: stems, manifest.json, and the mixdown and the picture where the job says so.

    `folder` appears complete or not at all, or waits for others where the job says so. Raises VQSSError for a song that
    cannot be read and a folder that is taken or cannot be written, UsageError for clusters and settings the model does
    not have.
    """
    surface = prepare_surface(bundle, job)
    check_clusters(job.clusters, surface.clusters)
    with AudioReader(song) as reader:
        effects = _effects(reader, job, surface)
        _check_target(folder, reader, job, surface.clusters)
        place, overwrite = (job.waiting / folder.name, False) if job.waiting else (folder, job.overwrite)
        with filled_folder(place, overwrite) as partial:
            return _SongJob(reader, bundle, surface, job, partial, effects).run(folder, advance)


def _masks(bundle: ModelBundle, job: FileJob) -> TorchMasks | None:
    """What makes the masks on the job's device; None for the processor, which needs no torch."""
    if job.device == "cpu":
        return None
    from vqss_engine.torch_masks import TorchMasks

    return TorchMasks(bundle, StreamConfig.named(job.profile), job.device)


def _effects(reader: AudioReader, job: FileJob, surface: ControlSurface) -> FileEffects | None:
    """The rack of the job, made for this song; settings may be of its plug-ins and so come after it."""
    if job.rack is None:
        return None
    from bridge.file_effects import FileEffects  # these load pedalboard, which few songs need
    from bridge.rack import ClusterRack

    stream = StreamConfig.named(job.profile)
    layout = Layout(surface.clusters, reader.channels, stream.hop, reader.sample_rate)
    effects = FileEffects(ClusterRack.from_source(job.rack), layout, surface, stream.synthesis - stream.hop)
    apply_settings(surface, job.settings)
    return effects


def _check_target(folder: Path, reader: AudioReader, job: FileJob, clusters: int) -> None:
    job.coding.check_rate(reader.sample_rate)
    if job.waiting is None:
        check_free(folder, job.overwrite)
    if folder.exists() and reader.path.resolve().parent == folder.resolve():
        raise VQSSError(f"'{reader.path}' lies where its own stems would go; choose another folder with -o")
    files = (clusters if isinstance(job.clusters, str) else len(set(job.clusters))) + job.mixdown
    if reader.frames is not None:
        size = job.coding.bytes_per_file(reader.frames, reader.channels)
        check_room(folder, None if size is None else files * size)


class _SongJob:
    """One song being written into the folder `partial`."""

    def __init__(
        self,
        reader: AudioReader,
        bundle: ModelBundle,
        surface: ControlSurface,
        job: FileJob,
        partial: Path,
        effects: FileEffects | None,
    ) -> None:
        self._started = time.perf_counter()
        self._reader, self._bundle, self._job, self._partial = reader, bundle, job, partial
        self._names = [str(surface.get(f"/vqss/cluster/{index}/name")) for index in range(surface.clusters)]
        wanted = range(surface.clusters) if isinstance(job.clusters, str) else sorted(set(job.clusters))
        self._files = StemFiles(partial, self._names, wanted, job.mixdown, job.coding, job.threads or usable_cores())
        self._effects = effects
        self._mixdown: Mixdown | None = None
        self._is_mixed = _is_mixed(surface.state)
        if job.mixdown:
            main = effects.main if effects else None
            self._mixdown = Mixdown(surface.state, reader.channels, reader.sample_rate, main)
        self._masks = _masks(bundle, job)
        self._separation = SongSeparation(reader, bundle, job.profile, job.figure, job.threads, self._masks)

    def run(self, folder: Path, advance: Advance) -> Separation:
        with self._files.opened(self._reader):
            self._separation.run(self._process, advance)
            if self._effects:
                self._write(*self._effects.stems.flush())
            if self._mixdown:
                self._files.write_mixdown(self._mixdown.flush())
        meter, picture = self._separation.meter, self._separation.picture
        if self._job.clusters == "active":
            self._files.keep(set(np.flatnonzero(meter.active).tolist()))
        if picture:
            from bridge.figure import save_picture

            path = self._partial / PICTURE_NAME
            save_picture(path, picture, self._names, self._reader.path.stem, meter.active.tolist())
        manifest = self._manifest()
        if self._job.finish:
            self._job.finish(self._partial, manifest)
        write_manifest(self._partial, manifest)
        return Separation(folder, manifest, tuple(self._remarks()))

    def _process(self, mix: Block, stems: Block) -> None:
        if self._effects:
            mix, stems = self._effects.stems.process(mix, stems)
        self._write(mix, stems)

    def _write(self, mix: Block, stems: Block) -> None:
        if not mix.shape[1]:
            return
        self._files.write_stems(stems)
        if self._mixdown:
            self._files.write_mixdown(self._mixdown.process(mix, stems))

    def _manifest(self) -> dict[str, Any]:
        reader = self._reader
        song = SongFacts(
            reader.path.name, reader.sample_rate, reader.channels, self._separation.latency_samples,
            time.perf_counter() - self._started, peak_rss_mb(), self._masks.name if self._masks else "cpu",
        )  # fmt: skip
        model = ModelFacts(self._bundle.name, self._bundle.sha256, tuple(self._names))
        manifest = build_manifest(song, model, self._separation.meter, self._files.names)
        if self._effects:
            manifest["effects"] = [asdict(latency) for latency in self._effects.latencies]
        return manifest

    def _remarks(self) -> list[str]:
        """A line for all of rack and mixer that is not heard, and for every file that an integer format has clipped."""
        song, reports = self._reader.path.name, self._effects.reports if self._effects else []
        remarks = [*self._reader.remarks, *(f"'{song}': {report}; check that plug-in" for report in reports)]
        if self._effects and self._effects.main and not self._mixdown:
            remarks.append("the rack's effects on main are in no stem; add --mixdown to hear them")
        if self._is_mixed and not self._mixdown:
            remarks.append("the faders are in no stem; add --mixdown to hear them")
        return remarks + self._clipped() if self._job.coding.is_integer else remarks

    def _clipped(self) -> list[str]:
        of_stems = self._separation.meter.peak_dbfs
        if self._effects:
            of_stems = [peak_dbfs(float(peak)) for peak in self._effects.stems.peak]
        peaks = {name: of_stems[index] for index, name in self._files.names.items()}
        if self._mixdown and self._files.mixdown_name:
            peaks[self._files.mixdown_name] = peak_dbfs(self._mixdown.peak)
        return [
            f"'{name}' of '{self._reader.path.name}' is clipped, its peak is {peak:+.1f} dBFS;"
            " use --format wav --subtype FLOAT to keep it whole"
            for name, peak in peaks.items()
            if peak > _CLIP_DB
        ]


def _is_mixed(state: MixerState) -> bool:
    """Whether any fader, switch or pan stands elsewhere than at first; strips that are only joined change no sound."""
    at_first = MixerState.default(state.clusters)
    return replace(state, group=at_first.group) != at_first
