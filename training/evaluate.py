"""`vqss evaluate`: how well a bundle separates multitracks it has never heard.

Every song runs through the streaming separator that users hear.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bank import SILENT_RMS
from training.class_names import instrument_of
from training.codes import clip_codes, load_encoder
from training.ideal_mask import ideal_ratio_error
from training.multitracks import Multitrack, class_of, find_multitracks, read_song, scored_classes, standard_classes
from training.reports import class_report, cluster_report, code_report, robust_report
from training.robust import VARIANTS
from training.scoring import PartitionScore, SongScore, best_map, partition_score
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.errors import UsageError, VQSSError, reason
from vqss_engine.offline import OfflineSeparator

Floats = NDArray[np.float32]

log = logging.getLogger(__name__)

BLOCK_SAMPLES = 1 << 18  # inner products are taken block by block, to spare a copy of all clusters


def separate(separator: OfflineSeparator, mix: Floats) -> Floats:
    """All clusters (K, C, N) of a mix (C, N), aligned with it; the numbers of the streaming separator."""
    separator.reset()
    samples, latency = mix.shape[1], separator.latency_samples
    late = -(samples + latency) % separator.hop + latency
    return separator.process(np.pad(mix, ((0, 0), (0, late))))[:, :, latency : latency + samples]


@dataclass(frozen=True)
class SongResult:
    """One song's scores: by class, by instrument, by code (None without a query encoder).

    `codes` has the codes of each stem's clips, `labels` and `instruments` what the stems are called; `robust` has the
    scores by class of each variant that was asked for.
    """

    classes: SongScore
    by_instrument: SongScore
    labels: list[str]
    instruments: list[str]
    partition: PartitionScore | None = None
    codes: list[NDArray[np.int64]] = field(default_factory=list)
    robust: dict[str, SongScore] = field(default_factory=dict)


class Scorer:
    """Separates and scores songs with one bundle; `variants` names the changed copies to be scored too."""

    def __init__(
        self, bundle: ModelBundle, standard: set[str] | None, variants: tuple[str, ...] = (), profile: str = "default"
    ) -> None:
        self._bundle, self._standard, self._variants = bundle, standard, variants
        self._stream = StreamConfig.named(profile)
        self._separators: dict[int, OfflineSeparator] = {}
        self._encoder = load_encoder(bundle) if bundle.query_weights else None

    def score(self, song: Multitrack) -> SongResult:
        """Separate one song and take all inner products.

        Raises VQSSError where a stem is damaged, fewer than two classes sound, or their mix does not.
        """
        stems = read_song(song, self._bundle.config.sample_rate)
        labels = [self._class(name) for name, _ in stems]
        if len(set(labels)) < 2:
            raise VQSSError(f"{song.folder} has {len(set(labels))} classes that sound; a song needs two")
        sources = np.stack([audio for _, audio in stems])
        if np.sqrt(np.mean(np.square(sources.sum(0)))) < SILENT_RMS:
            raise VQSSError(f"the stems of {song.folder} cancel each other; a song needs a mix that sounds")
        score = self._products(song, sources)
        by_class = np.stack([sources[[x == name for x in labels]].sum(0) for name in sorted(set(labels))])
        instruments = [instrument_of(name) for name, _ in stems]
        codes = [clip_codes(self._encoder, self._bundle, audio) for audio in sources] if self._encoder else []
        return SongResult(
            classes=score.grouped(labels, ideal_ratio_error(by_class, sources.sum(0))),
            by_instrument=score.grouped(instruments, np.zeros(0)),
            labels=labels,
            instruments=instruments,
            partition=partition_score(score, [int(np.bincount(c).argmax()) for c in codes]) if codes else None,
            codes=codes,
            robust={name: self._varied(song, name, sources).grouped(labels, np.zeros(0)) for name in self._variants},
        )

    def _varied(self, song: Multitrack, variant: str, sources: Floats) -> SongScore:
        return self._products(song, VARIANTS[variant](sources, self._bundle.config.sample_rate).astype(np.float32))

    def _products(self, song: Multitrack, sources: Floats) -> SongScore:
        """Inner products of the clusters and the stems (S, C, N) of a song; the mix is their sum. Raises VQSSError."""
        channels = sources.shape[1]
        if channels not in self._separators:
            self._separators[channels] = OfflineSeparator(self._bundle, self._stream, channels)
        clusters = separate(self._separators[channels], sources.sum(0))
        products = np.zeros((len(clusters) + len(sources),) * 2)
        for start in range(0, sources.shape[2], BLOCK_SAMPLES):
            block = slice(start, start + BLOCK_SAMPLES)
            both = np.concatenate([clusters[..., block], sources[..., block]]).reshape(len(products), -1)
            products += both @ both.T
        if not np.isfinite(products).all():
            raise VQSSError(f"of {song.folder} the model '{self._bundle.name}' makes no numbers; use another")
        names = tuple(f"{i:03d}" for i in range(len(sources)))
        return SongScore(song.folder.name, names, products, np.zeros(0))

    def _class(self, name: str) -> str:
        found = class_of(name)
        return found if self._standard is None or found in self._standard else "other"


def read_map(path: str | Path, clusters: int) -> dict[int, str]:
    """A map of clusters to classes, in lower case, from JSON; raises VQSSError or UsageError where it does not fit."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise VQSSError(
            f"cannot read the map {path} ({reason(error)}); give a JSON object of cluster to class"
        ) from error
    if not isinstance(data, dict) or set(data) != {str(k) for k in range(clusters)}:
        raise UsageError(f"{path} does not map clusters 0 to {clusters - 1}; write it with --save-map")
    return {int(k): str(v).lower() for k, v in data.items()}


def _check_classes(path: str | Path, mapping: dict[int, str], classes: set[str]) -> None:
    """Raise UsageError for a map that is of other songs."""
    if classes.isdisjoint(mapping.values()):
        raise UsageError(f"no class in {path} is one of these songs'; give classes of {', '.join(sorted(classes))}")


def score_songs(
    scorer: Scorer, songs: list[Multitrack], advance: Callable[[int, int], object] = lambda done, songs: None
) -> list[SongResult]:
    """Score what can be scored; other songs are reported by name and skipped."""
    results = []
    for done, song in enumerate(songs, 1):
        try:
            results.append(scorer.score(song))
        except VQSSError as error:
            log.warning("skipped: %s", error)
        advance(done, len(songs))
    return results


def _check_outputs(save_map: str | Path | None, figure: str | Path | None) -> None:
    """Scoring may take hours: what could not be written after it is refused before."""
    if figure:
        from training.figures import check_kind

        check_kind(Path(figure))
    for path in (Path(given) for given in (save_map, figure) if given):
        if not path.absolute().parent.is_dir():
            raise VQSSError(f"there is no folder '{path.parent}'; create it first")
        if path.is_dir() or not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
            raise VQSSError(f"cannot write '{path}'; name a file that may be written")


def run_evaluation(
    directory: str | Path,
    model: str | Path | None = None,
    map_file: str | Path | None = None,
    save_map: str | Path | None = None,
    figure: str | Path | None = None,
    robust: bool = False,
    leave_out: tuple[str, ...] = (),
    advance: Callable[[int, int], object] = lambda done, songs: None,
    profile: str = "default",
) -> dict[str, Any]:
    """Score a bundle on DIR/<song>/<class>.<ext>; returns the contract's fields and more (docs/training.md lists them).

    `leave_out` as in `bank.song_folders`: the mix is without these stems. `advance(done, songs)` is called after each
    song. `profile` is that of `StreamConfig.named`. Raises UsageError and VQSSError where nothing can be scored, and
    before all work where a file that is given does not fit.
    """
    _check_outputs(save_map, figure)
    bundle = ModelBundle.load(model)
    given = read_map(map_file, bundle.config.clusters) if map_file else None
    if figure and not bundle.query_weights:
        raise UsageError(f"the bundle '{bundle.name}' has no query encoder, whose codes the figure shows; leave it out")
    songs = find_multitracks(Path(directory), leave_out)
    if map_file and given:
        _check_classes(map_file, given, scored_classes(songs))
    scorer = Scorer(bundle, standard_classes(songs), tuple(VARIANTS) if robust else (), profile)
    results = score_songs(scorer, songs, advance)
    if not results:
        raise VQSSError(f"no song in {directory} has two classes that sound; nothing can be scored")
    scores = [result.classes for result in results]
    names = sorted({name for score in scores for name in score.classes})
    mapping = given or best_map(scores, names)
    result = class_report(scores, mapping)
    result |= {"skipped": len(songs) - len(results), "latency": profile}
    result |= cluster_report(scores, [r.by_instrument for r in results])
    if bundle.query_weights:
        result |= code_report(
            [r.labels for r in results],
            [r.instruments for r in results],
            [r.codes for r in results],
            [r.partition for r in results if r.partition],
            bundle.config.clusters,
        )
    if robust:
        result |= {"robust": robust_report(scores, {v: [r.robust[v] for r in results] for v in VARIANTS}, mapping)}
    if save_map:
        Path(save_map).write_text(json.dumps(result["map"], indent=1) + "\n", encoding="utf-8")
    if figure:
        from training.figures import draw_histogram

        draw_histogram(result["histogram"], figure)
    return result
