"""Measures what a live run's latency really is: a sound through the engine, out, through a cable, and in again.

Threads: the device's callback calls `exchange`; who measures waits for it, and only then reads what was captured.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

from bridge.exchange import LARGEST_DEVICE_BLOCK, Exchange
from bridge.hop_times import HopTimes
from bridge.live_device import Device
from bridge.live_source import SongPlayer
from bridge.live_stream import LiveStream
from vqss_engine.engine import Engine
from vqss_engine.errors import VQSSError

Floats = NDArray[np.float32]

_PROBE_S, _LEAD_S, _TAIL_S, _LEVEL = 0.25, 0.5, 1.0, 0.25
_CLEAR = 6.0
_PATIENCE_S = 20.0


def probe_sound(rate_hz: int) -> Floats:
    """Noise (n,) that comes and goes softly; no other sound looks like it."""
    noise = np.random.default_rng(1).standard_normal(round(_PROBE_S * rate_hz))
    return (np.clip(noise / 3.0, -1.0, 1.0) * np.hanning(noise.size) * _LEVEL).astype(np.float32)


def find_delay(probe: Floats, captured: Floats) -> int | None:
    """The frame of `captured` (n,) at which `probe` begins; None where it is not clearly there."""
    likeness = np.abs(correlate(captured, probe, mode="valid"))
    best = int(likeness.argmax())
    around = np.delete(likeness, slice(max(0, best - 32), best + 32))
    return best if likeness[best] > _CLEAR * np.sqrt(np.mean(around**2) + 1e-20) and likeness[best] > 1e-4 else None


class ProbedExchange(Exchange):
    """Puts the probe in the place of the input, and keeps what the input really brings."""

    def prepare(self) -> None:
        """Allocate; before the device runs."""
        rate_hz = self.rate_hz
        self.lead = round(_LEAD_S * rate_hz)
        self.probe = probe_sound(rate_hz)
        self.captured: Floats = np.zeros(self.lead + self.probe.size + round(_TAIL_S * rate_hz), np.float32)
        self.sent: Floats = np.zeros_like(self.captured)
        self.sent[self.lead : self.lead + self.probe.size] = self.probe
        self._lowest: Floats = np.zeros(LARGEST_DEVICE_BLOCK, np.float32)
        self._instead: Floats = np.zeros((self.inputs, LARGEST_DEVICE_BLOCK), np.float32)
        self._at, self._again = 0, False

    @property
    def complete(self) -> bool:
        """Whether all of `sent` has gone out, and as much come in, since the last `send_again`."""
        return not self._again and self._at == self.captured.size

    def send_again(self) -> None:
        """Begin anew at the next block; until then `complete` is false."""
        self._again = True      # only the callback writes the position, so that neither overwrites the other's

    def exchange(self, given: Floats, wanted: Floats) -> None:
        if self.running:
            given = self._replaced(given)
        super().exchange(given, wanted)

    def _replaced(self, given: Floats) -> Floats:
        """Keep (inputs, n) of the device; what the engine gets instead."""
        if self._again:
            self._at = 0
            self._again = False
        frames = given.shape[1]
        count = min(frames, self.captured.size - self._at)
        part = slice(self._at, self._at + count)
        captured, lowest, instead = self.captured[part], self._lowest[:count], self._instead[:, :frames]
        np.maximum.reduce(given[:, :count], axis=0, out=captured)
        np.minimum.reduce(given[:, :count], axis=0, out=lowest)
        np.add(captured, lowest, out=captured)
        instead[:, :count] = self.sent[part]
        instead[:, count:] = 0.0
        self._at += count
        return instead


def _measure(exchange: ProbedExchange, device: Device, stopping: threading.Event) -> int | None:
    """Send the probe until it comes back; frames it took from the engine's input, None where it never does."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and device.alive and not stopping.wait(0.05):
        if not exchange.complete:
            continue
        found = find_delay(exchange.probe, exchange.captured)
        if found is not None and found >= exchange.lead:
            return found - exchange.lead
        exchange.send_again()
    return None


def measure_latency(engine: Engine, device: Device, stopping: threading.Event) -> dict[str, Any]:
    """The measurement beside what is declared. Raises VQSSError where the sound does not come back, and why."""
    song = SongPlayer(engine.telemetry.report, lambda: None)
    stream = LiveStream(device, engine, HopTimes(), song, exchange_type=ProbedExchange)
    assert isinstance(stream.exchange, ProbedExchange)
    stream.exchange.prepare()
    try:
        stream.start()
        frames = _measure(stream.exchange, device, stopping)
        lost = not device.alive
        latency_ms = stream.latency_ms()
    finally:
        stream.close()
        song.close()
    if frames is None and stopping.is_set():
        raise VQSSError("stopped before the test sound came back")
    if frames is None and lost:
        raise VQSSError(f"the device '{device.name}' was lost; connect it and measure again")
    if frames is None:
        raise VQSSError("the test sound does not come back; join output 1 to input 1 by a cable, and turn both up")
    found, block = 1000.0 * frames / device.rate_hz, 1000.0 * stream.block / device.rate_hz
    return {
        "measured_ms": round(found, 3),
        "declared_ms": latency_ms["total"],
        "difference_ms": round(found - latency_ms["total"], 3),
        "block_ms": round(block, 3),
        "latency_ms": latency_ms,
    }
