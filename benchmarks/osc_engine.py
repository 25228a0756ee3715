"""An engine paced at real time with an OSC server, in a process of its own, for bench_osc: orders on stdin.

`mark` begins a new measurement; `report` prints it as one line of JSON; the end of stdin ends the process.
Threads: the main one takes orders; `worker` is paced and never waits for anything else; those of the server.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
import time

import numpy as np

from bridge.osc_server import OscServer
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.engine import Engine

MAIN_GAIN = "/vqss/main/gain"
SWITCH_INTERVAL_S = 0.0005


class Worker:
    """Gives the engine hops of noise as a device would, and notes how long each took and which gain it played."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._period_s = engine.hop / engine.sample_rate
        self._stop = threading.Event()
        self._times_ms: list[float] = []
        self._late = 0
        self._changes: list[tuple[float, float]] = []
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        engine, shape = self._engine, (self._engine.channels, self._engine.hop)
        block = (np.random.default_rng(1).standard_normal(shape) * 0.1).astype(np.float32)
        out, gain, due_s = np.zeros_like(block), 0.0, time.monotonic()
        while not self._stop.is_set():
            time.sleep(max(0.0, due_s - time.monotonic()))
            state, began_s = engine.surface.state, time.monotonic()
            engine.process(block, out)
            ended_s = time.monotonic()
            self._times_ms.append(1000.0 * (ended_s - began_s))
            self._late += ended_s > due_s + self._period_s
            if state.main_gain != gain:
                gain = state.main_gain
                self._changes.append((round(gain, 3), ended_s))
            due_s = max(due_s + self._period_s, ended_s - self._period_s)

    def mark(self) -> None:
        self._times_ms, self._late, self._changes = [], 0, []

    def report(self) -> dict[str, object]:
        return {
            "hops": len(self._times_ms), "late": self._late, "times_ms": [round(each, 4) for each in self._times_ms],
            "changes": self._changes, "gain": self._engine.surface.get(MAIN_GAIN),
        }  # fmt: skip

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


def main() -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    engine = Engine(ModelBundle.load(), StreamConfig.named("default"), 2)
    engine.warm_up()
    gc.freeze()
    with OscServer(engine.surface, port=0) as server:
        worker = Worker(engine)
        print(json.dumps({"port": server.port, "hop_ms": 1000.0 * engine.hop / engine.sample_rate}), flush=True)
        for order in sys.stdin:
            if order.strip() == "mark":
                worker.mark()
            else:
                print(json.dumps({**worker.report(), "subscribers": len(server.subscribers)}), flush=True)
        worker.close()


if __name__ == "__main__":
    main()
