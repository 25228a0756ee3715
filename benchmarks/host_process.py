"""The engine in a process of its own behind rings in shared memory: a way to host it that bench_host compares.

`python -m benchmarks.host_process FILE CHUNKS FD` is the engine's side: it works until its stdin ends. FD is the
pipe that a byte comes through with every block; -1: it looks every half millisecond instead, as the thread does.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.collection import undisturbed
from bridge.exchange import Exchange
from bridge.hop_times import HopTimes
from bridge.live_stage import LiveStage
from bridge.live_worker import Worker
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.engine import Engine

RATE = 44100
_LONGEST_WAIT_S = 0.5
_SHARED = Path("/dev/shm")


def bench_engine() -> Engine:
    """The shipped model with all clusters at gains of their own."""
    engine = Engine(ModelBundle.load(None), StreamConfig.named("default"), 2)
    engine.surface.set_many({f"/vqss/cluster/{k}/gain": -0.25 * (k + 1) for k in range(engine.clusters)})
    engine.warm_up(50)
    return engine


class TimedWorker(Worker):
    """Notes when each chunk's result was there: `done` (chunks,), seconds of time.perf_counter.

    fd: waits for a byte there before it looks for input; None: looks twice a millisecond.
    """

    def __init__(self, stage: LiveStage, exchange: Exchange, done: NDArray[np.float64], fd: int | None = None) -> None:
        super().__init__(stage, exchange, HopTimes())
        self._done, self._made, self._fd = done, 0, fd

    def _next(self) -> bool:
        made = super()._next()
        if made and self._made < self._done.size:
            self._done[self._made] = time.perf_counter()
            self._made += 1
        elif not made and self._fd is not None and select.select([self._fd], [], [], _LONGEST_WAIT_S)[0]:
            os.read(self._fd, 4096)
            return True     # look at once
        return made


class SharedExchange(Exchange):
    """All that callback and worker touch, in shared memory: made anew, or that of `name`; `done` as in TimedWorker."""

    def __init__(self, chunks: int, name: str | None = None) -> None:
        super().__init__(2, 2, RATE)
        rings = [self.incoming, self.outgoing, self.song, self.recorded]
        self.done: NDArray[np.float64] = np.zeros(chunks)
        places: list[tuple[Any, str]] = [(ring, part) for ring in rings for part in ("memory", "positions")]
        places += [(self, "state"), (self, "level"), (self, "done")]
        size = sum(-(-getattr(*place).nbytes // 64) * 64 for place in places)
        new = name is None
        if name is None:
            handle, name = tempfile.mkstemp(prefix="vqss-bench-", dir=_SHARED if _SHARED.is_dir() else None)
            os.truncate(handle, size)
            os.close(handle)
        self.file = Path(name)
        memory, at = np.memmap(self.file, np.uint8, "r+"), 0
        for owner, part in places:
            array = getattr(owner, part)
            view = np.ndarray(array.shape, array.dtype, memory, at)
            if new:
                view[...] = array
            setattr(owner, part, view)
            at += -(-array.nbytes // 64) * 64


class EngineProcess:
    """The engine's side, started and ready; `wake` tells it of a block."""

    def __init__(self, exchange: SharedExchange, piped: bool) -> None:
        self._read, self._write = os.pipe() if piped else (-1, -1)
        command = [sys.executable, "-m", "benchmarks.host_process", str(exchange.file), str(exchange.done.size),
                   str(self._read)]  # fmt: skip
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[self._read] if piped else []
        )
        assert self._child.stdout is not None
        if self._child.stdout.readline().strip() != "ready":
            raise SystemExit("the engine's process does not start")

    def wake(self) -> None:
        if self._write >= 0:
            os.write(self._write, b"x")

    def close(self) -> None:
        self._child.communicate(timeout=30)
        for fd in (self._read, self._write):
            if fd >= 0:
                os.close(fd)


def main(name: str, chunks: int, fd: int) -> None:
    engine = bench_engine()
    exchange = SharedExchange(chunks, name)
    worker = TimedWorker(LiveStage(engine, RATE), exchange, exchange.done, fd if fd >= 0 else None)
    worker.start()
    with undisturbed():
        worker.begin()
        print("ready", flush=True)
        sys.stdin.read()
    worker.stop(2.0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
