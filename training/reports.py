"""What `vqss evaluate` says, put together from the scores of single songs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.class_names import is_known
from training.scoring import (
    PartitionScore,
    SongScore,
    best_map,
    class_sdr,
    class_shares,
    ideal_sdr,
    likeness,
    mix_sdr,
    normalised_mutual_information,
    perplexity,
    purity,
    steadiness,
    with_average,
)

NEAR_DUPLICATES = 0.8  # correlation from which two clusters count as one
USED = 0.01  # of all clips; a code with fewer is not in use


def class_report(scores: list[SongScore], mapping: dict[int, str]) -> dict[str, Any]:
    """SDR by class with one map for all songs, with maps across halves, and with each song's own."""
    sdr, mix = with_average(class_sdr(scores, mapping)), with_average(mix_sdr(scores))
    names = sorted({name for score in scores for name in score.classes})
    return {
        "songs": len(scores),
        "sdr_db": sdr,
        "sdr_improvement_db": {name: sdr[name] - mix[name] for name in sdr},
        "baseline_sdr_db": {"mix": mix, "ideal_ratio_mask": with_average(ideal_sdr(scores))},
        "map": {str(k): name for k, name in mapping.items()},
        "cross": cross_halves(scores, names),
        "best_map_per_song": _per_song(scores),
    }


def cross_halves(scores: list[SongScore], names: list[str]) -> dict[str, float]:
    """Map on every other song, score on the rest, and the other way round: SDR in dB by class."""
    if len(scores) < 4:
        return {}
    halves = (scores[::2], scores[1::2]), (scores[1::2], scores[::2])
    return _merged(class_sdr(scored, best_map(mapped, names)) for mapped, scored in halves)


def _per_song(scores: list[SongScore]) -> dict[str, float]:
    return _merged(class_sdr([score], best_map([score], list(score.classes))) for score in scores)


def _merged(parts: Iterable[dict[str, list[float]]]) -> dict[str, float]:
    """Means over all songs of scores that were made of parts of them."""
    merged: dict[str, list[float]] = {}
    for part in parts:
        for name, values in part.items():
            merged.setdefault(name, []).extend(values)
    return with_average(merged)


def cluster_report(scores: list[SongScore], by_instrument: list[SongScore]) -> dict[str, Any]:
    """What each cluster holds, and how alike the clusters are to each other and to the mix."""
    alike = likeness(scores)
    closest = next(iter(alike.pairs(-1.0)), None)  # none of a single cluster
    return {
        "cluster_shares": _cluster_shares(scores),
        "cluster_classes": class_shares(by_instrument),
        "correlation": {
            "largest": closest[2] if closest else 0.0,
            "largest_pair": list(closest[:2]) if closest else [],
            "near_duplicates": [[i, j, value] for i, j, value in alike.pairs(NEAR_DUPLICATES)],
            "with_mix": alike.with_mix.tolist(),
        },
    }


def _cluster_shares(scores: list[SongScore]) -> list[float]:
    """Each cluster's part of the energy of all clusters, every song weighing alike."""
    energies = np.stack([np.diag(score.products)[: score.clusters] for score in scores])
    return [float(share) for share in (energies / energies.sum(axis=1, keepdims=True)).mean(0)]


def code_report(
    labels: list[list[str]],
    instruments: list[list[str]],
    codes: list[list[NDArray[np.int64]]],
    partitions: list[PartitionScore],
    clusters: int,
) -> dict[str, Any]:
    """What the query encoder and the codebook make of the stems' clips, by class and by instrument.

    The lists have one entry a song, and those one a stem. Stems of no known instrument count by class only.
    """
    names, heard = (list(chain.from_iterable(x)) for x in (labels, instruments))
    stems = list(chain.from_iterable(codes))
    histogram, classes = _histogram(names, stems, clusters)
    known = [i for i, instrument in enumerate(heard) if is_known(instrument)]
    finer, kinds = _histogram([heard[i] for i in known], [stems[i] for i in known], clusters)
    used = histogram.sum(0) >= USED * max(histogram.sum(), 1)
    return {
        "histogram": {"classes": classes, "counts": histogram.astype(int).tolist()},
        "codes_used": int(used.sum()),
        "perplexity": perplexity(histogram.sum(0)),
        "purity": purity(histogram),
        "nmi": normalised_mutual_information(histogram),
        "instruments": {
            "classes": kinds,
            "counts": finer.astype(int).tolist(),
            "purity": purity(finer),
            "nmi": normalised_mutual_information(finer),
        },
        "steadiness": steadiness(stems, clusters),
        "partition": _partition(partitions),
    }


def _histogram(
    names: list[str], stems: list[NDArray[np.int64]], clusters: int
) -> tuple[NDArray[np.float64], list[str]]:
    """Clips (classes, K) by the name and the codes of each stem; the classes that have clips."""
    classes = sorted({name for name, codes in zip(names, stems) if len(codes)})
    counts = np.zeros((len(classes), clusters))
    for name, codes in zip(names, stems):
        if len(codes):
            counts[classes.index(name)] += np.bincount(codes, minlength=clusters)
    return counts, classes


def _partition(songs: list[PartitionScore]) -> dict[str, float]:
    gains = [gain for song in songs for gain in song.gains_db]
    leaks = [leak for song in songs for leak in song.leaks_db]
    return {
        "sdr_improvement_db": float(np.mean(gains)) if gains else 0.0,
        "silence_db": float(np.mean(leaks)) if leaks else -100.0,
        "codes_in_use": len(set().union(*(song.codes for song in songs))),
    }


def robust_report(
    plain: list[SongScore], varied: dict[str, list[SongScore]], mapping: dict[int, str]
) -> dict[str, dict[str, float]]:
    """Average class SDR of each variant with the map of the plain songs, and what it is more than theirs, in dB.

    `improvement_db` is over the variant's own mix: turning stereo into mono changes what the mix itself scores.
    """
    rows: dict[str, dict[str, float]] = {}
    for name, scores in {"plain": plain, **varied}.items():
        sdr = with_average(class_sdr(scores, mapping))["average"]
        rows[name] = {"sdr_db": sdr, "improvement_db": sdr - with_average(mix_sdr(scores))["average"]}
        rows[name]["difference_db"] = sdr - rows["plain"]["sdr_db"]
    return rows
