"""The engine's promises: it nulls, a muted cluster is exactly what is gone, and nothing moves with a click."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tests.streams import (
    CLUSTERS,
    delayed,
    largest_step,
    noise,
    run,
    run_multi,
    small_engine,
    tone,
    worst_dbfs,
)
from vqss_engine.blocks import BlockAdapter
from vqss_engine.control import ControlSurface
from vqss_engine.telemetry import EngineState

PROFILES = ["default", "low", "safe"]


def strip(k: int, name: str) -> str:
    return f"/vqss/cluster/{k}/{name}"


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("profile", PROFILES)
def test_all_faders_at_unity_is_the_input_delayed(profile: str, channels: int) -> None:
    engine = small_engine(profile, channels)
    signal = noise(engine, 40)
    assert worst_dbfs(run(engine, signal) - delayed(signal, engine.latency_samples)) < -120


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("profile", PROFILES)
def test_the_tracks_sum_to_the_input_delayed(profile: str, channels: int) -> None:
    engine = small_engine(profile, channels, multi=True)
    signal = noise(engine, 40)
    out, rows = run_multi(engine, signal)
    assert worst_dbfs(rows.sum(axis=0) - delayed(signal, engine.latency_samples)) < -110
    assert worst_dbfs(rows.sum(axis=0) - out) < -110


@pytest.mark.parametrize(("profile", "longest"), [("default", 512), ("low", 256)])
@pytest.mark.parametrize("multi", [False, True])
def test_an_impulse_comes_out_at_exactly_the_latency(profile: str, longest: int, multi: bool) -> None:
    engine = small_engine(profile, multi=multi)
    adapter = BlockAdapter(engine.process, 2, 2, engine.hop)
    latency = engine.latency_samples + adapter.latency_samples
    assert latency <= longest
    impulse = np.zeros((2, 4096), np.float32)
    impulse[:, 1000] = 1.0
    out = adapter.push(impulse)
    assert worst_dbfs(out - delayed(impulse, latency)) < -110 and out[0, 1000 + latency] == pytest.approx(1.0)


@pytest.mark.parametrize("multi", [False, True])
def test_what_a_mute_takes_away_is_exactly_that_cluster(multi: bool) -> None:
    tracks, engine = small_engine(multi=True), small_engine(multi=multi)
    signal = noise(engine, 40)
    _, rows = run_multi(tracks, signal)
    engine.surface.set(strip(2, "mute"), 1)
    missing = delayed(signal, engine.latency_samples) - run(engine, signal)
    assert worst_dbfs(missing - rows[2]) < -110 and worst_dbfs(rows[2]) > -60


@pytest.mark.parametrize("multi", [False, True])
def test_the_output_is_the_weighted_sum_of_the_stems(multi: bool) -> None:
    tracks, engine = small_engine(multi=True), small_engine(multi=multi)
    signal = noise(engine, 40)
    _, rows = run_multi(tracks, signal)
    engine.surface.set_many(
        {
            strip(0, "gain"): -6.0,
            strip(1, "pan"): -0.5,
            strip(2, "gain"): 12.0,
            strip(3, "group"): 0,
            "/vqss/main/gain": -3.0,
        }
    )
    low, high = 10 ** (-6 / 20), 10 ** (12 / 20)
    weights = np.array([[low, low], [1.0, 0.5], [high, high], [low, low]])
    expected = 10 ** (-3 / 20) * (weights[:, :, None] * rows).sum(axis=0)
    assert worst_dbfs(run(engine, signal) - expected) < -105


def test_solo_leaves_one_cluster() -> None:
    tracks, engine = small_engine(multi=True), small_engine()
    signal = noise(engine, 40)
    engine.surface.set(strip(1, "solo"), 1)
    assert worst_dbfs(run(engine, signal) - run_multi(tracks, signal)[1][1]) < -110


def test_main_mute_is_silence_and_tracks_go_on() -> None:
    engine = small_engine(multi=True)
    engine.surface.set("/vqss/main/mute", 1)
    out, rows = run_multi(engine, noise(engine, 20))
    assert not out.any() and worst_dbfs(rows) > -40


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        {strip(1, "mute"): 1},
        {strip(0, "solo"): 1},
        {strip(2, "gain"): -70.0, strip(3, "gain"): -70.0},
        {strip(0, "pan"): 1.0},
        {strip(3, "group"): 2, strip(2, "mute"): 1},
        {"/vqss/main/mute": 1},
        {"/vqss/bypass": 1, strip(0, "mute"): 1},
    ],
    ids=lambda change: "+".join(path.rsplit("/", 1)[1] for path in change),
)
def test_no_change_clicks(change: dict[str, object], multi: bool) -> None:
    before = small_engine(multi=multi).surface.values()
    engine = small_engine(multi=multi)
    signal = tone(engine, 120)
    steady = [largest_step(run(engine, signal)[:, 6000:])]
    engine.reset()
    engine.surface.set_many(change)
    steady.append(largest_step(run(engine, signal)[:, 6000:]))
    engine.reset()

    def toggle(hop: int) -> None:
        if hop >= 30 and hop % 15 == 0:
            engine.surface.set_many(change if hop % 2 else {path: before[path] for path in change})

    out = run(engine, signal, toggle)[:, 6000:]
    slope_of_ramp = 1.0 / (0.02 * engine.sample_rate)
    assert largest_step(out) < max(steady) + slope_of_ramp
    assert worst_dbfs(out[:, : 20 * engine.hop] - out[:, 20 * engine.hop : 40 * engine.hop]) > -60


def test_bypass_is_the_input_delayed_whatever_the_faders_say() -> None:
    engine = small_engine()
    signal = noise(engine, 40)
    engine.surface.set_many({"/vqss/bypass": 1, strip(0, "mute"): 1, strip(1, "gain"): 12.0})
    assert np.array_equal(run(engine, signal), delayed(signal, engine.latency_samples))
    assert engine.telemetry.state == EngineState.BYPASSED


def test_tracks_sum_to_the_output_while_bypassing() -> None:
    engine = small_engine(multi=True)
    engine.surface.set(strip(0, "mute"), 1)
    out, rows = run_multi(engine, noise(engine, 60), lambda hop: engine.surface.set("/vqss/bypass", hop // 20 % 2))
    assert worst_dbfs(rows.sum(axis=0) - out) < -110


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize("size", [1, 63, 64, 256, 480, 512, 8193])
def test_device_blocks_of_any_size_give_the_same_samples(size: int, multi: bool) -> None:
    offline, live = small_engine(multi=multi), small_engine(multi=multi)
    for engine in (offline, live):
        engine.surface.set_many({strip(0, "mute"): 1, strip(1, "gain"): -6})
    signal = noise(offline, 36)
    adapter = BlockAdapter(live.process, 2, 2, live.hop)
    starts = range(0, signal.shape[1], size)
    streamed = np.concatenate([adapter.push(signal[:, start : start + size]) for start in starts], axis=1)
    assert np.abs(streamed - delayed(run(offline, signal), live.hop)).max() <= 1e-5


def test_reset_makes_a_new_stream() -> None:
    engine = small_engine(multi=True)
    engine.surface.set(strip(1, "gain"), -12)
    signal = noise(engine, 30)
    first = run_multi(engine, signal)
    engine.reset()
    again = run_multi(engine, signal)
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])


def test_the_output_may_be_the_input() -> None:
    engine, other = small_engine(), small_engine()
    signal = noise(engine, 10)
    in_place = signal.copy()
    for start in range(0, signal.shape[1], engine.hop):
        part = in_place[:, start : start + engine.hop]
        assert engine.process(part, part) is part
    assert np.array_equal(in_place, run(other, signal))


def test_the_limiter_holds_the_main_output_only_when_on() -> None:
    engine = small_engine()
    engine.surface.set("/vqss/main/gain", 12.0)
    signal = tone(engine, 40)
    assert np.abs(run(engine, signal)).max() > 1.5
    engine.reset()
    engine.surface.set("/vqss/main/limiter", 1)
    assert np.abs(run(engine, signal)).max() <= 1.0


def test_levels_are_those_of_the_sound() -> None:
    engine = small_engine()
    signal = tone(engine, 500)
    out = run(engine, signal)
    levels = engine.surface.levels()
    assert levels.rms_dbfs[-1] == pytest.approx(10 * np.log10(np.mean(out[:, 20000:] ** 2)), abs=0.5)
    assert levels.peak_dbfs[-1] == pytest.approx(20 * np.log10(0.5), abs=0.2)
    assert len(levels.rms_dbfs) == CLUSTERS + 1 and levels.hops == 500 and levels.state == EngineState.RUNNING
    assert all(-120 <= rms < 0 for rms in levels.rms_dbfs) and max(levels.rms_dbfs[:-1]) > -40
    assert levels.latency_ms == pytest.approx(1000 * 512 / 44100)
    assert levels.load > 0 and levels.hop_ms > 0 and levels.fallbacks == 0


def test_the_level_of_a_lone_cluster_is_that_of_its_stem() -> None:
    engine = small_engine(multi=True)
    _, rows = run_multi(engine, noise(engine, 600))
    rms = engine.surface.levels().rms_dbfs
    tail = rows[..., -int(0.6 * engine.sample_rate) :]
    for k in range(CLUSTERS):
        assert rms[k] == pytest.approx(10 * np.log10(np.mean(tail[k] ** 2) + 1e-12), abs=3.0)


@pytest.mark.parametrize("multi", [False, True])
def test_memory_does_not_grow(multi: bool) -> None:
    engine = small_engine(multi=multi)
    signal, out = noise(engine, 1), np.empty((2, engine.hop), np.float32)

    def hops(count: int) -> None:
        for hop in range(count):
            engine.surface.set(strip(0, "gain"), -float(hop % 50))
            engine.process(signal, out)

    def held() -> int:
        """Bytes held by what the engine's own files allocated; other tests' threads may be allocating, too."""
        own = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/vqss_engine/*")])
        return sum(trace.size for trace in own.traces)

    hops(500)  # until what is kept for reuse is as large as it gets
    tracemalloc.start()
    hops(500)  # and is known to the tracer, which sees only what is made anew
    before = held()
    hops(500)
    after = held()
    tracemalloc.stop()
    assert after - before < 4096


def test_warming_up_leaves_a_fresh_engine() -> None:
    engine, other = small_engine(), small_engine()
    engine.warm_up()
    signal = noise(engine, 10)
    assert np.array_equal(run(engine, signal), run(other, signal))
    assert engine.telemetry.fallbacks == 0


def test_a_surface_must_fit_the_model() -> None:
    with pytest.raises(ValueError, match="4"):
        small_engine(surface=ControlSurface(3))
