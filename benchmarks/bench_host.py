"""Ways to hand sound from a device to the engine: `python -m benchmarks.bench_host [--seconds 60] [--block 256]`.

A thread plays the device: it calls at the pace of real time, beside a thread of plain Python such as an OSC server
under load. Compared:

    thread        the callback in Python around compiled code, the engine in a thread that looks for input twice a ms
    native        the same, but the callback is a C function, which needs no interpreter
    inside        the engine run by the callback itself
    process       the engine in a process of its own, behind rings in shared memory, which looks twice a ms
    process, pipe the same, woken by a byte through a pipe with every block

Timed are: how long after a chunk was complete its result was there (misses: after more than a block or a chunk,
whichever is longer), and how long after it was due each callback returned. All take turns, three times. Prints a
table, and appends a line to benchmarks/results.jsonl. Meaningful on an idle machine only.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numba import carray, cfunc, types
from numpy.typing import NDArray

from benchmarks import machine, report
from benchmarks.host_process import RATE, EngineProcess, SharedExchange, TimedWorker, bench_engine
from benchmarks.rows import Row, row
from bridge import exchange_kernel as kernel
from bridge.bench_signal import bench_signal
from bridge.collection import undisturbed
from bridge.exchange import Exchange, prefill_frames
from bridge.live_stage import LiveStage

Floats = NDArray[np.float32]
Times = NDArray[np.float64]
Shape = tuple[int, ...]
Call = Callable[[Floats, Floats], object]

VARIANTS = ("thread", "native", "inside", "process", "process, pipe")
SECONDS, BLOCK, TURNS = 60.0, 256, 3
MS = 1000.0


@dataclass
class Found:
    """Of one variant, seconds: from a complete chunk to its result, and from due to returned, per callback."""

    answers: list[float] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)
    dry_frames: int = 0


def native_callback(exchange: Exchange) -> Call:
    """The same two steps as a C function, called without holding the interpreter."""
    rings = (exchange.incoming, exchange.outgoing, exchange.song, exchange.recorded)
    memories, positions = [ring.memory for ring in rings], [ring.positions for ring in rings]
    sizes = positions[0].size, exchange.state.size, exchange.level.size, exchange.inputs, exchange.outputs
    call = _compiled(tuple(memory.shape for memory in memories), *sizes)
    prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, ctypes.c_int64, *[ctypes.c_void_p] * 12)
    function = prototype(int(call.address or 0))
    arrays: list[Any] = [*memories, *positions, exchange.state, exchange.level, exchange._last, exchange._step]
    addresses = [array.ctypes.data for array in arrays]

    def run(given: Floats, wanted: Floats) -> None:
        function(given.ctypes.data, wanted.ctypes.data, given.shape[1], *addresses)

    return run


@cache
def _compiled(shapes: tuple[Shape, ...], places: int, states: int, levels: int, inputs: int, outs: int) -> Any:
    """The C function for arrays of these sizes."""
    take, give, (shape_in, shape_out, shape_song, shape_recorded) = kernel.take_in, kernel.give_out, shapes
    sound, number = types.CPointer(types.float32), types.CPointer(types.int64)

    @cfunc(types.void(sound, sound, types.int64, *[sound] * 4, *[number] * 5, *[sound] * 3))
    def call(given, wanted, count, a, b, c, d, at_a, at_b, at_c, at_d, state, level, last, step):  # type: ignore[no-untyped-def]
        incoming, state_array, level_array = carray(a, shape_in), carray(state, (states,)), carray(level, (levels,))
        take(carray(given, (inputs, count)), incoming, carray(at_a, (places,)), carray(c, shape_song),
             carray(at_c, (places,)), state_array, level_array)  # fmt: skip
        give(carray(wanted, (outs, count)), incoming, carray(b, shape_out), carray(at_b, (places,)),
             carray(d, shape_recorded), carray(at_d, (places,)), state_array, level_array, carray(last, (outs,)),
             carray(step, (outs,)))  # fmt: skip

    return call


def play(call: Call, outputs: int, block: int, callbacks: int) -> tuple[Times, Times]:
    """Call at the pace of real time; when each call began, and how long after it was due it returned."""
    song = bench_signal(8.0, RATE)
    given = [np.ascontiguousarray(song[:, at : at + block]) for at in range(0, song.shape[1] - block, block)]
    wanted: Floats = np.zeros((outputs, block), np.float32)
    begun, late, period = np.zeros(callbacks), np.zeros(callbacks), block / RATE
    due = time.perf_counter() + period
    for index in range(callbacks):
        time.sleep(max(0.0, due - time.perf_counter()))
        begun[index] = time.perf_counter()
        call(given[index % len(given)], wanted)
        late[index] = time.perf_counter() - due
        due += period
    return begun, late


def busy(stopping: threading.Event) -> None:
    """What a remote control does: a little Python, often."""
    while not stopping.wait(0.01):
        json.loads(json.dumps({str(index): index for index in range(200)}))


def answer_times(begun: Times, done: Times, block: int, chunk: int) -> Times:
    """Seconds from the callback that completes a chunk to its result; of chunks that were answered at all."""
    chunks = np.arange(min(done.size, begun.size * block // chunk))
    completed = -(-(chunks + 1) * chunk // block) - 1
    made: Times = done[chunks]
    return (made - begun[completed])[made > 0]


def measure(name: str, block: int, seconds: float, found: Found) -> None:
    """One turn of a variant."""
    callbacks = round(seconds * RATE / block)
    engine = None if name.startswith("process") else bench_engine()
    chunk = 256 if engine is None else engine.hop
    exchange = SharedExchange(callbacks * block // chunk)
    exchange.prefill = prefill_frames(block, chunk)
    stopping = threading.Event()
    other = threading.Thread(target=busy, args=(stopping,))
    call: Call = native_callback(exchange) if name == "native" else exchange.exchange
    worker = child = None
    if engine is None:
        child = EngineProcess(exchange, piped=name.endswith("pipe"))
        call = waking(exchange, child)
    elif name == "inside":
        call = inside(engine.process, exchange.done)
    else:
        worker = TimedWorker(LiveStage(engine, RATE), exchange, exchange.done)
        worker.start()
        worker.begin()
    exchange.begin(exchange.prefill)
    other.start()
    with undisturbed():
        begun, late = play(call, exchange.outputs, block, callbacks)
    stopping.set()
    other.join()
    for part in (worker, child):
        if isinstance(part, TimedWorker):
            part.stop(2.0)
        elif part is not None:
            part.close()
    found.answers += answer_times(begun, exchange.done, block, chunk).tolist()
    found.returns += late.tolist()
    found.dry_frames += exchange.count(kernel.DRY_FRAMES)
    exchange.file.unlink()


def waking(exchange: Exchange, child: EngineProcess) -> Call:
    def call(given: Floats, wanted: Floats) -> None:
        exchange.exchange(given, wanted)
        child.wake()

    return call


def inside(process: Call, done: Times) -> Call:
    chunks = iter(range(done.size))

    def call(given: Floats, wanted: Floats) -> None:
        process(given, wanted)
        done[next(chunks)] = time.perf_counter()

    return call


def run(seconds: float = SECONDS, block: int = BLOCK) -> list[Row]:
    """The rows of the table; `seconds` for each variant, in turns."""
    chunk = 256
    variants = [name for name in VARIANTS if name != "inside" or block == chunk]
    found = {name: Found() for name in variants}
    for turn in range(TURNS):
        for name in variants:
            print(f"  {name}, turn {turn + 1} of {TURNS}", file=sys.stderr, flush=True)
            measure(name, block, seconds / TURNS, found[name])
    allowed, rows = max(block, chunk) / RATE, []
    for what, part in (("callback to result", "answers"), ("callback returns", "returns")):
        reference = f"{what}: thread"
        median = MS * float(np.median(getattr(found["thread"], part)))
        for name in variants:
            times = MS * np.array(getattr(found[name], part))
            missed = int(np.sum(times > MS * allowed)) + (part == "answers") * unanswered(found[name], block, chunk)
            note = f"{missed} misses, {found[name].dry_frames} dry frames" if part == "answers" else ""
            rows.append(row(f"{what}: {name}", times, "ms", reference, median, note=note, block=block, misses=missed))
    return rows


def unanswered(found: Found, block: int, chunk: int) -> int:
    """Chunks whose result had not come when the turn was over, but for the last of each."""
    return max(0, len(found.returns) * block // chunk - len(found.answers) - TURNS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each variant (default 60)")
    parser.add_argument("--block", type=int, default=BLOCK)
    parser.add_argument("--no-record", action="store_true", help="only print")
    arguments = parser.parse_args()
    about = machine.about_machine()
    if machine.load() > machine.LOADED:
        print(f"bench_host: other programs compute here (load {machine.load():.1f})", file=sys.stderr)
    rows = run(arguments.seconds, arguments.block)
    print(report.console_head())
    for one in rows:
        print(report.console_line(one))
    if not arguments.no_record:
        facts: dict[str, Any] = {"room": "host", "date": machine.today(), "revision": machine.revision()}
        report.append({**facts, "seconds": arguments.seconds, "machine": about, "rows": rows})


if __name__ == "__main__":
    main()
