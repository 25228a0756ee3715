"""A live run: the engine, its device, and the watch over both, until it is stopped.

Threads: `run` is the main thread's; it opens, watches, reconnects and reports, and may block. The others are named
where they live: the device's callback, live_worker, live_source, recorder, osc_server.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge import exchange_kernel as kernel
from bridge.automation import Automation
from bridge.collection import undisturbed
from bridge.console import say
from bridge.device_facts import publish_device
from bridge.exchange import Exchange
from bridge.live_device import Device
from bridge.live_report import RunCounts, run_report, status_line
from bridge.live_stream import LiveStream
from bridge.live_worker import Before
from bridge.patient_open import PatientOpen
from bridge.recorder import Recorder
from bridge.transport import Transport
from vqss_engine.control import EngineState
from vqss_engine.engine import Engine
from vqss_engine.errors import VQSSError

RETRY_S = 2.0
_TICK_S, _STATUS_S, _COLLECT_S = 0.05, 1.0, 5.0
_SILENT_DEVICE_S, _SILENT_FREEWHEEL_S = 2.5, 20.0      # what idle PulseAudio sinks play takes two seconds to come
_OPEN_PATIENCE_S = 5.0

OpenDevice = Callable[[bool], Device]
"""Opens the device again; it is told whether the one before hangs."""


@dataclass(frozen=True)
class SessionOptions:
    """song: played from the start, in `music`, the folder that songs may be named in. record: where to write.

    seconds: how long to run. status: print a line a second. before_chunk: see `live_worker.Worker`. automation: what
    is replayed or written down; begun before the stream is. clusters: those with outputs of their own, of an engine
    with `multi`; None: all.
    """

    song: Path | None = None
    music: Path | None = None
    record: Path | None = None
    seconds: float | None = None
    status: bool = True
    before_chunk: Before | None = None
    automation: Automation | None = None
    clusters: tuple[int, ...] | None = None


class LiveSession:
    """`engine` on the device that `open_device` gives, again and again if need be. `run` returns the report.

    on_tick is called some times a second, on the main thread; on_rate, before a stream begins, with the rate in Hz of
    the samples that the engine will be given.
    """

    def __init__(
        self,
        engine: Engine,
        device: Device,
        open_device: OpenDevice,
        options: SessionOptions,
        on_tick: Callable[[], object] = lambda: None,
        on_rate: Callable[[int], object] = lambda rate_hz: None,
    ) -> None:
        self._engine, self._device, self._open, self._options = engine, device, open_device, options
        self._telemetry, self._on_tick, self._on_rate = engine.telemetry, on_tick, on_rate
        self._stopping = threading.Event()
        self.counts = RunCounts()
        self.abandoned = False
        self._stream: LiveStream | None = None
        self._last: LiveStream | None = None
        self._recorder = self._make_recorder()
        self.transport = Transport(engine.surface, options.music)
        self.transport.begin(options.song)
        self._told = 0

    def _make_recorder(self) -> Recorder | None:
        if self._options.record is None:
            return None
        engine = self._engine
        every = range(engine.clusters if engine.stem_out is not None else 0)
        chosen = every if self._options.clusters is None else self._options.clusters
        names = {k: str(engine.surface.get(f"/vqss/cluster/{k}/name")) for k in chosen}
        return Recorder(self._options.record, names, self._telemetry.report)

    def stop(self) -> None:
        """End the run; from any thread or a signal handler."""
        self._stopping.set()

    def run(self) -> dict[str, Any]:
        """Play until stopped, until `seconds` have passed, or the device ends by itself.

        Raises VQSSError where the device does not open at first. `recording_failed` tells whether all is on disk.
        """
        began = time.monotonic()
        try:
            with undisturbed():
                self._stream = self._connect(self._device)
                latency_ms = self._watch(began)
        finally:
            self._disconnect()
            self.transport.close()
            self._telemetry.state = EngineState.STOPPED
            if self._recorder:
                self._recorder.close()
            self._say_faults()
        assert self._last is not None
        return run_report(time.monotonic() - began, self._telemetry, self.counts, self._last, latency_ms)

    def _connect(self, device: Device, start: Callable[[Exchange], None] | None = None) -> LiveStream:
        before, automation = self._options.before_chunk, self._options.automation
        stream = LiveStream(
            device, self._engine, self.counts.hop_times, self.transport.player, self._recorder, before, automation,
            self._options.clusters, known_block=self._known_block(device),
        )  # fmt: skip
        self._on_rate(stream.engine_hz)
        stream.start(start)
        publish_device(self._engine, device.name, device.rate_hz, stream.block)
        self.counts.reconnects += int(self._last is not None)
        self._last = stream
        return stream

    def _known_block(self, device: Device) -> int:
        """The longest block of this device so far: forgotten, it would be too long for the stream again and again."""
        last = self._last
        same = last is not None and (last.device.name, last.device.rate_hz) == (device.name, device.rate_hz)
        return last.longest_block if last is not None and same else 0

    def _disconnect(self, keep_device: bool = False) -> None:
        if self._stream is not None:
            self._stream.close(keep_device)
            self.abandoned = self.abandoned or self._stream.device.hung
            self.counts.add(self._stream)
            self._stream = None

    # The watch

    def _watch(self, began: float) -> dict[str, float]:
        """Until the end; returns the latency of the last stream."""
        next_status, next_collection = began + _STATUS_S, began + _COLLECT_S
        calls, since = -1, began
        latency_ms: dict[str, float] = {}
        while not self._stopping.wait(_TICK_S):
            now = time.monotonic()
            stream = self._stream
            if stream is None or stream.device.finished or self._is_over(began):
                break
            if (count := stream.exchange.count(kernel.CALLBACKS)) != calls:
                calls, since = count, now
                stream.tick()       # only while the device answers, for one that hangs would hang this thread
            latency_ms = self._tell(stream)
            patience = _SILENT_FREEWHEEL_S if stream.exchange.waiting else _SILENT_DEVICE_S
            lost = not stream.device.alive or now - since > patience
            if lost or stream.outgrown:
                (self._reconnect if lost else self._begin_anew)(stream, began)
                calls, since = -1, time.monotonic()
            if now >= next_status:
                next_status = now + _STATUS_S
                self._say_status()
            if now >= next_collection:
                next_collection = now + _COLLECT_S
                gc.collect()
        if not latency_ms and self._stream is not None:
            latency_ms = self._stream.latency_ms()
        return latency_ms

    def _tell(self, stream: LiveStream) -> dict[str, float]:
        """Bring the telemetry up to date."""
        latency_ms = stream.latency_ms()
        telemetry = self._telemetry
        telemetry.host_latency_ms = latency_ms["total"] - telemetry.engine_latency_ms
        telemetry.xruns = self.counts.xruns + stream.exchange.count(kernel.XRUNS)
        self.transport.tick()
        self._on_tick()
        return latency_ms

    @property
    def recording_failed(self) -> bool:
        """Whether something that was to be recorded is not on the disk."""
        return self._recorder is not None and self._recorder.failed

    def _say_status(self) -> None:
        """The line of this second, and the faults that were reported since the last."""
        self._say_faults()
        if self._options.status:
            status_line(self._telemetry)

    def _say_faults(self) -> None:
        snapshot = self._telemetry.snapshot()
        new = snapshot.error_count - self._told
        self._told = snapshot.error_count
        for text in snapshot.errors[max(0, len(snapshot.errors) - new) :] if new else ():
            say(text)

    def _begin_anew(self, stream: LiveStream, began: float) -> None:
        """On the same device, for the blocks that it has now: what others have connected to it stays so."""
        self._disconnect(keep_device=True)
        if self._outlive(stream, began):
            try:
                self._stream = self._connect(stream.device)
            except VQSSError as error:
                say(str(error))
                self._find_again(stream.device.hung, began)
        else:
            stream.device.close()
        self.abandoned = self.abandoned or stream.device.hung

    def _reconnect(self, stream: LiveStream, began: float) -> None:
        """Leave a lost device behind, without waiting for it, and have one again."""
        say(f"the device '{stream.device.name}' was lost or has changed; trying again every {RETRY_S:g} s")
        self._disconnect()
        self._show_loss()
        if self._outlive(stream, began):
            self._find_again(stream.device.hung, began)

    def _find_again(self, hung: bool, began: float) -> None:
        """Try every two seconds to open the device, until there is one or the run ends."""
        wait, reason = 0.0, ""
        self._show_loss()   # a worker that hung has told of its last hop meanwhile
        while not self._stopping.wait(wait) and not self._is_over(began):
            wait = RETRY_S
            try:
                self._stream = self._connect_again(hung, began)
            except VQSSError as error:
                hung = False
                if str(error) != reason:
                    say(reason := str(error))
                self._on_tick()
                self._say_status()
                continue
            if self._stream is not None:
                say(f"connected to '{self._stream.device.name}' at {self._stream.device.rate_hz} Hz")
            return

    def _show_loss(self) -> None:
        """No device, and no sound: levels and load would stand still at their last values."""
        self._telemetry.state = EngineState.DEVICE_LOST
        self._telemetry.silence()
        self._telemetry.load = 0.0

    def _connect_again(self, hung: bool, began: float) -> LiveStream | None:
        """To the device, opened and started where that may hang; None where the run ended first. Raises VQSSError."""
        opening, stream = PatientOpen(lambda: self._open(hung)), None
        hanging = f"the sound system has not answered for {_OPEN_PATIENCE_S:g} s; waiting on, restart it if it hangs"

        def start(exchange: Exchange) -> None:
            opening.start(exchange)
            if not self._await(opening.wait, began, hanging):
                raise VQSSError("the run has ended before the device opened again")
            opening.device()

        try:
            if self._await(opening.wait, began, hanging):
                stream = self._connect(opening.device(), start)
        finally:
            if stream is None:
                self.abandoned = opening.leave() or self.abandoned
        return stream

    def _outlive(self, stream: LiveStream, began: float) -> bool:
        """Wait for a worker that hangs in the engine, which two must not run at once; False where the run ended."""
        if not stream.worker.join(0.0):
            say("the engine has not returned from its last hop, and cannot begin again before that; an effect may hang")
        return self._await(stream.worker.join, began)

    def _await(self, done: Callable[[float], bool], began: float, hanging: str = "") -> bool:
        """Wait until `done(seconds to wait)`, and do meanwhile what a run does; False where the run ended first.

        `hanging` is said once, where that takes long.
        """
        next_status, late = time.monotonic() + _STATUS_S, time.monotonic() + _OPEN_PATIENCE_S
        while not done(_TICK_S):
            if self._stopping.is_set() or self._is_over(began):
                return False
            self._on_tick()
            if hanging and time.monotonic() >= late:
                say(hanging)
                hanging = ""
            if time.monotonic() >= next_status:
                next_status = time.monotonic() + _STATUS_S
                self._say_status()
        return True

    def _is_over(self, began: float) -> bool:
        """Whether the seconds it was to run have passed."""
        seconds = self._options.seconds
        return seconds is not None and time.monotonic() - began >= seconds
