"""A million bad OSC packets at a running server, with a valid one every twenty: it must obey all of these.

Run as `python -m benchmarks.fuzz_osc [PACKETS]`. The seed is fixed; ends with exit code 1 at the first fault.
"""

from __future__ import annotations

import random
import sys
import time

import psutil

from tests.osc_fuzzer import damaged, moves_a_fader, seeds
from tests.osc_peers import Peer, serve
from vqss_engine.control import ControlSurface

TRACER = "/vqss/transport/position"
MEGABYTE = 1e6


def main() -> None:
    packets = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    random_, surface, process = random.Random(11), ControlSurface(), psutil.Process()
    valid, before, sent = seeds(surface), surface.state, 0
    began_s, memory = time.monotonic(), process.memory_info().rss
    with serve(surface) as server, Peer(server) as hostile, Peer(server) as honest:
        while sent < packets:
            data = damaged(random_, random_.choice(valid))
            if moves_a_fader(data):
                continue
            hostile.send_raw(data)
            sent += 1
            if sent % 20 == 0:
                honest.ask(TRACER, float(sent % 86_000))
                if surface.get(TRACER) != sent % 86_000:
                    raise SystemExit(f"fuzz_osc: after packet {sent} a valid message was not obeyed")
            if sent == packets // 10:
                memory = process.memory_info().rss
    grown = (process.memory_info().rss - memory) / MEGABYTE
    if surface.state != before or surface.levels().errors:
        raise SystemExit(f"fuzz_osc: harm was done: {surface.levels().errors}")
    print(f"{sent} bad packets in {time.monotonic() - began_s:.0f} s; all {packets // 20} valid ones obeyed; "
          f"memory grew by {grown:.1f} MB over the last nine tenths")  # fmt: skip


if __name__ == "__main__":
    main()
