"""OSC under load: round trip to the sound, 5,000 messages a second, 200 subscribers, and what is left of them.

The engine runs in a process of its own, paced at real time, as it does live; what a hop takes there is compared with
the same hops under an idle surface, measured before and after each load. `python -m benchmarks.bench_osc --seconds 60`
on a machine that does nothing else; prints the table, and each row as a line of JSON with --json.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import subprocess
import sys
import time
from typing import Any

import numpy as np

from benchmarks import machine, report
from benchmarks.rows import Row, row
from bridge.osc_packet import encode_message

SECONDS = 60.0
RATE_PER_S, SUBSCRIBERS, ROUND_TRIPS, LEVELS_PER_S = 5000, 200, 500, 20.0
LIFETIME_S = 16.0
GAIN = "/vqss/main/gain"
IDLE = "hop, idle surface"


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


def round_trips(engine: EngineProcess, count: int) -> list[float]:
    """Milliseconds from sending a gain to the end of the first hop that was mixed by it."""
    random_, sent = random.Random(1), {}
    engine.order("mark")
    for number in range(count):
        gain = -1.0 - number % 60
        sent[number] = (gain, time.monotonic())
        engine.send(GAIN, gain)
        time.sleep(random_.uniform(0.02, 0.04))
    heard = engine.report()["changes"]
    found, at = [], 0
    for gain, began in sent.values():  # one that was overtaken by the next is left out
        if at < len(heard) and heard[at][0] == gain:
            found.append(1000.0 * (heard[at][1] - began))
            at += 1
    return found


def flood(engine: EngineProcess, seconds: float) -> tuple[float, int]:
    """Send RATE_PER_S messages a second, all the gains of main; returns the last, and how many there were."""
    began, sent, gain = time.monotonic(), 0, 0.0
    while (now := time.monotonic() - began) < seconds:
        while sent < now * RATE_PER_S:
            gain = -0.01 * (sent % 6000) - 1.0
            engine.send(GAIN, gain)
            sent += 1
        time.sleep(0.001)
    return gain, sent


def subscribe(engine: EngineProcess, count: int) -> list[socket.socket]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for each in sockets:
        each.sendto(encode_message("/vqss/subscribe", 0, LEVELS_PER_S, 0.0), engine.address)
        time.sleep(0.001)
    return sockets


class Bench:
    """The engine, the idle hops between the loads, and the rows that come of it."""

    def __init__(self, engine: EngineProcess, seconds: float) -> None:
        self._engine, self._seconds = engine, seconds
        self._idle: list[list[float]] = []
        self.rows: list[Row] = []

    def run(self) -> list[Row]:
        self._measure_idle()
        self._round_trips()
        self._flooded()
        self._subscribed()
        idle = [value for part in self._idle for value in part]
        return [row(IDLE, idle, "ms"), *self.rows]

    def _measure(self, seconds: float) -> dict[str, Any]:
        self._engine.order("mark")
        time.sleep(seconds)
        return self._engine.report()

    def _measure_idle(self) -> None:
        self._idle.append(self._measure(max(2.0, self._seconds / 4))["times_ms"])

    def _add(self, name: str, found: dict[str, Any], note: str = "") -> None:
        """A row of hops beside the idle ones right before and after them."""
        self._measure_idle()
        around = self._idle[-2] + self._idle[-1]
        change = 100.0 * (np.percentile(found["times_ms"], 99) / np.percentile(around, 99) - 1.0)
        text = f"p99 {change:+.0f} % beside idle; {found['late']} of {found['hops']} late{note}"
        times, median = found["times_ms"], float(np.median(around))
        self.rows.append(row(name, times, "ms", IDLE, median, note=text, p99_change_percent=float(change)))

    def _round_trips(self) -> None:
        count = min(ROUND_TRIPS, max(50, round(self._seconds * 20)))
        trips = round_trips(self._engine, count)
        hops = float(np.percentile(trips, 99)) / self._engine.hop_ms
        note = f"p99 {hops:.2f} hops; {len(trips)} of {count} heard on their own"
        self.rows.append(row("message to changed sound", trips, "ms", "a hop", self._engine.hop_ms, note=note,
                             p99_hops=hops))  # fmt: skip

    def _flooded(self) -> None:
        self._engine.order("mark")
        last, sent = flood(self._engine, self._seconds)
        time.sleep(0.1)
        found = self._engine.report()
        note = f"; {sent} sent, the last {last:.2f} dB, set {found['gain']:.2f} dB"
        self._add(f"hop, {RATE_PER_S} messages a second", found, note)

    def _subscribed(self) -> None:
        sockets = subscribe(self._engine, SUBSCRIBERS)
        found = self._measure(min(self._seconds, 10.0))
        note = f"; {found['subscribers']} subscribed, {LEVELS_PER_S:g} levels a second each"
        for each in sockets:
            each.close()
        time.sleep(LIFETIME_S)
        vanished = self._measure(max(2.0, self._seconds / 4))
        self._add(f"hop, {SUBSCRIBERS} subscribers", found, note)
        self._add(f"hop, {LIFETIME_S:g} s after they vanished", vanished, f"; {vanished['subscribers']} subscribed")


def run(seconds: float = SECONDS) -> list[Row]:
    """The rows of the table; `seconds` of the flood, the other loads shorter."""
    engine = EngineProcess()
    try:
        return Bench(engine, seconds).run()
    finally:
        engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each load (default 60)")
    parser.add_argument("--json", action="store_true", help="each row as a line of JSON instead of the table")
    parser.add_argument("--record", action="store_true", help="append the rows to benchmarks/results.jsonl")
    arguments = parser.parse_args()
    if (load := machine.load()) > machine.LOADED:
        print(f"bench_osc: other programs compute here (load {load:.1f}); the figures will suffer", file=sys.stderr)
    about = machine.about_machine()
    rows = run(arguments.seconds)
    if not arguments.json:
        print(report.console_head())
    for each in rows:
        print(json.dumps(each, ensure_ascii=False) if arguments.json else report.console_line(each))
    if arguments.record:
        facts = {"room": "osc", "date": machine.today(), "revision": machine.revision()}
        report.append({**facts, "seconds": arguments.seconds, "machine": about, "rows": rows})


if __name__ == "__main__":
    main()
