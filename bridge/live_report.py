"""What a live run tells: a line a second, and the report at its end."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from bridge import exchange_kernel as kernel
from bridge.hop_times import HopTimes
from bridge.live_stream import LiveStream
from vqss_engine.control import Telemetry


@dataclass
class RunCounts:
    """Sums over all streams of a run; the present stream's are added when it ends."""

    xruns: int = 0
    dry_frames: int = 0
    starved_frames: int = 0
    unrecorded_frames: int = 0
    reconnects: int = 0
    hop_times: HopTimes = field(default_factory=HopTimes)

    def add(self, stream: LiveStream) -> None:
        exchange = stream.exchange
        self.xruns += exchange.count(kernel.XRUNS)
        self.dry_frames += exchange.count(kernel.DRY_FRAMES)
        self.starved_frames += exchange.count(kernel.STARVED)
        self.unrecorded_frames += exchange.count(kernel.RECORD_DROPPED)


def run_report(
    seconds: float, telemetry: Telemetry, counts: RunCounts, stream: LiveStream, latency_ms: dict[str, float]
) -> dict[str, Any]:
    """The report of a run that has ended; `stream` is its last one."""
    return {
        "seconds": round(seconds, 3),
        "hops": counts.hop_times.count,
        "misses": telemetry.misses,
        "xruns": counts.xruns,
        "fallbacks": telemetry.fallbacks,
        "hop_ms": counts.hop_times.summary_ms(),
        "latency_ms": latency_ms,
        "reconnects": counts.reconnects,
        "device": stream.device.name,
        "sample_rate": stream.device.rate_hz,
        "block": stream.block,
        "priority": stream.worker.priority,
        "dry_frames": counts.dry_frames,
        "starved_frames": counts.starved_frames,
        "unrecorded_frames": counts.unrecorded_frames,
    }


def print_report(report: dict[str, Any]) -> None:
    """For people."""
    latency, hops = report["latency_ms"], report["hop_ms"]
    parts = ", ".join(f"{name} {latency[name]:.1f}" for name in ("algorithmic", "inserts", "buffers", "device"))
    print(
        f"{report['seconds']:.1f} s, {report['hops']} hops, {report['misses']} misses, {report['xruns']} xruns,"
        f" {report['fallbacks']} fallbacks, {report['reconnects']} reconnections"
    )
    print(f"latency {latency['total']:.1f} ms ({parts})")
    print(f"a hop takes {hops['p50']:.2f} ms (p99 {hops['p99']:.2f}, max {hops['max']:.2f})")
    print(f"{report['device']} at {report['sample_rate']} Hz, blocks of {report['block']};"
          f" the worker's priority is {report['priority']}")  # fmt: skip


def status_line(telemetry: Telemetry) -> None:
    """One line on stderr; on a terminal it replaces the one before."""
    text = (
        f"load {100 * telemetry.load:3.0f} %  misses {telemetry.misses}  xruns {telemetry.xruns}"
        f"  latency {telemetry.latency_ms:.1f} ms  {telemetry.state.name.lower().replace('_', ' ')}"
    )
    terminal = sys.stderr.isatty()
    print(f"\r{text:76}" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)
