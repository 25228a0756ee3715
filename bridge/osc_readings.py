"""Reading what an engine reports over OSC into a telemetry, and which of our own settings are still in doubt."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Sequence

from bridge.osc_feeds import LEVELS, SPECTRA, STATUS
from bridge.osc_packet import Scalar
from vqss_engine.control import EngineState, Telemetry, Value
from vqss_engine.telemetry import FLOOR_DBFS
from vqss_engine.vocabulary import POSITION

SETTLING_S = 0.3
"""How long after a setting of ours the other side's word on the same address may be older than it."""


class Doubts:
    """Addresses set here a moment ago: what is heard of them may be older than the setting, and is asked for anew.

    Threads: any; a short lock guards the table.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until_s: dict[str, float] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._until_s

    def add(self, path: str) -> None:
        """Doubt what is heard of `path` for a while."""
        with self._lock:
            self._until_s[path] = self._clock() + SETTLING_S

    def due(self) -> tuple[str, ...]:
        """The addresses that have settled and are to be asked for; they are in doubt no more."""
        if not self._until_s:
            return ()
        now_s = self._clock()
        with self._lock:
            paths = tuple(path for path, until_s in self._until_s.items() if until_s <= now_s)
            for path in paths:
                del self._until_s[path]
        return paths


def same_in_32_bits(ours: Value, theirs: object) -> bool:
    """Whether two values are the same once they have travelled as 32-bit floats."""
    if isinstance(ours, tuple) and isinstance(theirs, tuple) and len(ours) == len(theirs):
        return all(same_in_32_bits(a, b) for a, b in zip(ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, float | int):
        return struct.pack(">f", ours) == struct.pack(">f", theirs)
    return ours == theirs


def read_feed(telemetry: Telemetry, address: str, values: Sequence[Scalar]) -> bool:
    """Take in levels, spectra, status or the position of the song; False where a message is none of these."""
    read = {LEVELS: read_levels, SPECTRA: read_spectra, STATUS: read_status, POSITION: read_position}.get(address)
    if read is not None:
        read(telemetry, values)
    return read is not None


def read_position(telemetry: Telemetry, values: Sequence[Scalar]) -> None:
    """Where the song is, in seconds; anything else: nothing."""
    if len(values) == 1 and isinstance(values[0], float):
        telemetry.position_s = values[0]


def read_levels(telemetry: Telemetry, values: Sequence[Scalar]) -> None:
    """rms and peak in dBFS, cluster by cluster, then main; of another number of clusters: nothing."""
    if len(values) != 2 * len(telemetry.rms_power) or not all(isinstance(value, float) for value in values):
        return
    for at, powers in enumerate((telemetry.rms_power, telemetry.peak_power)):
        for k, level in enumerate(values[at::2]):
            assert isinstance(level, float)
            powers[k] = 10.0 ** (min(level, 40.0) / 10.0) if level > FLOOR_DBFS else 0.0


def read_status(telemetry: Telemetry, values: Sequence[Scalar]) -> None:
    """load, misses, xruns, latency in ms, state; anything else: nothing."""
    match values:
        case [float(load), int(misses), int(xruns), float(latency_ms), int(state)]:
            telemetry.load, telemetry.misses, telemetry.xruns = load, misses, xruns
            telemetry.engine_latency_ms, telemetry.host_latency_ms = 0.0, latency_ms
            if state in tuple(EngineState):
                telemetry.state = EngineState(state)


def read_spectra(telemetry: Telemetry, values: Sequence[Scalar]) -> None:
    """Number of the hop and its bytes; anything else: nothing."""
    if len(values) == 2 and isinstance(values[0], int) and isinstance(values[1], bytes):
        telemetry.spectra = (values[0], values[1])
