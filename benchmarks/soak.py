"""Ten minutes of live use in real time: `python -m benchmarks.soak [--seconds 600] [--block 256]`.

Starts a JACK server with the dummy driver (`--sync`), `vqss live` on it with all clusters audible, and an OSC client
that turns 100 parameters a second. At the same time an empty client runs on a server of its own in the same set-up, so
that both meet the same neighbours. Prints one JSON object, and appends it to benchmarks/results.jsonl with rows for the
table: the run report, the xruns that jackd wrote of and those that the clients were told of, how much memory grew after
the first tenth, and how long the end took.

`--cycles 1000` instead starts and stops a JACK client that many times in one process.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks import machine, report
from benchmarks.rows import Row, row

CHANGES_PER_S = 100
COMPLAINTS = {"late_cycles": r"XRun = ", "clients_late": r"was not finished|process error|client = .* was not run"}
EMPTY_CLIENT = """
import time
from bridge import jack_library as jack
told = []
client, library, nothing = jack.open_client("empty"), jack.jack_library(), jack.Process(lambda frames, _: 0)
xrun = jack.Event(lambda _: told.append(1) or 0)
library.jack_set_process_callback(client, nothing, None)
library.jack_set_xrun_callback(client, xrun, None)
library.jack_activate(client)
time.sleep({seconds})
print(len(told))
"""


@contextmanager
def jack_server(block: int, log: Path) -> Iterator[dict[str, str]]:
    """A server of its own; yields the environment that leads to it."""
    name = f"vqss_soak_{uuid.uuid4().hex[:8]}"
    environment = {**os.environ, "JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": name,
                   "JACK_NO_AUDIO_RESERVATION": "1"}  # fmt: skip
    command = ["jackd", "--verbose", "--no-realtime", "--sync", "--name", name, "-d", "dummy", "-r", "44100",
               "-p", str(block), "-C", "2", "-P", "2"]  # fmt: skip
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        try:
            subprocess.run(["jack_wait", "-s", name, "-w", "-t", "30"], env=environment, check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip
            yield environment
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:       # it waits for a client that has crashed
                server.kill()
                server.wait()


def server_xruns(log: Path) -> dict[str, int]:
    """What jackd wrote about: cycles that came too late, and clients that were not ready in time."""
    text = log.read_text(errors="replace")
    return {name: len(re.findall(pattern, text)) for name, pattern in COMPLAINTS.items()}


def empty_run(block: int, seconds: float, log: Path) -> dict[str, int]:
    """The server's complaints with a client that does nothing."""
    with jack_server(block, log) as environment:
        code = EMPTY_CLIENT.format(seconds=seconds)
        done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    return {**server_xruns(log), "notified": int(done.stdout)}


def message(address: str, value: float) -> bytes:
    from bridge.osc_packet import encode_message

    return encode_message(address, value)


def turn_parameters(port: int, seconds: float, live: subprocess.Popen[str]) -> list[int]:
    """Change 100 parameters a second, so that every cluster stays audible; the process's memory once a second."""
    randomness, wire = random.Random(1), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    memory, process = [], psutil.Process(live.pid)
    began = time.monotonic()
    for change in range(round(seconds * CHANGES_PER_S)):
        cluster, what = randomness.randrange(16), randomness.choice(("gain", "pan"))
        value = randomness.uniform(-12.0, 6.0) if what == "gain" else randomness.uniform(-1.0, 1.0)
        wire.sendto(message(f"/vqss/cluster/{cluster}/{what}", value), ("127.0.0.1", port))
        if change % CHANGES_PER_S == 0:
            memory.append(process.memory_info().rss)
        time.sleep(max(0.0, began + (change + 1) / CHANGES_PER_S - time.monotonic()))
        if live.poll() is not None:
            raise SystemExit("vqss live has ended by itself")
    return memory


def live_run(song: Path, block: int, seconds: float, log: Path) -> tuple[dict[str, Any], list[int], float]:
    """The run report, memory in bytes once a second, and the seconds from Ctrl-C to the end."""
    with jack_server(block, log) as environment:
        options = ("--input", "jack", "--output", "jack", "--osc", "127.0.0.1:0", "--source", str(song))
        command = [sys.executable, "-m", "bridge", "live", *options, "--set", "transport/loop=0 19", "--json"]
        live = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert live.stderr is not None and live.stdout is not None
        port = 0
        for line in live.stderr:
            if found := re.search(r"OSC at .*:(\d+)", line):
                port = int(found[1])
            if "running on" in line:
                break
        threading.Thread(target=live.stderr.read, daemon=True).start()
        memory = turn_parameters(port, seconds, live)
        asked = time.monotonic()
        live.send_signal(signal.SIGINT)
        out = live.stdout.read()
        live.wait(30)
        return json.loads(out), memory, time.monotonic() - asked


def soak(block: int, seconds: float) -> dict[str, Any]:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder:
        song, log = Path(folder) / "song.wav", Path(folder) / "jackd.log"
        subprocess.run([sys.executable, "examples/demo_song.py", str(song)], check=True, cwd=machine.ROOT)
        with ThreadPoolExecutor(1) as beside:
            empty_too = beside.submit(empty_run, block, seconds, Path(folder) / "empty.log")
            report_, memory, end_s = live_run(song, block, seconds, log)
            empty = empty_too.result()
        settled = memory[len(memory) // 10 :]
        return {
            "report": report_, "server": server_xruns(log), "server_with_empty_client": empty,
            "memory_growth_mb": round((settled[-1] - settled[0]) / 2**20, 3), "end_seconds": round(end_s, 3),
        }  # fmt: skip


def table_rows(found: dict[str, Any]) -> list[Row]:
    """For the table."""
    run, server, empty = found["report"], found["server"], found["server_with_empty_client"]
    times = run["hop_ms"]
    hop: Row = {"name": "hop while soaking", "unit": "ms", "median": times["p50"], "p99": times["p99"],
                "runs": run["hops"], "reference": None, "ratio": None,
                "note": f"{run['misses']} misses, {run['fallbacks']} fallbacks in {run['seconds']:.0f} s"}  # fmt: skip
    return [
        hop,
        row("xruns told to vqss", [run["xruns"]], "", note=f"{empty['notified']} to an empty client"),
        row("late cycles in jackd", [server["late_cycles"]], "", note=f"{empty['late_cycles']} with an empty client"),
        row("clients late in jackd", [server["clients_late"]], "", note=f"{empty['clients_late']} with an empty one"),
        row("growth of memory", [found["memory_growth_mb"]], "MiB", note="after the first tenth"),
        row("from Ctrl-C to the end", [found["end_seconds"]], "s"),
    ]


def cycles(count: int, block: int) -> dict[str, Any]:
    """Start and stop a JACK client again and again; how much memory that takes after the first tenth."""
    from bridge.hop_times import HopTimes
    from bridge.live_device import DeviceChoice, Layout, open_device
    from bridge.live_source import SongPlayer
    from bridge.live_stream import LiveStream
    from vqss_engine.bundle import ModelBundle
    from vqss_engine.config import StreamConfig
    from vqss_engine.engine import Engine

    engine, memory = Engine(ModelBundle.load(None), StreamConfig.named("default"), 2), []
    engine.warm_up()
    song = SongPlayer(engine.telemetry.report, lambda: None)
    with tempfile.TemporaryDirectory() as folder, jack_server(block, Path(folder) / "log") as environment:
        os.environ.update(environment)
        for _ in range(count):
            device = open_device(DeviceChoice("jack", "jack"), [""] * engine.clusters, Layout())
            stream = LiveStream(device, engine, HopTimes(), song)
            stream.start()
            stream.close()
            gc.collect()
            memory.append(psutil.Process().memory_info().rss)
    song.close()
    settled = memory[len(memory) // 10 :]
    return {"cycles": count, "memory_growth_mb": round((settled[-1] - settled[0]) / 2**20, 3),
            "threads_left": threading.active_count() - 1}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--block", type=int, default=256)
    parser.add_argument("--cycles", type=int, default=0)
    parser.add_argument("--no-record", action="store_true", help="only print")
    arguments = parser.parse_args()
    if arguments.cycles:
        print(json.dumps(cycles(arguments.cycles, arguments.block)))
        return
    about = machine.about_machine()
    found = soak(arguments.block, arguments.seconds)
    facts: dict[str, Any] = {"room": "soak", "date": machine.today(), "revision": machine.revision(),
                             "seconds": arguments.seconds, "machine": about, "rows": table_rows(found),
                             **found}  # fmt: skip
    print(json.dumps(facts))
    if not arguments.no_record:
        report.append(facts)


if __name__ == "__main__":
    main()
