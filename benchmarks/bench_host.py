"""Ways to hand sound from a device to the engine: `python -m benchmarks.bench_host [--seconds 60] [--block 256]`.

A thread plays the device: it calls at the pace of real time, and what counts is how late each call returns. Compared:
`thread`, the callback in Python around compiled code, and the engine in a thread of the same interpreter, as shipped;
`native`, the same but the callback compiled as a C function, which needs no interpreter; `inside`, the engine run by
the callback itself. Beside them runs a thread of plain Python, as an OSC server under load would. One JSON object a
line. Meaningful on an idle machine only.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import carray, cfunc, types
from numpy.typing import NDArray

from bridge import exchange_kernel as kernel
from bridge.bench_signal import bench_signal
from bridge.exchange import Exchange, prefill_frames
from bridge.hop_times import HopTimes
from bridge.live_session import undisturbed
from bridge.live_stage import LiveStage
from bridge.live_worker import Worker
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.engine import Engine

Floats = NDArray[np.float32]
Call = Callable[[Floats, Floats], object]

RATE = 44100


def python_callback(exchange: Exchange) -> Call:
    """As shipped."""
    return exchange.exchange


def native_callback(exchange: Exchange) -> Call:
    """The same two steps as a C function, called without holding the interpreter."""
    memories = [ring.memory for ring in (exchange.incoming, exchange.outgoing, exchange.song, exchange.recorded)]
    integers = [ring.positions for ring in (exchange.incoming, exchange.outgoing, exchange.song, exchange.recorded)]
    integers.append(exchange.state)
    rows = [exchange.level, exchange._last, exchange._step]
    shape_in, shape_out, shape_song, shape_recorded = (memory.shape for memory in memories)
    places, states, levels, outs = integers[0].size, exchange.state.size, exchange.level.size, exchange.outputs
    take, give, inputs = kernel.take_in, kernel.give_out, exchange.inputs
    sound, number = types.CPointer(types.float32), types.CPointer(types.int64)

    @cfunc(types.void(sound, sound, types.int64, *[sound] * 4, *[number] * 5, *[sound] * 3))
    def call(given, wanted, count, a, b, c, d, at_a, at_b, at_c, at_d, state, level, last, step):  # type: ignore[no-untyped-def]
        incoming, state_array, level_array = carray(a, shape_in), carray(state, (states,)), carray(level, (levels,))
        take(carray(given, (inputs, count)), incoming, carray(at_a, (places,)), carray(c, shape_song),
             carray(at_c, (places,)), state_array, level_array)  # fmt: skip
        give(carray(wanted, (outs, count)), incoming, carray(b, shape_out), carray(at_b, (places,)),
             carray(d, shape_recorded), carray(at_d, (places,)), state_array, level_array, carray(last, (outs,)),
             carray(step, (outs,)))  # fmt: skip

    prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, ctypes.c_int64, *[ctypes.c_void_p] * 12)
    function = prototype(int(call.address or 0))
    arrays: list[Any] = [*memories, *integers, *rows]
    addresses = [array.ctypes.data for array in arrays]

    def run(given: Floats, wanted: Floats) -> None:
        function(given.ctypes.data, wanted.ctypes.data, given.shape[1], *addresses)

    run.kept = call  # type: ignore[attr-defined]
    return run


def device(call: Call, exchange: Exchange, block: int, seconds: float) -> HopTimes:
    """Call at the pace of real time; how long after it was due each call has returned."""
    song = bench_signal(8.0, RATE)
    given = [np.ascontiguousarray(song[:, at : at + block]) for at in range(0, song.shape[1] - block, block)]
    wanted: Floats = np.zeros((exchange.outputs, block), np.float32)
    late, period = HopTimes(), block / RATE
    due = time.perf_counter() + period
    for index in range(round(seconds / period)):
        time.sleep(max(0.0, due - time.perf_counter()))
        call(given[index % len(given)], wanted)
        late.add(time.perf_counter() - due)
        due += period
    return late


def busy(stopping: threading.Event) -> None:
    """What a remote control does: a little Python, often."""
    while not stopping.wait(0.01):
        json.loads(json.dumps({str(index): index for index in range(200)}))


def measured(name: str, block: int, seconds: float) -> dict[str, Any]:
    stream = StreamConfig.named("default")
    engine = Engine(ModelBundle.load(None), stream, 2)
    engine.surface.set_many({f"/vqss/cluster/{k}/gain": -0.25 * (k + 1) for k in range(engine.clusters)})
    engine.warm_up(50)
    stage = LiveStage(engine, RATE)
    exchange, times = Exchange(2, 2, RATE), HopTimes()
    worker = Worker(stage, exchange, times)
    exchange.prefill = prefill_frames(block, stage.chunk)
    call: Call = native_callback(exchange) if name == "native" else python_callback(exchange)
    if name == "inside":
        call = engine.process
    else:
        worker.start()
        worker.resume()
    exchange.begin(exchange.prefill)
    stopping = threading.Event()
    other = threading.Thread(target=busy, args=(stopping,))
    other.start()
    with undisturbed():
        late = device(call, exchange, block, seconds)
    stopping.set()
    other.join()
    exchange.hold()
    worker.stop()
    return {"variant": name, "block": block, "late_ms": late.summary_ms(), "hop_ms": times.summary_ms(),
            "misses": engine.telemetry.misses, "dry_frames": exchange.count(kernel.DRY_FRAMES)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--block", type=int, default=256)
    arguments = parser.parse_args()
    for name in ("thread", "native", "inside"):
        if name == "inside" and arguments.block != StreamConfig.named("default").hop:
            continue
        print(json.dumps(measured(name, arguments.block, arguments.seconds)), flush=True)


if __name__ == "__main__":
    main()
