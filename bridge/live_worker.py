"""The thread between the rings: takes the input a chunk at a time, runs the engine, hands the output back.

Thread: `live-worker`, the only one that runs the engine. It waits for input, polling, and for nothing else.
Whatever goes wrong here, the callback plays the delayed input meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from bridge import exchange_kernel as kernel
from bridge.automation import Automation
from bridge.denormals import flush_denormals
from bridge.exchange import Exchange
from bridge.hop_times import HopTimes
from bridge.live_stage import LiveStage
from bridge.thread_priority import raise_priority
from vqss_engine.mixer import main_weight

Floats = NDArray[np.float32]
Before = Callable[[], object]

_POLL_S, _POLL_WAITING_S = 0.0005, 0.0001


class Worker:
    """Runs `stage` between the rings of `exchange`, from `begin` to `stop`; `start` makes the thread ready for it.

    hop_times gets the seconds of every chunk. `before_chunk` is called before each, on the worker's thread; it is how
    faults are tried out. `automation` is told there which frame of the input each chunk begins with.
    """

    def __init__(
        self,
        stage: LiveStage,
        exchange: Exchange,
        hop_times: HopTimes,
        before_chunk: Before | None = None,
        automation: Automation | None = None,
    ) -> None:
        self._stage, self._exchange, self._times, self._before = stage, exchange, hop_times, before_chunk
        self._automation = automation
        self._telemetry = stage.engine.telemetry
        self._block: Floats = np.zeros((exchange.inputs, stage.chunk), np.float32)
        self._out: Floats = np.zeros((exchange.outputs, stage.chunk), np.float32)
        self._failed = self._hurried = False
        self._stopping, self._going = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-worker", daemon=True)
        self.priority = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 0.5) -> None:
        """End the thread; one that hangs is left behind, which `join` tells."""
        self._stopping.set()
        self._going.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s / 2)
        self._hurried = True
        self._stage.engine.insert_deadline.waived = False   # or it waits for an effect that hangs for as long as that
        if self._thread.is_alive():
            self._thread.join(timeout_s / 2)

    def join(self, timeout_s: float) -> bool:
        """Whether the thread, which is to end, has ended by then: another worker may run the engine only after it."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def begin(self) -> None:
        """Take input, as a new stream: everything before is forgotten. Once."""
        self._stage.reset()
        self._publish()
        self._going.set()

    @property
    def delay(self) -> int:
        """Frames from the callback's input to its output."""
        return self._exchange.prefill + self._stage.latency_samples

    def _run(self) -> None:
        flush_denormals()
        self.priority = raise_priority()
        self._going.wait()
        while not self._stopping.is_set():
            if not self._next():
                time.sleep(_POLL_WAITING_S if self._exchange.waiting else _POLL_S)

    def _next(self) -> bool:
        """Process one chunk; False where there is none yet."""
        exchange, chunk = self._exchange, self._stage.chunk
        if exchange.incoming.readable > exchange.incoming.capacity - chunk:
            self._catch_up()
        if not exchange.incoming.read(self._block):
            return False
        if self._before:
            self._before()
        if self._automation:
            self._automation.reach(exchange.incoming.read_position - chunk, chunk, exchange.rate_hz)
        self._waive(exchange.waiting)
        late = exchange.outgoing.readable < 0
        began = time.perf_counter()
        made = self._make(late)
        self._times.add(time.perf_counter() - began)
        self._publish()
        if not made:
            behind = chunk + self._stage.latency_samples    # an engine that was reset begins with silence
            exchange.state[kernel.VALID_FROM] = exchange.outgoing.written + behind
        if exchange.outgoing.readable < 0:
            self._telemetry.misses += 1
        exchange.outgoing.write(self._out, over=True)
        return True

    def _waive(self, waiting: bool) -> None:
        """Nothing hurries while the callback waits, but for `stop`, which may have come in between."""
        deadline = self._stage.engine.insert_deadline
        deadline.waived = waiting
        if self._hurried:
            deadline.waived = False

    def _make(self, late: bool) -> bool:
        """Fill `_out`; False where that failed and the callback has to play the input."""
        try:
            self._stage.process(self._block, self._out, dry=late)
            self._failed = False
            return True
        except Exception as error:  # whatever it is, the sound goes on
            if not self._failed:
                self._telemetry.fallbacks += 1
                self._telemetry.report(f"{type(error).__name__}: {error}; the dry mix is played")
            self._failed = True
            with suppress(Exception):
                self._stage.reset()
            return False

    def _catch_up(self) -> None:
        """After a halt longer than the ring: leave out whole chunks, in input and output alike."""
        exchange, chunk = self._exchange, self._stage.chunk
        chunks = (exchange.incoming.readable - exchange.incoming.capacity // 4) // chunk
        exchange.incoming.skip(chunks * chunk)
        self._stage.reset()
        behind = chunks * chunk + self._stage.latency_samples
        exchange.state[kernel.VALID_FROM] = exchange.outgoing.written + behind
        exchange.outgoing.skip_write(chunks * chunk)
        self._telemetry.misses += chunks

    def _publish(self) -> None:
        """What the callback needs to play the input as the engine would, and to begin songs where files begin."""
        exchange, mixer = self._exchange, self._stage.engine.surface.state
        gain = main_weight(mixer)
        exchange.level[kernel.MAIN_GAIN] = gain
        exchange.state[kernel.CLIP] = int(mixer.limiter)
        exchange.state[kernel.DELAY] = self.delay
        exchange.state[kernel.TURN] = self._stage.turn
        exchange.state[kernel.TURN_FROM] = exchange.incoming.read_position + self._stage.to_turn
