"""Effects in a running engine: an identity changes nothing, latency is compensated, and a swap is not heard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.streams import delayed, largest_step, noise, run, run_multi, small_engine, tone, worst_dbfs
from vqss_engine.delay import DelayLine
from vqss_engine.errors import VQSSError
from vqss_engine.inserts import MAIN
from vqss_engine.renderer import Renderer


class Late:
    """A gain that lags, like an effect with look-ahead."""

    def __init__(self, latency_samples: int = 0, gain: float = 1.0) -> None:
        self.latency_samples, self._gain, self._lines = latency_samples, np.float32(gain), {}
        self.calls = self.resets = 0

    def process(self, block: np.ndarray) -> np.ndarray:
        self.calls += 1
        line = self._lines.setdefault("line", DelayLine((block.shape[0],), block.shape[1], self.latency_samples))
        return line.process(block, np.empty_like(block)) * self._gain

    def reset(self) -> None:
        self.resets += 1
        self._lines.clear()


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize(
    ("latencies", "total"), [({1: 0}, 0), ({0: 0, 3: 100}, 100), ({2: 700, MAIN: 33}, 733), ({MAIN: 5}, 5)]
)
def test_identities_of_any_latency_null(latencies: dict[int | str, int], total: int, multi: bool) -> None:
    engine = small_engine(inserts={key: Late(latency) for key, latency in latencies.items()}, multi=multi)
    signal = noise(engine, 40)
    out, rows = run_multi(engine, signal)
    assert engine.latency_samples == 256 + total
    assert worst_dbfs(out - delayed(signal, engine.latency_samples)) < -110
    assert not multi or worst_dbfs(rows.sum(axis=0) - out) < -110


def test_an_effect_changes_its_cluster_alone() -> None:
    tracks, engine = small_engine(multi=True), small_engine(inserts={1: Late(64, gain=-0.5)})
    signal = noise(engine, 40)
    _, rows = run_multi(tracks, signal)
    expected = rows.sum(axis=0) - 1.5 * rows[1]
    assert worst_dbfs(run(engine, signal) - delayed(expected, 64)) < -110


def test_faders_come_after_effects() -> None:
    tracks, engine = small_engine(multi=True), small_engine(inserts={1: Late(0, 2.0)}, multi=True)
    engine.surface.set("/vqss/cluster/1/gain", -20.0)
    signal = noise(engine, 40)
    assert worst_dbfs(run_multi(engine, signal)[1][1] - 0.2 * run_multi(tracks, signal)[1][1]) < -110


@pytest.mark.parametrize("multi", [False, True])
def test_racks_are_swapped_without_a_click(multi: bool) -> None:
    engine = small_engine(multi=multi)
    signal = tone(engine, 260)
    racks: dict[int, dict[int | str, Late]] = {
        40: {0: Late(0, 0.5)},
        80: {1: Late(300, 0.5), MAIN: Late(0, 0.8)},
        81: {1: Late(0), 2: Late(10)},
        140: {},
        180: {0: Late(64), MAIN: Late(64)},
    }
    out = run(engine, signal, lambda hop: engine.set_inserts(racks[hop]) if hop in racks else None)
    assert largest_step(out[:, 6000:]) < largest_step(signal) + 1.0 / (0.02 * engine.sample_rate)
    assert engine.latency_samples == 256 + 128 and engine.telemetry.fallbacks == engine.telemetry.error_count == 0
    for first, last, latency in ((20, 40, 0), (160, 180, 0), (220, 260, 128)):
        part = slice(first * engine.hop, last * engine.hop)
        assert worst_dbfs((out - delayed(signal, 256 + latency))[:, part]) < -110


def test_identity_racks_come_and_go_unheard() -> None:
    engine = small_engine()
    engine.surface.set("/vqss/cluster/3/mute", 1)
    other = small_engine()
    other.surface.set("/vqss/cluster/3/mute", 1)
    signal = noise(engine, 160)
    racks = {40: {0: Late(), 3: Late()}, 80: {1: Late()}, 120: {}}
    out = run(engine, signal, lambda hop: engine.set_inserts(racks[hop]) if hop in racks else None)
    assert worst_dbfs(out - run(other, signal)) < -105


@pytest.mark.parametrize("latency", [100, 4096])
def test_effects_on_the_last_cluster_leave_no_hole(latency: int) -> None:
    """The mix that the others were held back in is heard to its end."""
    engine = small_engine(inserts={0: Late(latency)})
    signal = noise(engine, 160)
    every = {k: Late(latency) for k in range(engine.clusters)}
    out = run(engine, signal, lambda hop: engine.set_inserts(every) if hop == 60 else None)
    assert worst_dbfs(out - delayed(signal, 256 + latency)) < -105


@pytest.mark.parametrize("dry", ["bypass", "late"])
def test_the_dry_mix_follows_a_change_of_latency_without_a_click(dry: str) -> None:
    engine = small_engine()
    signal, hop = tone(engine, 120), engine.hop
    engine.surface.set("/vqss/bypass", dry == "bypass")
    out = np.empty_like(signal)
    for index in range(120):
        part = slice(index * hop, (index + 1) * hop)
        if index == 40:
            engine.set_inserts({0: Late(220)})
        late = dry == "late" and 44 <= index < 60
        (engine.process_dry if late else engine.process)(signal[:, part], out[:, part])
    assert largest_step(out[:, 3000:]) < largest_step(signal) + 1.0 / (0.02 * engine.sample_rate)
    assert worst_dbfs((out - delayed(signal, 256 + 220))[:, -10 * hop :]) < -110


@pytest.mark.parametrize("latency", [4096, 8192])
def test_a_late_hop_while_a_rack_comes_in_is_not_heard_after_the_recovery(latency: int) -> None:
    """It is still on its way through the effects of the rack when the rack is."""
    engine = small_engine()
    signal, hop = tone(engine, 100), engine.hop
    out = np.empty_like(signal)
    for index in range(100):
        part = slice(index * hop, (index + 1) * hop)
        if index == 20:
            engine.set_inserts({MAIN: Late(latency)})
        late = index == 21 + latency // hop
        (engine.process_dry if late else engine.process)(signal[:, part], out[:, part])
    assert largest_step(out) < 1.1 * largest_step(signal)


@pytest.mark.parametrize("silent", [10, 34, 50])
def test_a_mute_beside_a_latent_effect_is_heard_once(silent: int) -> None:
    """Shorter or longer than the 32 hops for which clusters are held back: what comes after it is whole."""
    engine, muted, opened = small_engine(inserts={1: Late(8192)}, multi=True), 50, 50 + silent
    signal, hop = tone(engine, opened + 80), engine.hop
    whole = run_multi(small_engine(inserts={1: Late(8192)}, multi=True), signal)[1]
    faders = {muted: 1, opened: 0}
    move = "/vqss/cluster/0/mute"
    rows = run_multi(engine, signal, lambda hop: engine.surface.set(move, faders[hop]) if hop in faders else None)[1]
    back = (opened + 4 + (34 if silent > 33 else 0)) * hop
    assert np.abs(rows[0, :, back:] - whole[0, :, back:]).max() < 1e-6
    assert largest_step(rows[0]) < largest_step(whole[0]) + 0.5 / (0.02 * engine.sample_rate)


def test_effects_of_a_muted_cluster_ring_out_then_rest() -> None:
    effect = Late(32)
    engine = small_engine(inserts={1: effect})
    resets = effect.resets
    engine.surface.set("/vqss/cluster/1/mute", 1)
    signal = noise(engine, 1)
    out = np.empty_like(signal)
    for _ in range(10):
        engine.process(signal, out)
    engine.surface.set("/vqss/cluster/1/mute", 0)
    for _ in range(10):
        engine.process(signal, out)
    engine.surface.set("/vqss/cluster/1/mute", 1)
    played = effect.calls
    for _ in range(1000):
        engine.process(signal, out)
    assert 860 <= effect.calls - played <= 880 and effect.resets == resets + 1


def test_a_bypassed_insert_is_its_cluster_unprocessed() -> None:
    engine, other = small_engine(inserts={1: Late(50, 3.0)}), small_engine(inserts={1: Late(50)})
    engine.bypass_insert(1, True)
    signal = noise(engine, 60)
    tail = slice(-30 * engine.hop, None)
    assert worst_dbfs((run(engine, signal) - run(other, signal))[:, tail]) < -110


class Hurried(Renderer):
    """One in which, between any two looks at its inserts, the audio's thread has gone on by some hops."""

    looked_at = False

    def __getattribute__(self, name: str) -> Any:
        if name in ("_incoming", "_next", "_current") and object.__getattribute__(self, "looked_at"):
            self.looked_at = False
            value = object.__getattribute__(self, name)
            for _ in range(2):
                self._move_on()
            self.looked_at = True
            return value
        return object.__getattribute__(self, name)

    def _move_on(self) -> None:
        self._warm = 0
        self._fade.jump(1.0)
        self.take(np.zeros((2, 256), np.float32))


def test_a_bypass_reaches_inserts_that_are_moving_on() -> None:
    engine = small_engine()
    engine.set_inserts({1: Late()})
    renderer = engine._renderer
    inserts = renderer._incoming
    renderer.__class__ = Hurried
    renderer.looked_at = True
    engine.bypass_insert(1, True)
    assert inserts.slots[1].bypass


class Raising(Late):
    def process(self, block: np.ndarray) -> np.ndarray:
        raise RuntimeError("no licence")


def test_a_failing_insert_leaves_the_rest_playing() -> None:
    engine = small_engine(inserts={0: Raising(), 1: Late(0, 0.5)})
    other = small_engine(inserts={1: Late(0, 0.5)})
    signal = noise(engine, 60)
    assert worst_dbfs(run(engine, signal) - run(other, signal)) < -110
    levels = engine.surface.levels()
    assert levels.error_count == 1 and "no licence" in levels.errors[0] and levels.fallbacks == 0


def test_an_impossible_rack_leaves_the_present_one() -> None:
    engine = small_engine(inserts={1: Late(0, 0.5)})
    other = small_engine(inserts={1: Late(0, 0.5)})
    with pytest.raises(VQSSError):
        engine.set_inserts({99: Late()})
    signal = noise(engine, 10)
    assert np.array_equal(run(engine, signal), run(other, signal))
