"""What the engine and its host report upwards: levels, load, counters. Standard library only.

The engine's thread writes plain numbers in place and never waits; any thread takes an immutable `snapshot()`.
A snapshot may mix the levels of two neighbouring hops, which no meter can show.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from dataclasses import dataclass
from enum import IntEnum

FLOOR_DBFS = -120.0
"""What a level of nothing is reported as."""


class EngineState(IntEnum):
    """What is heard now; the last field of /vqss/status."""

    STOPPED = 0
    RUNNING = 1
    BYPASSED = 2
    FALLBACK = 3
    DEVICE_LOST = 4


@dataclass(frozen=True)
class TelemetrySnapshot:
    """One look at the engine. Levels are dBFS, K + 1: every cluster before its fader, then the main output."""

    rms_dbfs: tuple[float, ...]
    peak_dbfs: tuple[float, ...]
    load: float
    hop_ms: float
    hops: int
    misses: int
    xruns: int
    fallbacks: int
    nonfinite_inputs: int
    latency_ms: float
    state: EngineState
    position_s: float
    errors: tuple[str, ...]
    error_count: int


class Telemetry:
    """Written by the engine (levels, hops, load, hop_ms, fallbacks, state) and its host, each by one thread;
    where the song is, also by whoever seeks.

    rms_power, peak_power: mean squares, K + 1 floats, full scale 1. load: part of a hop's time spent computing.
    misses: hops that came too late. xruns: gaps the device reported. fallbacks: how often the output fell to
    the dry mix. nonfinite_inputs: hops of input that held NaN or infinity. engine_latency_ms: the synthesis
    window and the inserts; host_latency_ms: buffers and device. spectra_per_s: how often somebody wants spectra
    (0: never); spectra: number of the hop, and (K + 1) * 64 bytes: mix, then clusters, 64 mel bands, 0...255 for
    -90...0 dB.
    """

    def __init__(self, clusters: int) -> None:
        self.rms_power = array("f", bytes(4 * (clusters + 1)))
        self.peak_power = array("f", bytes(4 * (clusters + 1)))
        self.load = self.hop_ms = self.engine_latency_ms = self.host_latency_ms = self.position_s = 0.0
        self.hops = self.misses = self.xruns = self.fallbacks = self.nonfinite_inputs = self.error_count = 0
        self.state = EngineState.STOPPED
        self.spectra_per_s = 0.0
        self.spectra: tuple[int, bytes] = (0, b"")
        self._errors: deque[str] = deque(maxlen=32)

    def silence(self) -> None:
        """No level of anything: nobody tells them any more."""
        for powers in (self.rms_power, self.peak_power):
            powers[:] = array("f", bytes(4 * len(powers)))

    def report(self, text: str) -> None:
        """Note a fault in words; the last 32 are kept, all are counted."""
        self.error_count += 1
        self._errors.append(text)

    @property
    def latency_ms(self) -> float:
        """From the input to the output: of the engine, and of what it runs in."""
        return self.engine_latency_ms + self.host_latency_ms

    def snapshot(self) -> TelemetrySnapshot:
        """An immutable copy, with levels in dBFS."""
        return TelemetrySnapshot(
            rms_dbfs=tuple(map(_dbfs, self.rms_power)),
            peak_dbfs=tuple(map(_dbfs, self.peak_power)),
            load=self.load,
            hop_ms=self.hop_ms,
            hops=self.hops,
            misses=self.misses,
            xruns=self.xruns,
            fallbacks=self.fallbacks,
            nonfinite_inputs=self.nonfinite_inputs,
            latency_ms=self.latency_ms,
            state=EngineState(self.state),
            position_s=self.position_s,
            errors=tuple(self._errors.copy()),
            error_count=self.error_count,
        )


def _dbfs(power: float) -> float:
    """10·log10 of a mean square, never below -120 dBFS; NaN reads as the floor."""
    return max(10.0 * math.log10(power), FLOOR_DBFS) if power > 1e-12 else FLOOR_DBFS
