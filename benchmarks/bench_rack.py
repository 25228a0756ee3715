"""Cost of a rack: 16 chains of three plug-ins per hop of the default profile, in the engine's own insert slots.

The same chains run as built-in plug-ins on the audio's thread, and, as VST3 and AU do live, on threads of their own.
Run as `python -m benchmarks.bench_rack [SECONDS]`.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
from pedalboard import Compressor, HighpassFilter, PeakFilter

from bridge.pedalboard_bridge import ClusterRack
from vqss_engine.config import ModelConfig, StreamConfig
from vqss_engine.inserts import Deadline, InsertSet
from vqss_engine.mixer import Layout

CLUSTERS, CHANNELS = 16, 2
DEADLINE = Deadline(1.0)


class _Foreign:
    """A plug-in of pedalboard as an object of Python: such code is run on a thread of its own."""

    def __init__(self, plugin: Any) -> None:
        self.process, self.reset = plugin.process, plugin.reset


def _chain(k: int) -> list[Any]:
    return [HighpassFilter(40 + 10 * k), Compressor(-20, 3), PeakFilter(1000, 3.0)]


def _inserts(rack: ClusterRack, layout: Layout) -> InsertSet:
    built = rack.build(layout.sample_rate, CHANNELS, layout.hop, CLUSTERS, DEADLINE)
    return InsertSet(dict(built.inserts), layout, lambda fault: print(fault, file=sys.stderr), DEADLINE)


def _contenders(layout: Layout) -> dict[str, InsertSet]:
    isolated = {k: [*_chain(k)[:2], _Foreign(_chain(k)[2])] for k in range(CLUSTERS)}
    return {
        "no effects": InsertSet({}, layout, print),
        "16 chains of 3": _inserts(ClusterRack({k: _chain(k) for k in range(CLUSTERS)}), layout),
        "16 chains of 3, each on its own thread": _inserts(ClusterRack(isolated), layout),
    }


def run(seconds: float = 5.0) -> list[dict[str, Any]]:
    """Rows of median and p99 in µs; the reference is the time a hop lasts."""
    stream, rate = StreamConfig.named("default"), ModelConfig().sample_rate
    layout = Layout(CLUSTERS, CHANNELS, stream.hop, rate)
    stems = np.random.default_rng(1).uniform(-0.1, 0.1, (CLUSTERS, CHANNELS, stream.hop)).astype(np.float32)
    everything, unity = np.ones(CLUSTERS, np.bool_), np.ones((CLUSTERS, CHANNELS, 1), np.float32)
    contenders = _contenders(layout)
    times: dict[str, list[float]] = {name: [] for name in contenders}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, inserts in contenders.items():
            start = time.perf_counter_ns()
            inserts.process(None, stems, everything, unity)
            times[name].append((time.perf_counter_ns() - start) / 1000)
    hop_us = 1e6 * stream.hop / rate
    return [
        {"name": f"effects, {name}", "median_us": float(np.median(values)), "p99_us": float(np.percentile(values, 99)),
         "runs": len(values), "ratio": float(np.median(values)) / hop_us, "reference": "a hop"}
        for name, values in times.items()
    ]  # fmt: skip


def main() -> None:
    print(f"{'effects on 16 stereo clusters, per hop':45s}{'median µs':>11s}{'p99 µs':>10s}{'of a hop':>10s}")
    for row in run(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0):
        print(f"{row['name']:45s}{row['median_us']:11.0f}{row['p99_us']:10.0f}{100 * row['ratio']:9.1f}%")


if __name__ == "__main__":
    main()
