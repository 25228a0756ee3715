"""What changes in the midst of a run: how late the effects are, and how long the blocks of the device."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bridge.bursts import Bursts
from bridge.clock_device import ClockDevice
from bridge.exchange import Exchange
from bridge.live_session import LiveSession, SessionOptions
from tests.live_runs import RATE
from tests.osc_peers import wait_until
from tests.streams import small_engine
from vqss_engine.control import EngineState
from vqss_engine.delay import DelayLine


class Late:
    """An effect that does nothing, later."""

    latency_samples = 4096

    def __init__(self) -> None:
        self._line = DelayLine((2,), 256, self.latency_samples)

    def process(self, block: np.ndarray) -> np.ndarray:
        return self._line.process(block, np.empty_like(block))

    def reset(self) -> None:
        self._line.reset()


class Listening(ClockDevice):
    """A clock that keeps what it is told."""

    def __init__(self, seconds: float) -> None:
        super().__init__(RATE, 256, limit=round(seconds * RATE))
        self.declared: list[int] = []

    def declare(self, delay: int) -> None:
        self.declared.append(delay)


def test_a_rack_that_comes_and_goes_is_declared_to_the_device_once() -> None:
    engine, device = small_engine(), Listening(1.5)
    engine.warm_up()
    racks = {30: {0: Late()}, 150: {}}
    chunks = itertools.count()

    def swap() -> None:
        if (rack := racks.get(next(chunks))) is not None:
            engine.set_inserts(rack)

    options = SessionOptions(seconds=60.0, status=False, before_chunk=swap)
    LiveSession(engine, device, lambda hung: device, options).run()
    bare = device.declared[0]
    assert device.declared == [bare, bare + Late.latency_samples, bare]


class Varying:
    """A device that tells no length of its blocks: 256 frames most often, 1024 at times; lost after some blocks."""

    name, rate_hz, inputs, block, steady = "varying", RATE, 2, None, False
    latency_s, hung, finished = 0.0, False, False

    def __init__(self, blocks: int = 1 << 30) -> None:
        self._left, self.starts = blocks, 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @property
    def alive(self) -> bool:
        return self._left > 0

    def start(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.starts += 1
        if self.starts == 1:
            self._thread.start()

    def declare(self, delay: int) -> None: ...

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        for frames in itertools.cycle([256] * 20 + [1024]):
            if self._closing.is_set():
                return
            self._exchange.exchange(np.zeros((2, frames), np.float32), np.zeros((2, frames), np.float32))
            self._left -= 1
            time.sleep(frames / RATE)


def test_a_device_whose_blocks_vary_is_begun_again_once() -> None:
    engine = small_engine()
    engine.warm_up()
    device = Varying()
    session = LiveSession(engine, device, lambda hung: Varying(), SessionOptions(seconds=1.5, status=False))
    report = session.run()
    assert (report["reconnects"], report["block"], device.starts) == (1, 1024, 2)


class Bursting(Varying):
    """Six blocks of 128 frames at once, as PipeWire gives them to programs of ALSA."""

    def _run(self) -> None:
        due = time.monotonic()
        while not self._closing.is_set():
            for _ in range(6):
                self._exchange.exchange(np.zeros((2, 128), np.float32), np.zeros((2, 128), np.float32))
            due += 6 * 128 / RATE
            time.sleep(max(0.0, due - time.monotonic()))


def test_a_device_that_asks_in_bursts_is_begun_again_for_them() -> None:
    engine, device = small_engine(), Bursting()
    engine.warm_up()
    report = LiveSession(engine, device, lambda hung: device, SessionOptions(seconds=3.0, status=False)).run()
    assert report["reconnects"] >= 1 and report["block"] >= 6 * 128


def test_a_computer_that_stands_still_once_makes_no_device_later() -> None:
    bursts = Bursts()
    for tick in range(60):
        stands_still = tick % 20 == 10
        bursts.add(4000.0 if stands_still else 256.0, 5 * (tick // 10))
        assert bursts.too_long_for(256) == 0
    for tick in range(20):
        bursts.add(1000.0, 100 + tick)
    assert bursts.too_long_for(256) == 1100
    assert bursts.too_long_for(1100) == bursts.too_long_for(800) == 0


def test_the_longest_block_of_one_device_is_not_that_of_another() -> None:
    """Such a stream would be later than it need be."""
    engine = small_engine()
    engine.warm_up()
    devices = iter([Varying(200), ClockDevice(RATE, 256, limit=RATE // 2)])
    session = LiveSession(
        engine, next(devices), lambda hung: next(devices), SessionOptions(seconds=20.0, status=False)
    )
    report = session.run()
    assert (report["reconnects"], report["block"]) == (2, 256)


class Lost(ClockDevice):
    """A clock that is lost after some frames."""

    finished = False

    @property
    def alive(self) -> bool:
        return not ClockDevice.finished.fget(self)


def test_no_engine_is_begun_again_while_it_hangs() -> None:
    """Two workers at once would run it."""
    engine, go_on, opened = small_engine(), threading.Event(), []
    engine.warm_up()
    chunks, ticks = itertools.count(), itertools.count()

    def hang() -> None:
        if next(chunks) == 5:
            go_on.wait(30.0)

    def tick() -> None:
        if engine.telemetry.state == EngineState.DEVICE_LOST and next(ticks) == 10:
            assert not opened
            go_on.set()

    def open_again(hung: bool) -> ClockDevice:
        opened.append(hung)
        return ClockDevice(RATE, 256, limit=RATE // 2)

    options = SessionOptions(seconds=60.0, status=False, before_chunk=hang)
    report = LiveSession(engine, Lost(RATE, 256, limit=RATE // 4), open_again, options, tick).run()
    assert go_on.is_set() and len(opened) == report["reconnects"] == 1


class Hanging(ClockDevice):
    """A device in a sound system that stands still while it is started."""

    def __init__(self) -> None:
        super().__init__(RATE, 256, limit=RATE // 2)
        self.go_on, self.starting = threading.Event(), threading.Event()

    def start(self, exchange: Exchange) -> None:
        self.since = time.monotonic()
        self.starting.set()
        self.go_on.wait(20.0)
        super().start(exchange)


def after_a_loss(hanging: Hanging, on_tick: Callable[[LiveSession], object]) -> tuple[LiveSession, dict[str, Any]]:
    """A run that has lost its first device and opens this one, and its report."""
    engine = small_engine()
    engine.warm_up()
    options = SessionOptions(seconds=60.0, status=False)
    lost = Lost(RATE, 256, limit=RATE // 4)
    session = LiveSession(engine, lost, lambda hung: hanging, options, lambda: on_tick(session))
    return session, session.run()


def test_a_run_ends_while_its_device_hangs_in_starting_again() -> None:
    hanging, ticks = Hanging(), itertools.count()

    def tick(session: LiveSession) -> None:
        if hanging.starting.is_set() and next(ticks) == 10:
            session.stop()

    session, report = after_a_loss(hanging, tick)
    assert not hanging.go_on.is_set() and session.abandoned and report["reconnects"] == 0
    hanging.go_on.set()
    wait_until(lambda: hanging.finished)        # and is closed where it opens after all


def test_a_device_that_hangs_in_starting_is_told_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    hanging = Hanging()

    def tick(session: LiveSession) -> None:
        if hanging.starting.is_set() and time.monotonic() > hanging.since + 7.0:
            hanging.go_on.set()

    _, report = after_a_loss(hanging, tick)
    assert report["reconnects"] == 1
    assert capsys.readouterr().err.count("the sound system has not answered for 5 s") == 1


def test_meters_fall_silent_with_a_device_that_is_lost() -> None:
    engine, seen = small_engine(), []
    engine.warm_up()
    telemetry = engine.telemetry
    hanging = Hanging()

    def sound() -> None:
        telemetry.rms_power[0], telemetry.load = 0.5, 0.5

    def tick() -> None:
        if hanging.starting.is_set():
            seen.append((telemetry.state, max(telemetry.rms_power), telemetry.load))
            hanging.go_on.set()

    options = SessionOptions(seconds=60.0, status=False, before_chunk=sound)
    LiveSession(engine, Lost(RATE, 256, limit=RATE // 4), lambda hung: hanging, options, tick).run()
    assert seen[0] == (EngineState.DEVICE_LOST, 0.0, 0.0)
