"""One connection to one device: its rings, the worker between them, and the numbers that follow from its blocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bridge import exchange_kernel as kernel
from bridge.automation import Automation
from bridge.bursts import Bursts
from bridge.exchange import Exchange, prefill_frames
from bridge.hop_times import HopTimes
from bridge.live_device import Device
from bridge.live_source import SongPlayer
from bridge.live_stage import LiveStage
from bridge.live_worker import Before, Worker
from bridge.recorder import Recorder
from vqss_engine.engine import Engine
from vqss_engine.errors import VQSSError

_FIRST_BLOCKS, _FIRST_BLOCK_TIMEOUT_S = 8, 5.0
_FADE_PATIENCE_S = 0.2


class LiveStream:
    """`start` opens the device and begins to separate; `close` ends both. For one use.

    clusters: those with outputs of their own, see `LiveStage`. known_block: the longest block that this device is
    known to ask for, where its blocks vary.
    """

    def __init__(
        self,
        device: Device,
        engine: Engine,
        hop_times: HopTimes,
        song: SongPlayer,
        recorder: Recorder | None = None,
        before_chunk: Before | None = None,
        automation: Automation | None = None,
        clusters: Sequence[int] | None = None,
        exchange_type: type[Exchange] = Exchange,
        known_block: int = 0,
    ) -> None:
        self.device, self._engine, self._song, self._recorder = device, engine, song, recorder
        self._stage = LiveStage(engine, device.rate_hz, clusters)
        self.exchange = exchange_type(engine.channels, self._stage.outputs, device.rate_hz, engine.clusters)
        self.worker = Worker(self._stage, self.exchange, hop_times, before_chunk, automation)
        self.block, self._known_block = 0, known_block
        self._bursts = Bursts()
        self._declared: int | None = None

    def start(self, start_device: Callable[[Exchange], None] | None = None) -> None:
        """Raises VQSSError where the device does not open, or never calls; `start_device` starts it otherwise."""
        self._song.attach(self.exchange)
        self.worker.start()
        try:
            (start_device or self.device.start)(self.exchange)
            self.block = self.device.block or max(self._known_block, self._first_blocks())
            if self._recorder:      # not before: a device that does not open has nothing to do with a recording
                self._recorder.attach(self.exchange)
        except VQSSError:
            self.close()
            raise
        self.exchange.prefill = prefill_frames(self.block, self._stage.chunk, self.device.steady)
        self.worker.begin()
        self.exchange.begin(self.exchange.prefill)
        self._declare()

    def tick(self) -> None:
        """To be called some times a second, while the device answers."""
        self._declare()
        self._bursts.add(self.exchange.take_burst(), self.exchange.count(kernel.DRY_TIMES))

    def _declare(self) -> None:
        """Tell the device how late its outputs are, where it was told otherwise; a rack may have changed it."""
        delay = self.worker.delay
        if delay != self._declared:
            self._declared = delay
            self.device.declare(delay)

    def _first_blocks(self) -> int:
        """The largest of the first blocks."""
        deadline = time.monotonic() + _FIRST_BLOCK_TIMEOUT_S
        while self.exchange.count(kernel.CALLBACKS) < _FIRST_BLOCKS:
            if time.monotonic() > deadline:
                raise VQSSError(f"'{self.device.name}' opens, but never asks for sound; choose another device")
            time.sleep(0.002)
        return self.exchange.count(kernel.LARGEST_BLOCK)

    @property
    def engine_hz(self) -> int:
        """The rate of the samples that the engine is given."""
        return self._stage.engine_hz

    @property
    def longest_block(self) -> int:
        """The longest block that the device is known to ask for, at once or in a burst of shorter ones."""
        return max(self.block, self.exchange.count(kernel.LARGEST_BLOCK), self._bursts.too_long_for(self.block))

    @property
    def outgrown(self) -> bool:
        """Whether the device has other blocks than the stream was begun for; longer ones, where it tells none."""
        told = self.device.block
        return self.longest_block > self.block if told is None else told != self.block

    def latency_ms(self) -> dict[str, float]:
        """Where the milliseconds from input to output are spent; `total` is their sum."""
        engine, stage = self._engine, self._stage
        synthesis = engine.separator.latency_samples + engine.hop
        algorithmic = synthesis / stage.engine_hz
        inserts = (engine.latency_samples - engine.separator.latency_samples) / stage.engine_hz
        inside, device = self.worker.delay / self.exchange.rate_hz, self.device.latency_s
        parts = {"algorithmic": algorithmic, "inserts": inserts, "buffers": inside - algorithmic - inserts,
                 "device": device, "total": inside + device}  # fmt: skip
        return {name: round(1e3 * seconds, 3) for name, seconds in parts.items()}

    def close(self, keep_device: bool = False) -> None:
        """End the worker, and the device unless another stream is to have it, in less than a second, whatever state
        they are in."""
        self.exchange.hold()
        self.exchange.waiting = False
        deadline = time.monotonic() + _FADE_PATIENCE_S
        while self._plays and not self.exchange.faded and time.monotonic() < deadline:
            time.sleep(0.002)
        if not keep_device:
            self.device.close()
        self.worker.stop()

    @property
    def _plays(self) -> bool:
        """Whether the device calls, as far as it tells."""
        return self.device.alive and not self.device.finished
