"""`vqss evaluate`: how well a bundle separates multitracks it has never heard.

Every song runs through the streaming separator that users hear.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.codes import assign_clips, stem_codes
from training.multitracks import by_class, multitrack_folders, read_song, standard_classes
from training.scoring import (
    SongScore,
    best_map,
    class_sdr,
    decibels,
    ideal_sdr,
    mix_sdr,
    normalised_mutual_information,
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


def score_song(folder: Path, separator: StreamingSeparator, rate: int, standard: set[str] | None) -> SongScore | None:
    """Separate one song and take all inner products; None where fewer than two classes sound."""
    classes = by_class(read_song(folder, rate), standard)
    if len(classes) < 2:
        return None
    sources = np.stack(list(classes.values()))
    mix = sources.sum(0)
    everything = np.concatenate([separate(separator, mix), sources]).reshape(separator.clusters + len(sources), -1)
    products = (everything @ everything.T).astype(np.float64)
    return SongScore(folder.name, tuple(classes), products, ideal_ratio_error(sources, mix))


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
    standard = standard_classes(folders)
    rate = bundle.config.sample_rate
    separator = StreamingSeparator(bundle, StreamConfig.named("default"), 2)
    scored = [score_song(folder, separator, rate, standard) for folder in folders]
    scores = [score for score in scored if score is not None]
    if not scores:
        raise VQSSError(f"no song in {directory} has two classes that sound; nothing can be scored")
    names = sorted({name for score in scores for name in score.classes})
    mapping = read_map(map_file, bundle.config.clusters) if map_file else best_map(scores, names)
    result = _class_scores(scores, mapping)
    result |= {"cross": cross_halves(scores, names), "best_map_per_song": _per_song(scores)}
    result |= _code_scores(bundle, folders, standard)
    if save_map:
        Path(save_map).write_text(json.dumps(result["map"], indent=1) + "\n", encoding="utf-8")
    if figure:
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


def _code_scores(bundle: ModelBundle, folders: list[Path], standard: set[str] | None) -> dict[str, Any]:
    clips = assign_clips(bundle, folders)
    named = [(name if standard is None or name in standard else "other", code) for name, code in clips]
    classes = sorted({name for name, _ in named})
    histogram = np.zeros((len(classes), bundle.config.clusters))
    for name, code in named:
        histogram[classes.index(name), code] += 1
    used = histogram.sum(0) >= 0.01 * max(histogram.sum(), 1)
    return {
        "histogram": {"classes": classes, "counts": histogram.astype(int).tolist()},
        "codes_used": int(used.sum()),
        "perplexity": perplexity(histogram.sum(0)),
        "purity": purity(histogram),
        "nmi": normalised_mutual_information(histogram),
    }


def partition_score(directory: str | Path, model: str | Path | None = None) -> dict[str, float]:
    """Mean SDR improvement of the partition on rendered songs, codes in use, and the level of silent clusters.

    Each stem's code comes from the query encoder; the reference of a code is the sum of its stems.
    """
    bundle = ModelBundle.load(model)
    separator = StreamingSeparator(bundle, StreamConfig.named("default"), 2)
    gains, leaks, used = [], [], set()
    for folder in multitrack_folders(Path(directory)):
        stems = [audio for _, audio in read_song(folder, bundle.config.sample_rate)]
        codes = stem_codes(bundle, stems)
        mix = np.sum(stems, axis=0)
        estimates = separate(separator, mix)
        energy = float(np.square(mix).sum())
        for k in range(bundle.config.clusters):
            members = [stem for stem, code in zip(stems, codes, strict=True) if code == k]
            if not members:
                leaks.append(decibels(float(np.square(estimates[k]).sum()), energy))
                continue
            used.add(k)
            reference = np.sum(members, axis=0)
            signal = float(np.square(reference).sum())
            error = float(np.square(reference - estimates[k]).sum())
            if len(members) < len(stems):  # a mix of one code alone has nothing to improve
                gains.append(decibels(signal, error) - decibels(signal, float(np.square(reference - mix).sum())))
    return {
        "sdr_improvement_db": float(np.mean(gains)),
        "codes_in_use": len(used),
        "silence_db": float(np.mean(leaks)) if leaks else -100.0,
    }
