"""A song through the live path is, frame by frame, what the same song is on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.files import FileJob, separate_file
from tests.live_runs import RATE, aligned, heard, latency_frames, play, song_file
from tests.streams import largest_step, small_bundle, small_engine, worst_dbfs


@pytest.mark.parametrize("block", [256, 64, 480, 1024, 37])
def test_with_open_faders_the_song_is_heard_late_and_unchanged(
    song: np.ndarray, tmp_path: Path, block: int
) -> None:
    part = song[:, :RATE] * np.float32(0.5)
    report, (out,), _ = play(song_file(tmp_path, part), tmp_path, 1.5, block=block)
    latency = latency_frames(report)
    assert worst_dbfs(aligned(out, latency, RATE) - part) < -100.0
    assert not out[:, :latency].any()
    assert report["misses"] == report["starved_frames"] == report["unrecorded_frames"] == report["dry_frames"] == 0


@pytest.mark.parametrize("profile", ["default", "low", "safe"])
def test_every_cluster_is_what_separate_writes(song: np.ndarray, tmp_path: Path, profile: str) -> None:
    part, bundle = song[:, :RATE] * np.float32(0.5), small_bundle()
    path = song_file(tmp_path, part)
    separate_file(path, tmp_path / "stems", bundle, FileJob(clusters="all", profile=profile))
    report, (main, *clusters), _ = play(path, tmp_path, 1.5, multi=True, bundle=bundle, profile=profile)
    latency = latency_frames(report)
    stems = [heard(stem) for stem in sorted((tmp_path / "stems").glob("cluster_*.wav"))]
    assert len(stems) == len(clusters) == bundle.config.clusters
    for stem, cluster in zip(stems, clusters):
        assert np.abs(aligned(cluster, latency, RATE) - stem).max() < 1e-5
    assert worst_dbfs(np.sum(clusters, axis=0) - main) < -100.0
    assert worst_dbfs(aligned(np.sum(clusters, axis=0), latency, RATE) - part) < -100.0


@pytest.mark.parametrize("rate_hz", [48_000, 96_000, 32_000])
def test_other_rates_are_served_at_the_latency_declared(tmp_path: Path, rate_hz: int) -> None:
    time = np.arange(rate_hz) / rate_hz
    tone = (0.3 * np.sin(2 * np.pi * (200.0 + 1000.0 * time) * time)).astype(np.float32)
    part = np.stack([tone, -tone]) * np.hanning(rate_hz).astype(np.float32)
    engine = small_engine()
    report, (out,), _ = play(song_file(tmp_path, part, rate_hz), tmp_path, 1.5, rate_hz=rate_hz, engine=engine)
    assert engine.clock_hz == (48_000 if rate_hz == 48_000 else 44_100)
    difference = np.abs(aligned(out, latency_frames(report), rate_hz) - part).max()
    # The engine's latency may end between two frames of another rate: up to half a frame is left.
    allowed = 1e-5 if rate_hz == 48_000 else 0.6 * largest_step(part)
    assert difference < allowed
    assert report["misses"] == report["dry_frames"] == 0
