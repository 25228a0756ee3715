"""OSC under load: round trip to the sound, 5,000 messages a second, 200 subscribers.

The engine runs in a process of its own, paced at real time, as it does live. Run as
`python -m benchmarks.bench_osc [SECONDS of each load]` on a machine that does nothing else.
"""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import time
from typing import Any

import numpy as np

from bridge.osc_packet import encode_message

RATE_PER_S, SUBSCRIBERS, ROUND_TRIPS, LEVELS_PER_S = 5000, 200, 500, 20.0
GAIN = "/vqss/main/gain"


class EngineProcess:
    """The engine of benchmarks.osc_engine and a socket that talks to it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.osc_engine"]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        about = self._read()
        self.hop_ms: float = about["hop_ms"]
        self.address = ("127.0.0.1", int(about["port"]))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, address: str, *arguments: float | int) -> None:
        self.socket.sendto(encode_message(address, *arguments), self.address)

    def order(self, text: str) -> None:
        assert self._child.stdin
        print(text, file=self._child.stdin, flush=True)

    def report(self) -> dict[str, Any]:
        self.order("report")
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._child.stdout
        line = self._child.stdout.readline()
        if not line:
            raise SystemExit("bench_osc: the engine ended")
        return dict(json.loads(line))

    def close(self) -> None:
        assert self._child.stdin
        self._child.stdin.close()
        self._child.wait(10)


def round_trips(engine: EngineProcess) -> list[float]:
    """Milliseconds from sending a gain to the end of the first hop that was mixed by it."""
    random_, sent = random.Random(1), []
    engine.order("mark")
    for number in range(ROUND_TRIPS):
        gain = -1.0 - number % 60
        sent.append((gain, time.monotonic()))
        engine.send(GAIN, gain)
        time.sleep(random_.uniform(0.02, 0.04))
    heard = iter(engine.report()["changes"])
    return [1000.0 * (at - began) for (gain, began), (_, at) in zip(sent, heard)]


def flood(engine: EngineProcess, seconds: float) -> float:
    """Send RATE_PER_S messages a second, all the gains of main; returns the last."""
    began, sent, gain = time.monotonic(), 0, 0.0
    while (now := time.monotonic() - began) < seconds:
        while sent < now * RATE_PER_S:
            gain = -0.01 * (sent % 6000) - 1.0
            engine.send(GAIN, gain)
            sent += 1
        time.sleep(0.001)
    return gain


def subscribe(engine: EngineProcess, count: int) -> list[socket.socket]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for each in sockets:
        each.sendto(encode_message("/vqss/subscribe", 0, LEVELS_PER_S, 0.0), engine.address)
        time.sleep(0.001)
    return sockets


def measured(engine: EngineProcess, seconds: float) -> dict[str, Any]:
    engine.order("mark")
    time.sleep(seconds)
    return engine.report()


def show(what: str, report: dict[str, Any], idle: dict[str, Any]) -> None:
    change = 100.0 * (report["p99_ms"] / idle["p99_ms"] - 1.0)
    print(f"{what:32} hop p50 {report['p50_ms']:.3f} ms, p99 {report['p99_ms']:.3f} ms ({change:+.0f} %), "
          f"late {report['late']} of {report['hops']}, subscribers {report['subscribers']}", flush=True)  # fmt: skip


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    engine = EngineProcess()
    idle = measured(engine, min(seconds, 20.0))
    show("idle", idle, idle)
    trips = round_trips(engine)
    p50, p99 = np.percentile(trips, [50, 99])
    print(f"round trip to the sound: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {p99 / engine.hop_ms:.2f} hops; "
          f"{len(trips)} of {ROUND_TRIPS} arrived", flush=True)  # fmt: skip
    engine.order("mark")
    last = flood(engine, seconds)
    time.sleep(0.1)
    report = engine.report()
    show(f"{RATE_PER_S} messages a second", report, idle)
    print(f"last value sent {last:.2f} dB, set {report['gain']:.2f} dB", flush=True)
    sockets = subscribe(engine, SUBSCRIBERS)
    show(f"{SUBSCRIBERS} subscribers to levels", measured(engine, min(seconds, 10.0)), idle)
    for each in sockets:
        each.close()
    time.sleep(16.0)
    show("16 s after they vanished", measured(engine, min(seconds, 20.0)), idle)
    engine.close()


if __name__ == "__main__":
    main()
