"""Hops at the pace of a device beside a callback that does nothing: `default`, `low` and the empty one in turns.

The empty callback is due as often as a hop of `low`. What counts is how long a hop takes, told of those at which the
network runs, which are the longest, and how late after it was due each call has returned: one that returns after the
next is due is late, whosever fault it is; the empty callback tells how often the machine is at fault. All 16 clusters
are audible at gains of their own, stereo.

Thread: `paced` runs them all, with the priority that `vqss live` asks for its worker.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.rows import Row, row
from benchmarks.targets import DEFAULT, EMPTY, LOW
from bridge.bench import uneven_surface
from bridge.bench_signal import bench_signal
from bridge.collection import undisturbed
from bridge.denormals import flush_denormals
from bridge.thread_priority import raise_priority
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.engine import Engine

CHANNELS, SLICES, HOPS_A_SECOND = 2, 10, 1000
"""`seconds` of the benchmark stand for a thousand hops each."""

Call = Callable[[], object]


class Paced:
    """`call` once every `period_s`; taken_s and late_s: how long each took, how long after it was due it returned.

    Every `dear`-th call, from the first on, is one that counts for how long they take.
    """

    def __init__(self, call: Call, period_s: float, dear: int = 1) -> None:
        self._call, self.period_s, self.dear = call, period_s, dear
        self.taken_s: list[float] = []
        self.late_s: list[float] = []

    def go_on(self, count: int) -> None:
        due = time.perf_counter() + 10 * self.period_s
        for _ in range(count):
            time.sleep(max(0.0, due - time.perf_counter()))
            started = time.perf_counter()
            self._call()
            ended = time.perf_counter()
            self.taken_s.append(ended - started)
            self.late_s.append(ended - due)
            due += self.period_s

    @property
    def late(self) -> int:
        return sum(late > self.period_s for late in self.late_s)


def _engine(bundle: ModelBundle, profile: str) -> Paced:
    stream, rate = StreamConfig.named(profile), bundle.config.sample_rate
    engine = Engine(bundle, stream, CHANNELS, uneven_surface(bundle, bundle.config.clusters))
    engine.warm_up()
    signal, out = bench_signal(8.0, rate), np.zeros((CHANNELS, stream.hop), np.float32)
    starts = range(0, signal.shape[1] - stream.hop, stream.hop)
    hops, at = [np.ascontiguousarray(signal[:, start : start + stream.hop]) for start in starts], [0]

    def once() -> None:
        at[0] = (at[0] + 1) % len(hops)
        engine.process(hops[at[0]], out)

    return Paced(once, stream.hop / rate, stream.mask_hops)


def _rows(name: str, paced: Paced, empty: Paced) -> list[Row]:
    budget_ms, jitter = 1e3 * paced.period_s, float(np.median(empty.late_s)) * 1e3
    note = f"{paced.late} of {len(paced.late_s)} late"
    more: dict[str, Any] = {"budget": budget_ms, "late": paced.late, "note": note}
    returned = row(f"{name}, back after it was due", [1e3 * late for late in paced.late_s], "ms", EMPTY, jitter)
    dear = [1e3 * taken for taken in paced.taken_s[:: paced.dear]]
    taken = row(name, dear, "ms", f"the {budget_ms:.2f} ms of a hop", budget_ms, **more)
    return [taken, returned]


def _run_in_turn(contenders: tuple[Paced, ...], count: int) -> None:
    """As a worker of its own, in slices of `count` hops."""

    def worker() -> None:
        priority = raise_priority()
        print(f"  bench_pace: the priority is {priority}", file=sys.stderr, flush=True)
        flush_denormals()
        for index in range(SLICES):
            for paced in contenders:
                paced.go_on(count)
            print(f"  bench_pace: {(index + 1) * count} of {SLICES * count} hops each", file=sys.stderr, flush=True)

    with undisturbed():
        thread = threading.Thread(target=worker, name="paced")
        thread.start()
        thread.join()


def run(seconds: float = 10.0) -> list[Row]:
    """Rows in ms; the hops beside the time that a hop lasts, their return beside the empty callback's."""
    bundle = ModelBundle.load()
    default, low = _engine(bundle, "default"), _engine(bundle, "low")
    empty = Paced(lambda: None, low.period_s)
    _run_in_turn((default, low, empty), max(20, round(seconds * HOPS_A_SECOND / SLICES)))
    note = f"{empty.late} of {len(empty.late_s)} late"
    own = row(EMPTY, [1e3 * late for late in empty.late_s], "ms", late=empty.late, note=note)
    return [*_rows(DEFAULT, default, empty), *_rows(LOW, low, empty), own]
