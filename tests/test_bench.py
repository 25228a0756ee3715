"""`vqss bench` measures the real engine; how fast it is is not a matter for tests, how exact it is, is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bridge import bench
from bridge.bench_signal import bench_signal
from bridge.cli import main
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import PROFILES, StreamConfig


def test_the_signal_is_the_same_every_time_and_never_silent() -> None:
    signal = bench_signal(3.0, 44_100)
    assert signal.dtype == np.float32 and signal.shape == (2, 132_300)
    assert np.array_equal(signal, bench_signal(3.0, 44_100))
    assert np.square(signal.reshape(2, 30, -1)).mean(axis=-1).min() > 1e-5
    assert np.abs(signal).max() == pytest.approx(0.7, abs=1e-3)


@pytest.mark.parametrize("profile", PROFILES)
def test_live_equals_offline_for_every_device_block(profile: str) -> None:
    assert bench.stream_difference(ModelBundle.load(), StreamConfig.named(profile), seconds=0.4) <= 1e-5


def test_bench_reports_every_field(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bench, "COST_HOPS", 5)
    monkeypatch.setattr(bench, "WARM_UP_HOPS", 2)
    monkeypatch.setattr(bench, "FILE_SECONDS", 0.5)
    monkeypatch.setattr(bench, "EXACTNESS_SECONDS", 0.2)
    assert main(["bench", "--seconds", "0.2", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert set(facts) == {
        "model", "sample_rate", "hop", "latency_samples", "latency_ms", "clusters", "threads", "runtime", "hop_ms",
        "budget_ms", "misses", "hops", "cost_ms_by_audible", "file_realtime_factor", "null_dbfs",
        "stream_equals_offline_max_abs", "start_seconds", "peak_rss_mb",
    }  # fmt: skip
    assert set(facts["hop_ms"]) == {"p50", "p95", "p99", "max"}
    assert set(facts["cost_ms_by_audible"]) == {"0", "1", "4", "16"}
    assert facts["latency_samples"] <= 512 and facts["hops"] == round(0.2 * 44_100 / 256)
    assert facts["null_dbfs"] <= -100.0 and facts["stream_equals_offline_max_abs"] <= 1e-5
    assert 0.0 < facts["hop_ms"]["p50"] <= facts["hop_ms"]["p99"] <= facts["hop_ms"]["max"]
