"""Scores from inner products equal scores from the samples."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import ShortTimeFFT

from examples.demo_song import render
from training.evaluate import read_map, run_evaluation
from training.ideal_mask import FRAMES_AT_ONCE, HOP, WINDOW, ideal_ratio_error
from training.multitracks import class_of, find_multitracks, name_of, standard_classes
from training.scoring import (
    SongScore,
    best_map,
    class_sdr,
    decibels,
    mix_sdr,
    normalised_mutual_information,
    partition_score,
    perplexity,
    purity,
)
from vqss_engine.errors import UsageError, VQSSError
from vqss_engine.stft import asymmetric_windows


@pytest.fixture
def song() -> tuple[np.ndarray, np.ndarray, SongScore]:
    """Estimates (3, N) and sources (2, N): clusters 0 and 2 are parts of the first source."""
    rng = np.random.default_rng(0)
    sources = rng.standard_normal((2, 5000))
    noise = 0.1 * rng.standard_normal(5000)
    estimates = np.stack([0.7 * sources[0] + noise, sources[1] - noise, 0.3 * sources[0]])
    everything = np.concatenate([estimates, sources])
    return estimates, sources, SongScore("song", ("a", "b"), everything @ everything.T, np.ones(2))


def test_class_sdr_equals_its_definition(song: tuple[np.ndarray, np.ndarray, SongScore]) -> None:
    estimates, sources, score = song
    mapping = best_map([score], ["a", "b"])
    assert mapping == {0: "a", 1: "b", 2: "a"}
    error = np.square(sources[0] - estimates[0] - estimates[2]).sum()
    expected = 10 * np.log10(np.square(sources[0]).sum() / error)
    assert class_sdr([score], mapping)["a"][0] == pytest.approx(expected, abs=1e-6)


def test_mix_sdr_equals_its_definition(song: tuple[np.ndarray, np.ndarray, SongScore]) -> None:
    _, sources, score = song
    expected = 10 * np.log10(np.square(sources[0]).sum() / np.square(sources[1]).sum())
    assert mix_sdr([score])["a"][0] == pytest.approx(expected, abs=1e-6)


def test_the_ideal_mask_is_scored_over_samples_whatever_the_length() -> None:
    """Against scipy's own transforms of the whole song."""
    rng = np.random.default_rng(5)
    window = asymmetric_windows(WINDOW, HOP, WINDOW)[0].astype(np.float64)
    transform = ShortTimeFFT(window, HOP, 1)
    for length in (100, FRAMES_AT_ONCE * HOP, FRAMES_AT_ONCE * HOP - HOP + 1, 3 * FRAMES_AT_ONCE * HOP + 77):
        sources = (rng.standard_normal((3, 2, length)) * rng.uniform(0.1, 1, (3, 1, 1))).astype(np.float32)
        padded = np.pad(sources.astype(np.float64), ((0, 0), (0, 0), (0, 2 * WINDOW)))  # scipy asks for a whole window
        spectra, mix = transform.stft(padded), transform.stft(padded.sum(0))
        masks = np.abs(spectra) / (np.abs(spectra).sum(0) + 1e-9)
        estimates = transform.istft(masks * mix, k1=padded.shape[-1])
        errors = np.square(estimates - padded)[..., :length].sum((1, 2))
        assert ideal_ratio_error(sources, sources.sum(0)) == pytest.approx(errors, rel=1e-4)


def test_the_ideal_mask_of_a_long_song_takes_little_memory() -> None:
    sources = np.random.default_rng(6).standard_normal((3, 2, 20 * 44100)).astype(np.float32)
    mix = sources.sum(0)
    tracemalloc.start()
    try:
        ideal_ratio_error(sources, mix)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60e6  # with the spectra of the whole song 200 MB


def test_partition_score_equals_its_definition() -> None:
    """Stems 0 and 2 share code 1, stem 1 has code 0; cluster 2 should be silent."""
    rng = np.random.default_rng(4)
    stems, clusters = rng.standard_normal((3, 4000)), rng.standard_normal((3, 4000)) * 0.3
    clusters[1] += stems[0] + stems[2]
    everything = np.concatenate([clusters, stems])
    score = SongScore("song", ("a", "b", "c"), everything @ everything.T, np.zeros(0))
    found = partition_score(score, [1, 0, 1])
    mix, reference = stems.sum(0), stems[0] + stems[2]

    def sdr(target: np.ndarray, estimate: np.ndarray) -> float:
        return float(10 * np.log10(np.square(target).sum() / np.square(target - estimate).sum()))

    expected = [sdr(stems[1], clusters[0]) - sdr(stems[1], mix), sdr(reference, clusters[1]) - sdr(reference, mix)]
    assert found.gains_db == pytest.approx(expected, abs=1e-6)
    leak = 10 * np.log10(np.square(clusters[2]).sum() / np.square(mix).sum())
    assert found.leaks_db == pytest.approx([leak], abs=1e-6)
    assert found.codes == {0, 1}


def test_silence_and_perfection_stay_finite() -> None:
    assert decibels(0.0, 1.0) == -100
    assert decibels(1.0, 0.0) == 100


def test_code_scores_of_known_histograms() -> None:
    perfect, useless = np.eye(4) * 10, np.ones((4, 4))
    assert (purity(perfect), normalised_mutual_information(perfect)) == (pytest.approx(1), pytest.approx(1))
    assert (purity(useless), normalised_mutual_information(useless)) == (pytest.approx(0.25), pytest.approx(0))
    assert perplexity(perfect.sum(0)) == pytest.approx(4)


def test_class_names_ignore_numbers_and_unlisted_classes_become_other(tmp_path: Path) -> None:
    for name in ("one/vocals.wav", "one/other.wav", "two/vocals.wav", "two/03_flute.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert name_of(Path("a/03_Flute.wav"), Path("a")) == name_of(Path("a/stems/1-Flute.wav"), Path("a")) == "Flute"
    one, two = find_multitracks(tmp_path)
    assert standard_classes([one, two]) == {"vocals", "other"}
    assert standard_classes([two]) is None


def write_map(path: Path, name: str) -> Path:
    path.write_text(json.dumps({str(k): name for k in range(16)}))
    return path


def test_a_map_may_spell_classes_as_the_files_do(tmp_path: Path) -> None:
    assert set(read_map(write_map(tmp_path / "map.json", "Bass"), 16).values()) == {class_of("Bass")}


def test_an_unfit_map_is_refused(tmp_path: Path) -> None:
    (tmp_path / "map.json").write_text(json.dumps({"0": "a"}))
    with pytest.raises(UsageError, match="save-map"):
        read_map(tmp_path / "map.json", 16)
    with pytest.raises(VQSSError, match="cannot read"):
        read_map(tmp_path / "none.json", 16)


def test_what_cannot_be_read_or_written_is_told_before_the_songs_are_scored(tmp_path: Path) -> None:
    (tmp_path / "songs" / "one").mkdir(parents=True)
    soundfile.write(tmp_path / "songs" / "one" / "bass.wav", np.zeros(100), 44100)
    for options, error, words in (
        ({"map_file": tmp_path / "none.json"}, VQSSError, r"cannot read the map .*none.json \(No such file"),
        ({"save_map": tmp_path / "nofolder" / "m.json"}, VQSSError, "there is no folder .*; create it"),
        ({"figure": tmp_path / "nofolder" / "h.png"}, VQSSError, "there is no folder .*; create it"),
        ({"figure": tmp_path / "h.jpg"}, UsageError, r"h\.jpg.*; give --figure a name that ends in \.png"),
        ({"save_map": tmp_path / "songs"}, VQSSError, "cannot write"),
        ({"map_file": write_map(tmp_path / "drums.json", "Drums")}, UsageError, "no class in .* give classes of bass"),
        ({}, VQSSError, "no song in .* has two classes that sound"),     # as scoring them tells
    ):  # fmt: skip
        with pytest.raises(error, match=words):
            run_evaluation(tmp_path / "songs", **options)  # type: ignore[arg-type]


def test_the_shipped_model_is_scored(tmp_path: Path) -> None:
    """Two short songs through the real separator: every field is there, and maps and figures are written."""
    for number, seconds in enumerate((4.0, 5.0)):
        folder = tmp_path / "songs" / f"song{number}"
        folder.mkdir(parents=True)
        for name, audio in render(seconds).items():
            soundfile.write(folder / f"{name}.flac", audio.T, 44100)
    result = run_evaluation(
        tmp_path / "songs", save_map=tmp_path / "map.json", figure=tmp_path / "histogram.png"
    )
    assert result["songs"] == 2
    assert set(result["sdr_db"]) == set(result["sdr_improvement_db"])
    baseline = result["baseline_sdr_db"]
    assert result["sdr_db"]["average"] > baseline["mix"]["average"]
    assert baseline["ideal_ratio_mask"]["average"] > result["sdr_db"]["average"]
    assert np.sum(result["histogram"]["counts"]) > 0
    assert 1 <= result["partition"]["codes_in_use"] <= 16
    assert sum(result["cluster_shares"]) == pytest.approx(1)
    assert (tmp_path / "histogram.png").stat().st_size > 1000
    again = run_evaluation(tmp_path / "songs", map_file=tmp_path / "map.json")
    assert again["sdr_db"] == result["sdr_db"] and again["latency"] == "default"
    safe = run_evaluation(tmp_path / "songs", map_file=tmp_path / "map.json", profile="safe")
    assert safe["sdr_db"] != result["sdr_db"] and safe["latency"] == "safe"
    assert safe["sdr_db"]["average"] > baseline["mix"]["average"]
