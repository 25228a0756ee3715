"""What an evaluation says of clusters and codes: likeness, shares, steadiness, names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.export import export_bundle
from training.naming import cluster_names, code_clips
from training.reports import cluster_report, code_report
from training.scoring import SongScore, class_shares, likeness, steadiness
from vqss_engine.bundle import ModelBundle
from vqss_engine.errors import VQSSError


def song_of(clusters: np.ndarray, stems: np.ndarray, classes: tuple[str, ...]) -> SongScore:
    everything = np.concatenate([clusters, stems])
    return SongScore("song", classes, everything @ everything.T, np.zeros(0))


@pytest.fixture
def signals() -> tuple[np.ndarray, np.ndarray]:
    """Clusters (4, N) and stems (2, N): 0 and 1 are alike, 2 is the mix, 3 is silent."""
    rng = np.random.default_rng(3)
    stems = rng.standard_normal((2, 6000))
    clusters = np.stack([stems[0], stems[0] + 0.2 * stems[1], 0.5 * stems.sum(0), 0 * stems[0]])
    return clusters, stems


def test_likeness_is_the_correlation_of_the_signals(signals: tuple[np.ndarray, np.ndarray]) -> None:
    clusters, stems = signals
    found = likeness([song_of(clusters, stems, ("a", "b"))])

    def correlation(one: np.ndarray, other: np.ndarray) -> float:
        return float(one @ other / np.sqrt((one @ one) * (other @ other)))

    assert found.between[0, 1] == pytest.approx(correlation(clusters[0], clusters[1]))
    assert found.with_mix[:3] == pytest.approx([correlation(c, stems.sum(0)) for c in clusters[:3]])
    assert found.with_mix[3] == pytest.approx(0, abs=1e-6)
    report = cluster_report([song_of(clusters, stems, ("a", "b"))], [song_of(clusters, stems, ("a", "b"))])
    assert report["correlation"]["largest_pair"] == [0, 1]
    pairs = [(i, j) for i, j, _ in report["correlation"]["near_duplicates"]]
    assert pairs == [(0, 1), (1, 2)]  # a mix of two equal parts correlates with one by 0.7, with 1 : 0.2 by 0.83
    assert report["correlation"]["largest"] == pytest.approx(found.between[0, 1])


def test_shares_say_which_class_a_cluster_projects_on(signals: tuple[np.ndarray, np.ndarray]) -> None:
    clusters, stems = signals
    shares = class_shares([song_of(clusters, stems, ("a", "b"))])
    assert shares["0"]["a"] > 0.95
    assert shares["2"]["a"] == pytest.approx(0.5, abs=0.05)
    assert shares["3"] == {}


def test_steadiness_counts_the_clips_that_keep_the_majority() -> None:
    stems = [np.array([0, 0, 1, 0]), np.array([1, 1]), np.array([2])]
    assert steadiness(stems, 3) == {"share": 5 / 6, "by_code": {"0": 0.75, "1": 1.0}, "clips": 6}


def test_codes_are_scored_by_class_and_by_instrument() -> None:
    """Every stem of `other` counts by class; by instrument only those whose name tells one."""
    labels, instruments = [["drums", "other", "other"]], [["kick", "guitar", "other"]]
    codes = [[np.array([0, 0]), np.array([1, 1]), np.array([0, 2])]]
    report = code_report(labels, instruments, codes, [], 3)
    assert report["histogram"] == {"classes": ["drums", "other"], "counts": [[2, 0, 0], [1, 2, 1]]}
    assert report["purity"] == pytest.approx(5 / 6)
    assert report["instruments"] == {
        "classes": ["guitar", "kick"], "counts": [[0, 2, 0], [2, 0, 0]], "purity": 1.0, "nmi": pytest.approx(1.0),
    }  # fmt: skip
    nothing = code_report([["other"]], [["other"]], [[np.array([0, 1])]], [], 3)["instruments"]
    assert nothing["classes"] == [] and nothing["purity"] == nothing["nmi"] == 0.0


def test_a_dominant_class_names_a_cluster_and_equals_are_numbered() -> None:
    classes = {
        "0": {"bass": 0.6, "drums": 0.4},
        "1": {"bass": 0.9},
        "2": {"kick": 0.3, "snare": 0.3, "vocals": 0.4},
        "3": {"bass": 0.4, "vocals": 0.4, "guitar": 0.2},
        "4": {"vocals": 1.0},
        "5": {},
    }
    assert cluster_names(classes, [0.2, 0.3, 0.2, 0.2, 0.001, 0.099]) == ["bass 2", "bass", "drums", "", "", ""]


def test_what_a_code_stands_for_names_a_cluster_that_nothing_dominates() -> None:
    classes = {str(k): {"kick": 0.25, "snare": 0.2, "bass": 0.3, "vocals": 0.25} for k in range(4)}
    counts = {"classes": ["drums", "bass"], "counts": [[90, 9, 50, 5], [10, 0, 50, 95]]}
    clips = code_clips(counts)
    assert clips["0"] == {"drums": 90, "bass": 10}
    # 1: too few clips to say, 2: drums as often as bass, 3: bass by its clips, but drums are heard more
    assert cluster_names(classes, [0.25] * 4, clips) == ["drums", "", "", ""]
    assert cluster_names(classes, [0.25] * 4) == [""] * 4


def test_names_of_files_that_no_strip_can_show_are_cut() -> None:
    long, odd = "a bounce of the lead that was exported twice " * 3, "ho\udce9rn\n"
    names = cluster_names({"0": {long: 1.0}, "1": {long: 1.0}, "2": {odd: 1.0}}, [0.4, 0.3, 0.3])
    cut = "a bounce of the lead that was exported twice a b"
    assert names == [cut, f"{cut} 2", "horn"]
    assert all(len(name) <= 64 for name in names)


def test_a_bundle_is_exported_with_names_and_scores(tmp_path: Path) -> None:
    ModelBundle.random().save(tmp_path / "plain")
    shares = {str(k): {"drums": 1.0} if k == 3 else {"bass": 0.3} for k in range(16)}
    scores = {"cluster_classes": shares, "cluster_shares": [1 / 16] * 16, "songs": 2, "sdr_db": {"average": 1.23456}}
    (tmp_path / "scores.json").write_text(json.dumps(scores))
    bundle = export_bundle(tmp_path / "plain", tmp_path / "named", "mine", tmp_path / "scores.json")
    assert bundle.cluster_names == ["", "", "", "drums", *[""] * 12]
    assert bundle.provenance["scores"] == {"songs": 2, "sdr_db": {"average": 1.23}}
    assert (bundle.name, bundle.sha256) == ("mine", ModelBundle.load(tmp_path / "plain").sha256)
    lists: dict[str, object] = {"classes": ["a", "b"], "counts": [[1] * 16]}
    for damage in (
        {"cluster_classes": {}}, {"cluster_classes": {str(k): [1] for k in range(16)}}, {"cluster_shares": None},
        {"cluster_shares": [1.0]}, {"cluster_shares": ["a"] * 16}, {"cluster_shares": [float("nan")] * 16},
        {"histogram": 3}, {"histogram": {"counts": []}}, {"histogram": lists},
    ):  # fmt: skip
        (tmp_path / "scores.json").write_text(json.dumps(scores | damage))
        with pytest.raises(VQSSError, match="evaluate --json"):
            export_bundle(tmp_path / "plain", tmp_path / "other", scores=tmp_path / "scores.json")
    assert not (tmp_path / "other").exists()
