"""The shipped model through the engine, on a song: what holds for any weights holds for these."""

from __future__ import annotations

import numpy as np
import pytest

from tests.streams import delayed, run, run_multi, worst_dbfs
from vqss_engine.bundle import DEFAULT_PATH, ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.engine import Engine

HOP = 256


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    if not DEFAULT_PATH.is_dir():
        pytest.skip(f"no model is shipped in {DEFAULT_PATH}")
    return ModelBundle.load()


@pytest.fixture(scope="module")
def signal(song: np.ndarray) -> np.ndarray:
    return song[:, : 4 * 44100 // HOP * HOP]


def engine_of(bundle: ModelBundle, multi: bool = False) -> Engine:
    return Engine(bundle, StreamConfig.named("default"), 2, multi=multi)


def test_the_song_nulls_and_its_stems_sum_to_it(bundle: ModelBundle, signal: np.ndarray) -> None:
    engine = engine_of(bundle, multi=True)
    dry = delayed(signal, engine.latency_samples)
    assert worst_dbfs(run(engine_of(bundle), signal) - dry) < -100
    out, rows = run_multi(engine, signal)
    assert worst_dbfs(rows.sum(axis=0) - dry) < -100 and worst_dbfs(out - dry) < -100
    assert len(rows) == bundle.config.clusters and engine.telemetry.fallbacks == 0


def test_muting_and_soloing_partition_the_song(bundle: ModelBundle, signal: np.ndarray) -> None:
    loudest = int(np.argmax(np.square(run_multi(engine_of(bundle, multi=True), signal)[1]).sum(axis=(1, 2))))
    without, alone = engine_of(bundle), engine_of(bundle)
    without.surface.set(f"/vqss/cluster/{loudest}/mute", 1)
    alone.surface.set(f"/vqss/cluster/{loudest}/solo", 1)
    parts = run(without, signal), run(alone, signal)
    assert worst_dbfs(parts[0] + parts[1] - delayed(signal, alone.latency_samples)) < -100
    assert all(worst_dbfs(part) > -40 for part in parts)
