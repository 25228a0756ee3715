"""`vqss evaluate`: how well a bundle separates multitracks it has never heard.

Every song runs through the streaming separator that users hear.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.codes import clip_codes, load_encoder
from training.multitracks import multitrack_folders, read_song, standard_classes
from training.scoring import (
    PartitionScore,
    SongScore,
    best_map,
    class_sdr,
    ideal_sdr,
    mix_sdr,
    normalised_mutual_information,
    partition_score,
    perplexity,
    purity,
    with_average,
)
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.errors import UsageError, VQSSError
from vqss_engine.separator import StreamingSeparator
from vqss_engine.stft import analysis_spectrogram

Floats = NDArray[np.float32]

IDEAL_WINDOW, IDEAL_HOP = 2048, 512


def separate(separator: StreamingSeparator, mix: Floats) -> Floats:
    """All clusters (K, C, N) of a mix (C, N), aligned with it."""
    separator.reset()
    hop, latency = separator.hop, separator.latency_samples
    hops = -(-(mix.shape[1] + latency) // hop)
    padded = np.zeros((mix.shape[0], hops * hop), np.float32)
    padded[:, : mix.shape[1]] = mix
    out = np.empty((separator.clusters, *padded.shape), np.float32)
    wanted, stems = np.ones(separator.clusters, np.bool_), np.empty((separator.clusters, mix.shape[0], hop), np.float32)
    for start in range(0, hops * hop, hop):
        separator.analyse(np.ascontiguousarray(padded[:, start : start + hop]))
        out[:, :, start : start + hop] = separator.stems(wanted, stems)
    return out[:, :, latency : latency + mix.shape[1]]


def ideal_ratio_error(sources: Floats, mix: Floats) -> NDArray[np.float64]:
    """Squared error (S,) of magnitude ratio masks computed from the sources (S, C, N) themselves."""
    spectra = [analysis_spectrogram(s, IDEAL_WINDOW, IDEAL_HOP, IDEAL_WINDOW) for s in sources]
    total = sum(np.abs(s) for s in spectra) + 1e-9
    mixed = analysis_spectrogram(mix, IDEAL_WINDOW, IDEAL_HOP, IDEAL_WINDOW)
    # the windows are a tight frame: energies of spectra are energies of signals times a constant
    scale = np.square(mix).sum(dtype=np.float64) / max(_spectral_energy(mixed), 1e-20)
    return np.array([scale * _spectral_energy(s - np.abs(s) / total * mixed) for s in spectra])


def _spectral_energy(spectrum: NDArray[np.complex64]) -> float:
    power = np.square(np.abs(spectrum), dtype=np.float64)
    return float(2 * power.sum() - power[..., 0].sum() - power[..., -1].sum())


@dataclass(frozen=True)
class SongResult:
    """One song's scores: by class, by code (None without a query encoder), and the code of every clip."""

    classes: SongScore
    partition: PartitionScore | None
    clips: list[tuple[str, int]]


class Scorer:
    """Separates and scores songs with one bundle."""

    def __init__(self, bundle: ModelBundle, standard: set[str] | None) -> None:
        self._bundle, self._standard = bundle, standard
        self._separator = StreamingSeparator(bundle, StreamConfig.named("default"), 2)
        self._encoder = load_encoder(bundle) if bundle.query_weights else None

    def score(self, folder: Path) -> SongResult | None:
        """Separate one song and take all inner products; None where fewer than two classes sound."""
        stems = read_song(folder, self._bundle.config.sample_rate)
        labels = [self._class(name) for name, _ in stems]
        if len(set(labels)) < 2:
            return None
        sources = np.stack([audio for _, audio in stems])
        mix = sources.sum(0)
        clusters = separate(self._separator, mix)
        everything = np.concatenate([clusters, sources]).reshape(len(clusters) + len(sources), -1)
        products = (everything @ everything.T).astype(np.float64)
        score = SongScore(folder.name, tuple(f"{i:03d}" for i in range(len(stems))), products, np.zeros(0))
        by_class = np.stack([sources[[x == name for x in labels]].sum(0) for name in sorted(set(labels))])
        codes = [clip_codes(self._encoder, self._bundle, audio) for audio in sources] if self._encoder else []
        return SongResult(
            score.grouped(labels, ideal_ratio_error(by_class, mix)),
            partition_score(score, [int(np.bincount(c).argmax()) for c in codes]) if codes else None,
            [(label, int(code)) for label, stem_codes in zip(labels, codes, strict=False) for code in stem_codes],
        )

    def _class(self, name: str) -> str:
        return name if self._standard is None or name in self._standard else "other"


def read_map(path: str | Path, clusters: int) -> dict[int, str]:
    """A map of clusters to classes from JSON; raises VQSSError or UsageError where it does not fit."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise VQSSError(f"cannot read the map {path} ({error}); give a JSON object of cluster to class") from error
    if not isinstance(data, dict) or set(data) != {str(k) for k in range(clusters)}:
        raise UsageError(f"{path} does not map clusters 0 to {clusters - 1}; write it with --save-map")
    return {int(k): str(v) for k, v in data.items()}


def run_evaluation(
    directory: str | Path,
    model: str | Path | None = None,
    map_file: str | Path | None = None,
    save_map: str | Path | None = None,
    figure: str | Path | None = None,
) -> dict[str, Any]:
    """Score a bundle on DIR/<song>/<class>.<ext>; returns the contract's fields."""
    bundle = ModelBundle.load(model)
    folders = multitrack_folders(Path(directory))
    scorer = Scorer(bundle, standard_classes(folders))
    results = [result for result in map(scorer.score, folders) if result is not None]
    if not results:
        raise VQSSError(f"no song in {directory} has two classes that sound; nothing can be scored")
    scores = [result.classes for result in results]
    names = sorted({name for score in scores for name in score.classes})
    mapping = read_map(map_file, bundle.config.clusters) if map_file else best_map(scores, names)
    result = _class_scores(scores, mapping)
    result |= {"cross": cross_halves(scores, names), "best_map_per_song": _per_song(scores)}
    result |= {"cluster_shares": _cluster_shares(scores)}
    if bundle.query_weights:
        result |= _code_scores([clip for r in results for clip in r.clips], bundle.config.clusters)
        result |= {"partition": _partition([r.partition for r in results if r.partition])}
    if save_map:
        Path(save_map).write_text(json.dumps(result["map"], indent=1) + "\n", encoding="utf-8")
    if figure and "histogram" in result:
        from training.figures import draw_histogram

        draw_histogram(result["histogram"], figure)
    return result


def _class_scores(scores: list[SongScore], mapping: dict[int, str]) -> dict[str, Any]:
    sdr, mix = with_average(class_sdr(scores, mapping)), with_average(mix_sdr(scores))
    return {
        "songs": len(scores),
        "sdr_db": sdr,
        "sdr_improvement_db": {name: sdr[name] - mix[name] for name in sdr},
        "baseline_sdr_db": {"mix": mix, "ideal_ratio_mask": with_average(ideal_sdr(scores))},
        "map": {str(k): name for k, name in mapping.items()},
    }


def cross_halves(scores: list[SongScore], names: list[str]) -> dict[str, float]:
    """Map on every other song, score on the rest, and the other way round: SDR in dB by class."""
    if len(scores) < 4:
        return {}
    merged: dict[str, list[float]] = {}
    for mapped, scored in ((scores[::2], scores[1::2]), (scores[1::2], scores[::2])):
        for name, values in class_sdr(scored, best_map(mapped, names)).items():
            merged.setdefault(name, []).extend(values)
    return with_average(merged)


def _per_song(scores: list[SongScore]) -> dict[str, float]:
    merged: dict[str, list[float]] = {}
    for score in scores:
        for name, values in class_sdr([score], best_map([score], list(score.classes))).items():
            merged.setdefault(name, []).extend(values)
    return with_average(merged)


def _code_scores(clips: list[tuple[str, int]], clusters: int) -> dict[str, Any]:
    classes = sorted({name for name, _ in clips})
    histogram = np.zeros((len(classes), clusters))
    for name, code in clips:
        histogram[classes.index(name), code] += 1
    used = histogram.sum(0) >= 0.01 * max(histogram.sum(), 1)
    return {
        "histogram": {"classes": classes, "counts": histogram.astype(int).tolist()},
        "codes_used": int(used.sum()),
        "perplexity": perplexity(histogram.sum(0)),
        "purity": purity(histogram),
        "nmi": normalised_mutual_information(histogram),
    }


def _partition(songs: list[PartitionScore]) -> dict[str, float]:
    gains = [gain for song in songs for gain in song.gains_db]
    leaks = [leak for song in songs for leak in song.leaks_db]
    return {
        "sdr_improvement_db": float(np.mean(gains)) if gains else 0.0,
        "silence_db": float(np.mean(leaks)) if leaks else -100.0,
        "codes_in_use": len(set().union(*(song.codes for song in songs))),
    }


def _cluster_shares(scores: list[SongScore]) -> list[float]:
    """Each cluster's part of the energy of all clusters, every song weighing alike."""
    energies = np.stack([np.diag(score.products)[: score.clusters] for score in scores])
    return [float(share) for share in (energies / energies.sum(axis=1, keepdims=True)).mean(0)]
