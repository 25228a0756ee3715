"""Chains in the engine: a hop in is a hop out, clusters stay aligned, and a plug-in that fails stays alone."""

from __future__ import annotations

import threading
import time
import tracemalloc

import numpy as np
import pytest
from pedalboard import BrickwallLimiter, Compressor, Gain, MP3Compressor, Resample

from bridge.pedalboard_bridge import ClusterRack
from bridge.plugin_insert import PluginInsert, _Fifo
from tests.streams import CLUSTERS, delayed, noise, run, run_multi, small_engine, worst_dbfs
from vqss_engine.engine import Engine
from vqss_engine.inserts import Deadline, InsertLate

DEADLINE_S = 0.2


def with_rack(rack: ClusterRack, deadline_s: float | None = None, multi: bool = False) -> Engine:
    engine = small_engine(multi=multi, insert_deadline_s=deadline_s)
    inserts = rack.build(engine.sample_rate, 2, engine.hop, CLUSTERS, engine.insert_deadline).inserts
    engine.set_inserts(inserts, at_once=True)
    return engine


class Faulty:
    """An effect that halves; in the hop `at` after it was armed it fails in a given way."""

    def __init__(self, failure: str, at: int) -> None:
        self.failure, self.at, self.hops, self.armed = failure, at, 0, False
        self.go_on = threading.Event()

    def process(self, audio: np.ndarray, sample_rate: float, buffer_size: int, reset: bool) -> np.ndarray:
        self.hops += self.armed
        if self.hops != self.at:
            return audio * np.float32(0.5)
        if self.failure == "raises":
            raise RuntimeError("licence expired")
        if self.failure == "hangs":
            self.go_on.wait(60.0)
        return {"short": audio[:, 1:], "mono": audio[:1], "non-finite": audio * np.float32(np.nan)}.get(
            self.failure, audio
        )


def test_samples_on_their_way_through_a_chain_are_kept_without_allocating() -> None:
    hop = 1024
    fifo, block, out = _Fifo(2, hop, 3 * hop), np.ones((2, hop), np.float32), np.ones((2, hop), np.float32)
    tracemalloc.start()
    try:
        held = tracemalloc.get_traced_memory()[0]
        heard = [fifo.put(block) and fifo.take(out) and bool(out[0, 0]) for _ in range(6)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert heard == [False] * 3 + [True] * 3
    assert peak - held < 4 * hop    # bytes; one channel of a hop has so many


def test_an_identity_rack_changes_nothing() -> None:
    chains = {k: [Gain(0.0), Compressor(0.0, 1.0), Gain(0.0)] for k in range(CLUSTERS)}
    engine = with_rack(ClusterRack(chains, main=[Gain(0.0)]))
    signal = noise(engine, 40)
    assert worst_dbfs(run(engine, signal) - run(small_engine(), signal)) < -100


@pytest.mark.parametrize("make", [BrickwallLimiter, MP3Compressor, lambda: Resample(22050.0)])
def test_a_hop_in_is_a_hop_out(make: type) -> None:
    insert = PluginInsert([make()], 44100, 2, 256)
    assert 0 < insert.latency_samples < 8192
    signal = np.random.default_rng(0).uniform(-0.1, 0.1, (2, 300 * 256)).astype(np.float32)
    hops = [insert.process(signal[:, at : at + 256]).copy() for at in range(0, signal.shape[1], 256)]
    out = np.concatenate(hops, axis=1)
    whole = make()(signal, 44100)[:, : -insert.latency_samples]
    late = out[:, insert.latency_samples :]
    # Late by what is declared, and by nothing else: the two resemble each other most without a further shift.
    shifts = [float((late[0, 5000:60000] * whole[0, 5000 + shift : 60000 + shift]).sum()) for shift in range(-40, 41)]
    assert int(np.argmax(shifts)) == 40


def test_a_latent_chain_keeps_clusters_and_main_aligned() -> None:
    rack = ClusterRack({1: [BrickwallLimiter(0.0), Gain(0.0)], 2: [BrickwallLimiter(0.0, lookahead_ms=9.0)]},
                       main=[BrickwallLimiter(0.0)])  # fmt: skip
    engine = with_rack(rack)
    impulse = np.zeros((2, 40 * engine.hop), np.float32)
    impulse[:, 5000] = 0.5
    out = run(engine, impulse)
    assert engine.latency_samples == 256 + int(0.009 * 44100) + 220
    assert worst_dbfs(out - delayed(impulse, engine.latency_samples)) < -100


@pytest.mark.parametrize("failure", ["raises", "hangs", "short", "mono", "non-finite"])
def test_a_failing_plugin_leaves_its_cluster_unprocessed_and_the_rest_playing(failure: str) -> None:
    faulty = Faulty(failure, at=60)
    hangs = failure == "hangs"
    engine = with_rack(ClusterRack({0: [faulty], 2: [Gain(-6.0)]}), DEADLINE_S if hangs else None, multi=True)
    faulty.armed = True
    expected = with_rack(ClusterRack({2: [Gain(-6.0)]}), multi=True)
    signal = noise(engine, 130)
    wanted, tracks = run_multi(expected, signal)[1], run_multi(engine, signal)[1]
    faulty.go_on.set()  # until here it has hung, and nobody waited for it
    assert worst_dbfs(tracks[1:] - wanted[1:]) < -100
    settled = slice(-20 * engine.hop, None)
    assert worst_dbfs((tracks[0] - wanted[0])[:, settled]) < -100
    levels = engine.surface.levels()
    assert levels.error_count == 1 and "cluster 0" in levels.errors[0] and "Faulty" in levels.errors[0]
    assert levels.fallbacks == 0


class Preparing:
    """An effect that holds back 100 samples; after a reset it needs a while before its first block."""

    def __init__(self, takes_s: float) -> None:
        self.takes_s = takes_s
        self.reset()

    def process(self, audio: np.ndarray, sample_rate: float, buffer_size: int, reset: bool) -> np.ndarray:
        if self.fresh:
            time.sleep(self.takes_s)
        held = np.concatenate([self.held, audio], axis=1)
        ready = max(0, held.shape[1] - 100)
        self.fresh, self.held = False, held[:, ready:]
        return held[:, :ready]

    def reset(self) -> None:
        self.fresh, self.held = True, np.zeros((2, 0), np.float32)


def test_an_effect_that_prepares_for_longer_than_a_hop_is_heard_in_the_end_and_in_its_place() -> None:
    insert = PluginInsert([Preparing(0.4)], 44100, 2, 256, Deadline(0.1))
    signal = np.random.default_rng(0).uniform(-0.1, 0.1, (2, 40 * 256)).astype(np.float32)
    out, late = np.zeros_like(signal), 0
    for at in range(0, signal.shape[1], 256):
        try:
            out[:, at : at + 256] = insert.process(signal[:, at : at + 256])
        except InsertLate:      # as the engine does; it waits longer
            insert.reset()
            time.sleep(0.5)
            late += 1
    assert 1 <= late <= 3 and insert.latency_samples == 100
    assert np.array_equal(out[:, -20 * 256 :], signal[:, -20 * 256 - 100 : -100])


def test_an_effect_whose_reset_and_first_hop_are_late_together_is_heard_in_the_end() -> None:
    """As the engine does, which asks for both within one hop."""

    class Slow(Preparing):
        def reset(self) -> None:
            time.sleep(self.takes_s)
            super().reset()

    deadline = Deadline(0.2)
    insert = PluginInsert([Slow(0.13)], 44100, 2, 256, deadline)
    signal = np.random.default_rng(0).uniform(-0.1, 0.1, (2, 40 * 256)).astype(np.float32)
    out, late = np.zeros_like(signal), 0
    for at in range(0, signal.shape[1], 256):
        began = time.perf_counter()
        try:
            out[:, at : at + 256] = insert.process(signal[:, at : at + 256])
            if time.perf_counter() - began > 0.2:
                raise InsertLate("late")
        except InsertLate:
            insert.reset()
            late += 1
    assert late == 1
    assert np.array_equal(out[:, -20 * 256 :], signal[:, -20 * 256 - 100 : -100])


def test_a_plugin_that_recovers_is_heard_again() -> None:
    faulty = Faulty("raises", at=40)
    engine = with_rack(ClusterRack({0: [faulty]}), multi=True)
    faulty.armed = True
    signal = noise(engine, 300)
    tracks, wanted = run_multi(engine, signal)[1], run_multi(small_engine(multi=True), signal)[1]
    tail = slice(-20 * engine.hop, None)
    assert worst_dbfs((tracks[0] - 0.5 * wanted[0])[:, tail]) < -100
