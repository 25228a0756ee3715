"""Names for a bundle's clusters, from what an evaluation found in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from training.class_names import family_of
from vqss_engine.bundle import ModelBundle
from vqss_engine.errors import VQSSError, reason
from vqss_engine.parameters import is_plain

DOMINANT = 0.5  # of a cluster's energy; below, no class names it
NEARLY_ALL = 0.8  # of a code's clips; then their class names the cluster if it leads there
CLIPS_ENOUGH = 10  # to say what a code stands for
LONGEST = 48  # characters of a name, its number left out
UNUSED_SHARE = 0.005  # of all clusters' energy; a cluster with less stays without a name


def read_scores(path: str | Path, clusters: int) -> dict[str, Any]:
    """The output of `vqss evaluate --json`. Raises VQSSError if it is none, or is of another number of clusters."""
    try:
        scores = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise VQSSError(
            f"cannot read the scores {path} ({reason(error)}); write them with vqss evaluate --json"
        ) from error
    if not isinstance(scores, dict) or not _fits(scores, clusters):
        raise VQSSError(f"{path} holds no scores of {clusters} clusters; write them with vqss evaluate --json")
    return scores


def _fits(scores: Mapping[str, Any], clusters: int) -> bool:
    """Whether what names are made from has the kinds and lengths that `vqss evaluate` gives it."""
    histogram = scores.get("histogram", {"classes": [], "counts": []})
    try:
        classes, shares = scores["cluster_classes"], scores["cluster_shares"]
        whole = set(classes) == {str(k) for k in range(clusters)} and len(shares) == clusters
        numbers = [*shares, *(value for held in classes.values() for value in held.values())]
        texts = [*histogram["classes"], *(name for held in classes.values() for name in held)]
        counts = [row for row in histogram["counts"] if len(row) == clusters]
        numbers += [count for row in counts for count in row]
        fits = len(counts) == len(histogram["classes"]) and all(isinstance(text, str) for text in texts)
        return whole and fits and all(0 <= number < inf for number in numbers)
    except (TypeError, KeyError, AttributeError):
        return False


def cluster_names(
    classes: Mapping[str, Mapping[str, float]],
    shares: list[float],
    clips: Mapping[str, Mapping[str, int]] | None = None,
) -> list[str]:
    """A name for each cluster, '' where none fits.

    `classes` maps a cluster ('0' … 'K-1') to the shares of its energy by instrument, `shares` (K,) is its part of all
    clusters' energy, `clips` maps it to the counts of the clips with its code, by class. Where no single drum dominates
    but drums together do, the name is `drums`. Where nothing dominates the energy, a class that has nearly all clips
    and more of the energy than any other names the cluster. Clusters of one name are numbered by their energy: `bass`,
    `bass 2`.
    """
    plain = [
        _fit(_dominant(classes[str(k)]) or _meant(classes[str(k)], (clips or {}).get(str(k), {})))
        if share >= UNUSED_SHARE
        else ""
        for k, share in enumerate(shares)
    ]
    names, seen = [""] * len(plain), dict[str, int]()
    for k in sorted(range(len(plain)), key=lambda k: -shares[k]):
        if plain[k]:
            seen[plain[k]] = seen.get(plain[k], 0) + 1
            names[k] = plain[k] if seen[plain[k]] == 1 else f"{plain[k]} {seen[plain[k]]}"
    return names


def _fit(name: str) -> str:
    """A class is called as somebody's file was, which may be longer, or hold what no strip can show."""
    return "".join(character for character in name if is_plain(character))[:LONGEST].strip()


def _dominant(shares: Mapping[str, float]) -> str:
    if not shares:
        return ""
    best = max(shares, key=lambda name: shares[name])
    if shares[best] >= DOMINANT:
        return best
    return "drums" if _families(shares).get("drums", 0.0) >= DOMINANT else ""


def _meant(shares: Mapping[str, float], clips: Mapping[str, int]) -> str:
    """The class that the code stands for and that is heard in the cluster more than any other, if there is one."""
    meant, heard = _families(clips), _families(shares)
    if sum(meant.values()) < CLIPS_ENOUGH or not heard:
        return ""
    best = max(meant, key=lambda name: meant[name])
    is_heard = max(heard, key=lambda name: heard[name]) == best
    return best if is_heard and meant[best] >= NEARLY_ALL * sum(meant.values()) else ""


def _families(values: Mapping[str, float]) -> dict[str, float]:
    """The same with the parts of a kit summed."""
    out: dict[str, float] = {}
    for name, value in values.items():
        out[family_of(name)] = out.get(family_of(name), 0.0) + value
    return out


def code_clips(histogram: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Counts by class of the clips of each code, from the histogram of `vqss evaluate`."""
    columns = zip(*histogram.get("counts", ()))
    return {str(k): dict(zip(histogram["classes"], column)) for k, column in enumerate(columns)}


def named(bundle: ModelBundle, scores: Mapping[str, Any]) -> ModelBundle:
    """The bundle with names for its clusters, and the scores they come from in its provenance."""
    clips = code_clips(scores.get("histogram", {}))
    names = cluster_names(scores["cluster_classes"], scores["cluster_shares"], clips)
    kept = ("songs", "sdr_db", "cross", "codes_used", "perplexity", "purity", "nmi", "partition")
    summary = {key: _rounded(scores[key]) for key in kept if key in scores}
    return replace(bundle, cluster_names=names, provenance={**bundle.provenance, "scores": summary})


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 2) if isinstance(value, float) else value
