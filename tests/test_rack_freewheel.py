"""Where nothing hurries, no deadline passes an effect by: not over a freewheeling server, not with a free clock."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bridge.clock_device import ClockDevice
from bridge.hop_times import HopTimes
from bridge.live_source import SongPlayer
from bridge.live_stream import LiveStream
from bridge.pedalboard_bridge import ClusterRack, RackHost
from tests.live_runs import RATE, play, song_file
from tests.osc_peers import wait_until
from tests.streams import noise, run, small_engine, worst_dbfs
from vqss_engine.engine import Engine

DEADLINE_S, SLOW_S = 0.002, 0.006


class Slow:
    """An effect that halves, and takes longer than its deadline for it."""

    def process(self, audio: np.ndarray, sample_rate: float, buffer_size: int, reset: bool) -> np.ndarray:
        time.sleep(SLOW_S)
        return audio * np.float32(0.5)


def slow_engine(deadline_s: float | None = DEADLINE_S) -> Engine:
    """One whose cluster 0 has a thread of its own for the slow effect, and whose main output has not."""
    engine = small_engine(insert_deadline_s=deadline_s)
    RackHost(engine).install(ClusterRack({0: [Slow()]}))
    engine.reset()
    return engine


def test_a_waived_deadline_is_none() -> None:
    patient, waived = slow_engine(None), slow_engine()
    signal = noise(patient, 60)
    waived.insert_deadline.waived = True
    expected = run(patient, signal)
    assert np.array_equal(run(waived, signal), expected)
    assert waived.telemetry.error_count == 0 and worst_dbfs(expected - run(small_engine(), signal)) > -60


def test_one_that_was_late_is_heard_as_soon_as_nothing_hurries() -> None:
    engine, patient = slow_engine(), slow_engine(None)
    signal = noise(engine, 120)

    def before(hop: int) -> None:
        engine.insert_deadline.waived = hop >= 20

    out, expected = run(engine, signal, before), run(patient, signal)
    assert engine.telemetry.error_count == 1  # late once, and then resting
    tail = slice(-40 * engine.hop, None)
    assert worst_dbfs((out - expected)[:, tail]) < -100


@pytest.mark.parametrize("free", [True, False])
def test_a_free_clock_waives_it_and_a_real_one_does_not(free: bool, tmp_path: Path) -> None:
    engine = slow_engine()
    play(song_file(tmp_path, noise(engine, 100)), tmp_path, 0.5, engine=engine, free=free)
    levels = engine.surface.levels()
    assert any("Slow" in error for error in levels.errors) is not free


def test_an_effect_that_hangs_while_nothing_hurries_is_left_when_something_does() -> None:
    engine, go_on = small_engine(insert_deadline_s=1.0), threading.Event()
    stuck = Slow()
    RackHost(engine).install(ClusterRack({0: [stuck]}))
    engine.reset()
    stuck.process = lambda audio, *_, **__: (go_on.wait(60.0), audio)[1]  # type: ignore[method-assign, assignment]
    engine.insert_deadline.waived = True
    signal = noise(engine, 3)
    thread = threading.Thread(target=lambda: run(engine, signal))
    thread.start()
    engine.insert_deadline.seconds, engine.insert_deadline.waived = DEADLINE_S, False
    wait_until(lambda: not thread.is_alive(), 30.0)
    go_on.set()
    assert any("did not return" in error for error in engine.surface.levels().errors)


def test_an_effect_that_hangs_while_nothing_hurries_does_not_keep_the_worker() -> None:
    """Or it would still run the engine beside the next one."""
    engine, go_on, stuck = small_engine(insert_deadline_s=DEADLINE_S), threading.Event(), Slow()
    RackHost(engine).install(ClusterRack({0: [stuck]}))
    engine.warm_up()
    began = threading.Event()
    stuck.process = lambda audio, *_, **__: (began.set(), go_on.wait(60.0), audio)[2]  # type: ignore[method-assign]
    song = SongPlayer(engine.telemetry.report, lambda: None)
    stream = LiveStream(ClockDevice(RATE, engine.hop, free=True), engine, HopTimes(), song)
    stream.start()
    assert began.wait(30.0)
    stream.close()
    ended = stream.worker.join(10.0)
    go_on.set()
    song.close()
    assert ended
