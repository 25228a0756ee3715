"""Whatever fails, the dry mix takes over within the hop, without silence, click or burst, and hands back."""

from __future__ import annotations

import numpy as np
import pytest

from tests.streams import delayed, largest_step, noise, run, run_multi, small_engine, tone, worst_dbfs
from vqss_engine.engine import Engine
from vqss_engine.telemetry import EngineState

HOPS, FAULT = 100, 40


def muted(multi: bool) -> Engine:
    """An engine whose output is not the dry mix, so that falling back to it can be heard."""
    engine = small_engine(multi=multi)
    engine.surface.set_many({"/vqss/cluster/0/mute": 1, "/vqss/cluster/2/mute": 1})
    return engine


def poison_state(engine: Engine, value: float) -> None:
    """Corrupt what the running model remembers, as a flipped bit would."""
    engine.separator.runtime._memory.hidden[:, 0, 3, 2] = value


def poison_weights(engine: Engine) -> None:
    """Corrupt the running model itself, for good."""
    engine.separator.runtime._network.into[0, 1, 2] = np.nan


def check_fallback(out: np.ndarray, clean: np.ndarray, dry: np.ndarray, engine: Engine) -> None:
    hop = engine.hop
    assert np.isfinite(out).all()
    assert np.array_equal(out[:, : FAULT * hop], clean[:, : FAULT * hop])
    assert np.array_equal(out[:, (FAULT + 1) * hop : (FAULT + 8) * hop], dry[:, (FAULT + 1) * hop : (FAULT + 8) * hop])
    steady = max(largest_step(dry), largest_step(clean))
    assert largest_step(out) < steady + 1.0 / (0.02 * engine.sample_rate) + 2.0 / hop * np.abs(dry - clean).max()
    assert np.abs(out).max() <= max(np.abs(dry).max(), np.abs(clean).max()) + 1e-6


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_corrupted_state_falls_back_and_recovers(value: float, multi: bool) -> None:
    engine, other = muted(multi), muted(multi)
    signal = tone(engine, HOPS)
    clean, dry = run(other, signal), delayed(signal, engine.latency_samples)
    out, rows = run_multi(engine, signal, lambda hop: poison_state(engine, value) if hop == FAULT else None)
    check_fallback(out, clean, dry, engine)
    assert engine.telemetry.fallbacks == 1 and engine.telemetry.state == EngineState.RUNNING
    assert "non-finite" in engine.surface.levels().errors[0]
    assert np.abs(out[:, -20 * engine.hop :] - dry[:, -20 * engine.hop :]).max() > 0.01
    assert not multi or worst_dbfs(rows.sum(axis=0) - out) < -110


def test_a_corrupted_model_plays_dry_for_good() -> None:
    engine, other = muted(False), muted(False)
    signal = tone(engine, HOPS)
    clean, dry = run(other, signal), delayed(signal, engine.latency_samples)
    out = run(engine, signal, lambda hop: poison_weights(engine) if hop == FAULT else None)
    check_fallback(out, clean, dry, engine)
    assert np.array_equal(out[:, (FAULT + 1) * engine.hop :], dry[:, (FAULT + 1) * engine.hop :])
    assert engine.telemetry.fallbacks == 1 and engine.telemetry.state == EngineState.FALLBACK
    assert engine.surface.levels().error_count == 1


def test_a_model_corrupted_from_the_start_plays_dry() -> None:
    engine = small_engine()
    poison_weights(engine)
    signal = noise(engine, 20)
    assert np.array_equal(run(engine, signal), delayed(signal, engine.latency_samples))
    assert engine.telemetry.fallbacks == 1


@pytest.mark.parametrize("multi", [False, True])
def test_a_separator_that_raises_is_survived(multi: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, other = muted(multi), muted(multi)
    signal = tone(engine, HOPS)
    clean, dry = run(other, signal), delayed(signal, engine.latency_samples)
    analyse = engine.separator.analyse

    def fail_once(block: np.ndarray) -> None:
        monkeypatch.setattr(engine.separator, "analyse", analyse)
        raise MemoryError("out of memory")

    def break_it(hop: int) -> None:
        if hop == FAULT:
            monkeypatch.setattr(engine.separator, "analyse", fail_once)

    check_fallback(run(engine, signal, break_it), clean, dry, engine)
    assert engine.telemetry.fallbacks == 1 and "out of memory" in engine.surface.levels().errors[0]


@pytest.mark.parametrize("multi", [False, True])
def test_late_hops_are_dry_and_separation_comes_back(multi: bool) -> None:
    engine, other = muted(multi), muted(multi)
    signal = tone(engine, HOPS)
    clean, dry = run(other, signal), delayed(signal, engine.latency_samples)
    out, hop = np.empty_like(signal), engine.hop
    for index in range(HOPS):
        part = slice(index * hop, (index + 1) * hop)
        process = engine.process_dry if FAULT <= index < FAULT + 3 else engine.process
        process(signal[:, part], out[:, part])
    check_fallback(out, clean, dry, engine)
    assert engine.telemetry.fallbacks == 1 and engine.telemetry.error_count == 0
    assert engine.telemetry.hops == HOPS and engine.telemetry.state == EngineState.RUNNING
    assert worst_dbfs(out[:, -hop:] - dry[:, -hop:]) > -40


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_input_counts_as_silence(value: float) -> None:
    engine, other = muted(False), muted(False)
    good = noise(engine, 40)
    bad = good.copy()
    places = np.arange(3000, 6000, 37)
    bad[0, places] = value
    good[0, places] = 0.0
    assert np.array_equal(run(engine, bad), run(other, good))
    assert engine.telemetry.nonfinite_inputs == 13 and engine.telemetry.fallbacks == 0


def test_main_mute_holds_while_falling_back() -> None:
    engine = small_engine()
    engine.surface.set("/vqss/main/mute", 1)
    poison_weights(engine)
    assert not run(engine, noise(engine, 10)).any()
