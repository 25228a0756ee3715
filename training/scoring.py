"""Scores of a separation from inner products alone, so that any map of clusters to classes is scored at once.

For a song with class stems s_c and cluster estimates e_k, the matrix of all inner products over samples and
channels holds every SDR: |s - sum e|^2 = s.s - 2 sum s.e + sum sum e.e.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TINY = 1e-12


@dataclass(frozen=True)
class SongScore:
    """Inner products of one song: `classes` names the stems, `products` (K + S, K + S), clusters first.

    `ideal_error` (S,) is the squared error of ideal ratio masks.
    """

    song: str
    classes: tuple[str, ...]
    products: NDArray[np.float64]
    ideal_error: NDArray[np.float64]

    @property
    def clusters(self) -> int:
        return len(self.products) - len(self.classes)

    def overlap(self) -> NDArray[np.float64]:
        """Energy (K, S) of each cluster that projects on each stem."""
        k = self.clusters
        return np.maximum(self.products[:k, k:], 0.0)

    def energy(self, stem: int) -> float:
        return float(self.products[self.clusters + stem, self.clusters + stem])

    def error(self, stem: int, members: NDArray[np.intp]) -> float:
        """Squared error of the sum of `members` as an estimate of a stem."""
        s = self.clusters + stem
        inner = self.products[np.ix_(members, members)].sum()
        return float(max(self.products[s, s] - 2 * self.products[s, members].sum() + inner, 0.0))

    def mix_error(self, stem: int) -> float:
        """Squared error of the mix as an estimate of a stem: the energy of all other stems together."""
        others = [self.clusters + i for i in range(len(self.classes)) if i != stem]
        return float(self.products[np.ix_(others, others)].sum())

    def grouped(self, labels: list[str], ideal_error: NDArray[np.float64]) -> SongScore:
        """The same song with the stems of equal label summed; `ideal_error` is that of the sums."""
        names = sorted(set(labels))
        k = self.clusters
        gather = np.zeros((k + len(names), len(self.products)))
        gather[:k, :k] = np.eye(k)
        for stem, label in enumerate(labels):
            gather[k + names.index(label), k + stem] = 1
        return SongScore(self.song, tuple(names), gather @ self.products @ gather.T, ideal_error)


def decibels(signal: float, error: float) -> float:
    """Signal to error ratio in dB, bounded to ±100."""
    return float(np.clip(10 * np.log10(max(signal, TINY) / max(error, TINY)), -100, 100))


def best_map(scores: list[SongScore], names: list[str]) -> dict[int, str]:
    """Give each cluster to the class that most of its energy projects on over all songs."""
    clusters = scores[0].clusters
    total = np.zeros((clusters, len(names)))
    for score in scores:
        overlap = score.overlap() / max(np.trace(score.products[clusters:, clusters:]), TINY)
        for column, name in enumerate(score.classes):
            total[:, names.index(name)] += overlap[:, column]
    return {k: names[int(total[k].argmax())] for k in range(clusters)}


def class_sdr(scores: list[SongScore], mapping: dict[int, str]) -> dict[str, list[float]]:
    """SDR in dB of each class in each song that has it."""

    def error(score: SongScore, stem: int) -> float:
        members = [k for k in range(score.clusters) if mapping[k] == score.classes[stem]]
        return score.error(stem, np.array(members, np.intp))

    return _sdr_by_class(scores, error)


def mix_sdr(scores: list[SongScore]) -> dict[str, list[float]]:
    """SDR in dB of the mix as an estimate of each class."""
    return _sdr_by_class(scores, SongScore.mix_error)


def ideal_sdr(scores: list[SongScore]) -> dict[str, list[float]]:
    """SDR in dB of ideal ratio masks."""
    return _sdr_by_class(scores, lambda score, stem: float(score.ideal_error[stem]))


def _sdr_by_class(
    scores: list[SongScore], error: Callable[[SongScore, int], float]
) -> dict[str, list[float]]:
    out: dict[str, list[float]] = {}
    for score in scores:
        for stem, name in enumerate(score.classes):
            out.setdefault(name, []).append(decibels(score.energy(stem), error(score, stem)))
    return out


def with_average(by_class: dict[str, list[float]]) -> dict[str, float]:
    """Mean over songs of each class, and `average`, the mean over the classes."""
    means = {name: float(np.mean(values)) for name, values in sorted(by_class.items())}
    return means | {"average": float(np.mean(list(means.values())))} if means else {}


@dataclass(frozen=True)
class PartitionScore:
    """How one song is shared among the codes of its stems.

    `gains_db` of each present code over taking the mix, `leaks_db` of each absent code's cluster relative to the
    mix, `codes` that are present.
    """

    gains_db: list[float]
    leaks_db: list[float]
    codes: set[int]


def partition_score(stems: SongScore, codes: list[int]) -> PartitionScore:
    """Score a song whose stems have these codes; the reference of a code is the sum of its stems."""
    score = stems.grouped([f"{code:03d}" for code in codes], np.zeros(0))
    present = sorted(set(codes))
    k = score.clusters
    mix_energy = float(score.products[k:, k:].sum())
    leaks = [decibels(float(score.products[c, c]), mix_energy) for c in range(k) if c not in present]
    gains = []
    if len(present) > 1:  # a mix of one code alone has nothing to improve
        for place, code in enumerate(present):
            estimate = decibels(score.energy(place), score.error(place, np.array([code])))
            gains.append(estimate - decibels(score.energy(place), score.mix_error(place)))
    return PartitionScore(gains, leaks, set(present))


def perplexity(counts: NDArray[np.float64]) -> float:
    """Effective number of codes in use, from counts (K,)."""
    share = counts / max(counts.sum(), TINY)
    return float(np.exp(-(share * np.log(np.maximum(share, TINY))).sum()))


def purity(histogram: NDArray[np.float64]) -> float:
    """Share of clips whose class is the commonest of their code; histogram (classes, K)."""
    return float(histogram.max(axis=0, initial=0.0).sum() / max(histogram.sum(), TINY))


def normalised_mutual_information(histogram: NDArray[np.float64]) -> float:
    """Mutual information of class and code over the mean of their entropies, 0 … 1."""
    joint = histogram / max(histogram.sum(), TINY)
    rows, columns = joint.sum(1), joint.sum(0)
    independent = np.outer(rows, columns)
    mutual = (joint * np.log(np.maximum(joint, TINY) / np.maximum(independent, TINY))).sum()
    entropies = [-(p * np.log(np.maximum(p, TINY))).sum() for p in (rows, columns)]
    return float(mutual / max(np.mean(entropies), TINY))


@dataclass(frozen=True)
class Likeness:
    """How alike the clusters are over all songs, every song weighing alike.

    `between` (K, K) are the correlations of the clusters' signals, `with_mix` (K,) those with the mix; both are 0 for
    clusters that are silent.
    """

    between: NDArray[np.float64]
    with_mix: NDArray[np.float64]

    def pairs(self, above: float) -> list[tuple[int, int, float]]:
        """Pairs of clusters whose correlation is `above` this or equal, the most alike first."""
        first, second = np.triu_indices(len(self.between), 1)
        found = [(int(i), int(j), float(self.between[i, j])) for i, j in zip(first, second)]
        return sorted((pair for pair in found if pair[2] >= above), key=lambda pair: -pair[2])


def likeness(scores: list[SongScore]) -> Likeness:
    """Correlations of the clusters from the songs' inner products."""
    k = scores[0].clusters
    total = np.zeros((k + 1, k + 1))
    for score in scores:
        own = np.zeros((k + 1, len(score.products)))
        own[:k, :k], own[k, k:] = np.eye(k), 1.0  # the last row gathers the stems into the mix
        total += own @ score.products @ own.T / max(float(score.products[k:, k:].sum()), TINY)
    level = np.sqrt(np.maximum(np.diag(total), TINY))
    correlation = total / np.outer(level, level)
    return Likeness(correlation[:k, :k], correlation[:k, k])


def class_shares(scores: list[SongScore]) -> dict[str, dict[str, float]]:
    """Of each cluster ('0' … 'K-1') the shares of its energy by the class that it projects on, over all songs."""
    names = sorted({name for score in scores for name in score.classes})
    total = np.zeros((scores[0].clusters, len(names)))
    for score in scores:
        k = score.clusters
        overlap = score.overlap() / max(float(score.products[k:, k:].sum()), TINY)
        for column, name in enumerate(score.classes):
            total[:, names.index(name)] += overlap[:, column]
    share = total / np.maximum(total.sum(axis=1, keepdims=True), TINY)
    return {str(k): {name: float(x) for name, x in zip(names, row) if x > 0} for k, row in enumerate(share)}


def steadiness(stems: list[NDArray[np.int64]], clusters: int) -> dict[str, Any]:
    """Which part of their clips keeps the majority code of its stem, over all and for each code.

    `stems` holds the codes of each stem's clips; a stem with a single clip says nothing and is left out.
    """
    kept, clips = np.zeros(clusters), np.zeros(clusters)
    for codes in stems:
        if len(codes) > 1:
            counts = np.bincount(codes, minlength=clusters)
            kept[counts.argmax()] += counts.max()
            clips[counts.argmax()] += len(codes)
    by_code = {str(k): float(kept[k] / clips[k]) for k in range(clusters) if clips[k]}
    return {"share": float(kept.sum() / max(clips.sum(), 1)), "by_code": by_code, "clips": int(clips.sum())}
