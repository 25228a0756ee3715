"""What `vqss separate` writes is the song: same rate, length and channels, and the stems sum to it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.bench_signal import bench_signal
from bridge.coding import Coding
from bridge.files import FileJob, Separation, separate_file
from vqss_engine.bundle import ModelBundle
from vqss_engine.errors import VQSSError

RATES_HZ = (8_000, 22_050, 44_100, 48_000, 96_000, 192_000)
NULL = 1e-5  # -100 dBFS


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return ModelBundle.load()


def noisy_song(seconds: float, rate: int, channels: int) -> np.ndarray:
    """(N, C) with energy up to the Nyquist frequency and clicks at both ends."""
    song = bench_signal(seconds, rate)[:channels].T.copy()
    song += 0.02 * np.random.default_rng(rate).standard_normal(song.shape).astype(np.float32)
    song[0] += 0.2
    song[-1] -= 0.2
    return song


def separate(song: np.ndarray, rate: int, tmp_path: Path, bundle: ModelBundle, job: FileJob) -> Separation:
    path = tmp_path / "a song.wav"
    soundfile.write(path, song, rate, subtype="FLOAT")
    return separate_file(path, tmp_path / "out" / "a song", bundle, job)


def read_stems(result: Separation) -> dict[int, np.ndarray]:
    files = {cluster["index"]: cluster["file"] for cluster in result.manifest["clusters"] if cluster["file"]}
    return {i: soundfile.read(result.folder / name, dtype="float32", always_2d=True)[0] for i, name in files.items()}


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES_HZ)
def test_all_stems_sum_to_the_song_at_every_rate(
    rate: int, channels: int, tmp_path: Path, bundle: ModelBundle
) -> None:
    song = noisy_song(0.37, rate, channels)
    result = separate(song, rate, tmp_path, bundle, FileJob(clusters="all"))
    stems = read_stems(result)
    assert len(stems) == bundle.config.clusters
    assert all(stem.shape == song.shape for stem in stems.values())
    assert np.abs(sum(stems.values()) - song).max() <= NULL
    assert result.manifest["null_dbfs"] <= -100.0
    info = soundfile.info(next(result.folder.glob("cluster_00*.wav")))
    assert (info.samplerate, info.channels, info.frames) == (rate, channels, len(song))


def test_stems_sound_the_same_at_another_rate(tmp_path: Path, bundle: ModelBundle) -> None:
    """Not only their sum: each stem is where it belongs in time, whatever conversions lie on its way."""
    import soxr

    # Nothing above 16 kHz: what one rate holds and the other does not would tell the model of another song.
    native = soxr.resample(soxr.resample(bench_signal(1.5, 44_100).T, 44_100, 36_000), 36_000, 44_100)
    at_48k = soxr.resample(native, 44_100, 48_000)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    job = FileJob(clusters="all")
    first = read_stems(separate(native, 44_100, tmp_path / "a", bundle, job))
    second = read_stems(separate(at_48k, 48_000, tmp_path / "b", bundle, job))
    energy = {index: float(np.square(stem).sum()) for index, stem in first.items()}
    errors = dict.fromkeys(range(-3, 4), 0.0)
    for index in (index for index, own in energy.items() if own > 1e-3 * sum(energy.values())):
        expected = soxr.resample(first[index], 44_100, 48_000)
        misses = {lag: (second[index] - np.roll(expected, lag, axis=0))[8:-8] for lag in errors}
        ratios = {lag: float(np.square(miss).sum()) / energy[index] for lag, miss in misses.items()}
        assert 10.0 * np.log10(ratios[0]) < -40.0, index
        # Low notes fit nearly as well a frame off: no stem decides alone where they lie.
        errors = {lag: error + ratios[lag] for lag, error in errors.items()}
    assert min(errors, key=lambda lag: errors[lag]) == 0


@pytest.mark.parametrize(
    "song",
    [
        pytest.param(np.full((1, 1), 0.5, np.float32), id="one sample"),
        pytest.param(np.full((1, 2), -0.5, np.float32), id="one stereo sample"),
        pytest.param(np.zeros((9_000, 2), np.float32), id="silence"),
        pytest.param(np.sign(np.sin(np.arange(9_000.0) * 0.05 + 0.1))[:, None].astype(np.float32), id="square"),
        pytest.param(np.full((3_000, 2), 4.0, np.float32), id="beyond full scale"),
        pytest.param(np.full((3_000, 1), 1e-30, np.float32), id="denormal powers"),
    ],
)
@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_odd_but_good_songs(song: np.ndarray, rate: int, tmp_path: Path, bundle: ModelBundle) -> None:
    result = separate(song, rate, tmp_path, bundle, FileJob(clusters="all"))
    stems = read_stems(result)
    assert all(stem.shape == song.shape and np.isfinite(stem).all() for stem in stems.values())
    assert np.abs(sum(stems.values()) - song).max() <= NULL * max(1.0, float(np.abs(song).max()))
    shares = [cluster["share"] for cluster in result.manifest["clusters"]]
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert any(shares) or not np.abs(song).max() > 1e-20


def test_silence_uses_no_cluster(tmp_path: Path, bundle: ModelBundle) -> None:
    result = separate(np.zeros((9_000, 1), np.float32), 44_100, tmp_path, bundle, FileJob(clusters="active"))
    assert sorted(path.name for path in result.folder.iterdir()) == ["manifest.json"]


def test_active_writes_exactly_the_clusters_the_song_uses(tmp_path: Path, bundle: ModelBundle) -> None:
    result = separate(noisy_song(0.5, 44_100, 2), 44_100, tmp_path, bundle, FileJob(clusters="active"))
    clusters = result.manifest["clusters"]
    assert any(cluster["active"] for cluster in clusters)
    assert all((cluster["file"] is not None) == cluster["active"] for cluster in clusters)
    written = {path.name for path in result.folder.glob("cluster_*")}
    assert written == {cluster["file"] for cluster in clusters if cluster["file"]}


def test_chosen_clusters_are_those_of_all(tmp_path: Path, bundle: ModelBundle) -> None:
    song = noisy_song(0.3, 44_100, 2)
    everything = read_stems(separate(song, 44_100, tmp_path, bundle, FileJob(clusters="all")))
    chosen = separate(song, 44_100, tmp_path, bundle, FileJob(clusters=(14, 3, 3), overwrite=True))
    stems = read_stems(chosen)
    assert sorted(stems) == [3, 14]
    assert all(np.array_equal(stems[index], everything[index]) for index in stems)
    assert len(list(chosen.folder.glob("cluster_*"))) == 2


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_mixdown_with_all_faders_at_zero_is_the_song(rate: int, tmp_path: Path, bundle: ModelBundle) -> None:
    song = noisy_song(0.3, rate, 2)
    result = separate(song, rate, tmp_path, bundle, FileJob(mixdown=True))
    mixdown = soundfile.read(result.folder / "mixdown.wav", dtype="float32")[0]
    assert mixdown.shape == song.shape
    assert np.abs(mixdown - song).max() <= NULL


def test_mixdown_follows_the_settings_and_stems_do_not(tmp_path: Path, bundle: ModelBundle) -> None:
    song = noisy_song(0.3, 48_000, 2)
    settings = (("/vqss/cluster/3/mute", "on"), ("/vqss/cluster/5/gain", "-6 dB"), ("/vqss/main/gain", "3"))
    job = FileJob(clusters="all", mixdown=True, settings=settings)
    result = separate(song, 48_000, tmp_path, bundle, job)
    stems = read_stems(result)
    assert np.abs(sum(stems.values()) - song).max() <= NULL
    expected = 10 ** (3 / 20) * (song - stems[3] - (1.0 - 10 ** (-6 / 20)) * stems[5])
    mixdown = soundfile.read(result.folder / "mixdown.wav", dtype="float32")[0]
    assert np.abs(mixdown - expected).max() <= NULL


@pytest.mark.parametrize(
    ("path", "value", "is_heard"),
    [("cluster/3/mute", "1", True), ("main/limiter", "1", True), ("cluster/3/pan", "-1", True),
     ("cluster/3/name", "snare", False), ("cluster/3/color", "#102030", False), ("cluster/3/group", "2", False)],
)  # fmt: skip
def test_faders_that_no_stem_has_are_told(
    path: str, value: str, is_heard: bool, tmp_path: Path, bundle: ModelBundle
) -> None:
    song, settings = noisy_song(0.1, 44_100, 1), ((f"/vqss/{path}", value),)
    told = separate(song, 44_100, tmp_path, bundle, FileJob(settings=settings)).remarks
    assert [("faders" in remark and "--mixdown" in remark) for remark in told] == [True] * is_heard
    mixed = FileJob(settings=settings, mixdown=True, overwrite=True)
    assert not separate(song, 44_100, tmp_path, bundle, mixed).remarks


def test_a_limited_mixdown_keeps_its_length_and_stays_within_full_scale(tmp_path: Path, bundle: ModelBundle) -> None:
    song = noisy_song(0.31, 44_100, 2)
    job = FileJob(mixdown=True, settings=(("/vqss/main/gain", "12"), ("/vqss/main/limiter", "1")))
    result = separate(song, 44_100, tmp_path, bundle, job)
    mixdown = soundfile.read(result.folder / "mixdown.wav", dtype="float32")[0]
    assert mixdown.shape == song.shape
    assert 0.9 < np.abs(mixdown).max() <= 1.0


@pytest.mark.parametrize(
    ("extension", "subtype", "written"),
    [
        ("wav", None, "FLOAT"), ("wav", "PCM_16", "PCM_16"), ("wav", "PCM_24", "PCM_24"),
        ("flac", None, "PCM_24"), ("flac", "PCM_16", "PCM_16"),
        ("ogg", None, "VORBIS"), ("mp3", None, "MPEG_LAYER_III"),
    ],
)  # fmt: skip
def test_formats(extension: str, subtype: str | None, written: str, tmp_path: Path, bundle: ModelBundle) -> None:
    song = noisy_song(0.5, 44_100, 2)
    job = FileJob(clusters="all", coding=Coding.named(extension, subtype))
    result = separate(song, 44_100, tmp_path, bundle, job)
    stems = read_stems(result)
    assert all(stem.shape == song.shape for stem in stems.values())
    assert soundfile.info(next(result.folder.glob("cluster_00*"))).subtype == written
    worst = {"FLOAT": NULL, "PCM_24": NULL, "PCM_16": 16 * 2.0**-15}.get(written, 0.3)
    assert np.abs(sum(stems.values()) - song).max() <= worst


def test_stems_that_clip_an_integer_format_are_named(tmp_path: Path, bundle: ModelBundle) -> None:
    song = 4.0 * noisy_song(0.3, 44_100, 1)
    job = FileJob(coding=Coding.named("wav", "PCM_16"), mixdown=True, clusters=(0,))
    result = separate(song, 44_100, tmp_path, bundle, job)
    assert any("mixdown.wav" in remark and "clipped" in remark for remark in result.remarks)
    written = soundfile.read(result.folder / "mixdown.wav")[0]
    assert np.sign(written[np.argmax(song)]) == 1.0  # clipped, not wrapped around
    assert not separate(song, 44_100, tmp_path, bundle, FileJob(mixdown=True, overwrite=True)).remarks


def test_the_manifest_holds_what_scripts_read(tmp_path: Path, bundle: ModelBundle) -> None:
    song = noisy_song(0.3, 48_000, 2)
    result = separate(song, 48_000, tmp_path, bundle, FileJob(profile="low"))
    manifest = json.loads((result.folder / "manifest.json").read_text("utf-8"))
    assert manifest == result.manifest
    assert set(manifest) == {
        "format", "song", "sample_rate", "channels", "frames", "model", "clusters", "null_dbfs", "latency_samples",
        "seconds", "realtime_factor", "peak_rss_mb", "device", "files",
    }  # fmt: skip
    assert manifest["files"] == sorted({path.name for path in result.folder.iterdir()} - {"manifest.json"})
    assert (manifest["format"], manifest["song"], manifest["latency_samples"]) == (1, "a song.wav", 256)
    assert (manifest["sample_rate"], manifest["channels"], manifest["frames"]) == (48_000, 2, len(song))
    assert manifest["model"] == {"name": bundle.name, "sha256": bundle.sha256, "clusters": bundle.config.clusters}
    assert [cluster["index"] for cluster in manifest["clusters"]] == list(range(bundle.config.clusters))
    fields = {"index", "name", "file", "rms_dbfs", "peak_dbfs", "share", "active"}
    assert all(set(cluster) == fields for cluster in manifest["clusters"])


def test_levels_in_the_manifest_are_those_of_the_files(tmp_path: Path, bundle: ModelBundle) -> None:
    song = noisy_song(0.4, 44_100, 2)
    result = separate(song, 44_100, tmp_path, bundle, FileJob(clusters="all"))
    stems, whole = read_stems(result), float(np.square(song, dtype=np.float64).sum())
    energies = {index: float(np.square(stem, dtype=np.float64).sum()) for index, stem in stems.items()}
    for cluster in result.manifest["clusters"]:
        stem = stems[cluster["index"]]
        rms = max(-200.0, 10 * np.log10(max(np.square(stem, dtype=np.float64).mean(), 1e-30)))
        assert cluster["rms_dbfs"] == pytest.approx(rms, abs=0.01)
        assert cluster["share"] == pytest.approx(energies[cluster["index"]] / whole, abs=1e-5)


def test_names_set_by_the_user_name_the_files(tmp_path: Path, bundle: ModelBundle) -> None:
    job = FileJob(clusters=(3,), settings=(("/vqss/cluster/3/name", "snare / top"),))
    result = separate(noisy_song(0.2, 44_100, 1), 44_100, tmp_path, bundle, job)
    assert result.manifest["clusters"][3]["name"] == "snare / top"
    assert [path.name for path in result.folder.glob("cluster_*")] == ["cluster_03_snare_top.wav"]


@pytest.mark.parametrize("name", ["歌" * 83, "x" * 250], ids=["249 bytes", "250 bytes"])
def test_the_longest_of_names(name: str, tmp_path: Path, bundle: ModelBundle) -> None:
    path = tmp_path / f"{name}.wav"
    soundfile.write(path, noisy_song(0.1, 44_100, 1), 44_100)
    result = separate_file(path, tmp_path / "out" / name, bundle, FileJob(figure=True))
    assert (result.folder / "manifest.json").exists()
    assert [folder.name for folder in (tmp_path / "out").iterdir()] == [name]


def test_overwriting_removes_old_stems_and_keeps_what_is_not_ours(tmp_path: Path, bundle: ModelBundle) -> None:
    song = noisy_song(0.2, 44_100, 1)
    folder = separate(song, 44_100, tmp_path, bundle, FileJob(clusters="all", mixdown=True)).folder
    own = {"notes.txt", "cluster_07_bass_edited.wav", "cluster_03_my_own_remix.wav", "mixdown.mp3", "spectrograms.png"}
    for name in own:
        (folder / name).write_text("keep me")
    with pytest.raises(VQSSError, match="--overwrite"):
        separate(song, 44_100, tmp_path, bundle, FileJob())
    assert len(list(folder.glob("cluster_*"))) == bundle.config.clusters + 2
    separate(song, 44_100, tmp_path, bundle, FileJob(clusters=(2,), overwrite=True))
    kept = sorted(path.name for path in folder.iterdir())
    (stem,) = set(kept) - own - {"manifest.json"}
    assert own <= set(kept) and stem.startswith("cluster_02")
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
