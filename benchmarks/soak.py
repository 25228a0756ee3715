"""Ten minutes of live use in real time: `python -m benchmarks.soak [--seconds 600] [--block 256]`.

Starts a JACK server with the dummy driver (`--sync`), `vqss live` on it with all clusters audible, and an OSC client
that turns 100 parameters a second. Prints one JSON object: the run report, the xruns that jackd itself counted, those
of an empty client in the same set-up (measured before, for as long), and how much memory grew after the first tenth.
"""

from __future__ import annotations

import argparse
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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

CHANGES_PER_S = 100
EMPTY_CLIENT = """
import time
from bridge import jack_library as jack
client, library, nothing = jack.open_client("empty"), jack.jack_library(), jack.Process(lambda frames, _: 0)
library.jack_set_process_callback(client, nothing, None)
library.jack_activate(client)
time.sleep({seconds})
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


def server_xruns(log: Path) -> int:
    """How often jackd wrote of an xrun, or of a client that did not come back in time."""
    return len(re.findall(r"(?i)xrun|process error|not finished", log.read_text(errors="replace")))


def empty_run(block: int, seconds: float, log: Path) -> int:
    """The server's xruns with a client that does nothing."""
    with jack_server(block, log) as environment:
        code = EMPTY_CLIENT.format(seconds=seconds)
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return server_xruns(log)


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


def live_run(song: Path, block: int, seconds: float, log: Path) -> tuple[dict[str, Any], list[int]]:
    """The run report, and memory in bytes once a second."""
    with jack_server(block, log) as environment:
        options = ("--input", "jack", "--output", "jack", "--osc", "127.0.0.1:0", "--source", str(song))
        command = [sys.executable, "-m", "bridge", "live", *options, "--set", "transport/loop=0 19", "--json"]
        live = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert live.stderr is not None and live.stdout is not None
        port = 0
        for line in live.stderr:
            if found := re.search(r"OSC at .*:(\d+)", line):
                port = int(found[1])
            if "running" in line:
                break
        threading.Thread(target=live.stderr.read, daemon=True).start()
        memory = turn_parameters(port, seconds, live)
        live.send_signal(signal.SIGINT)
        out = live.stdout.read()
        live.wait(30)
    return json.loads(out), memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--block", type=int, default=256)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        song, log = Path(folder) / "song.wav", Path(folder) / "jackd.log"
        subprocess.run([sys.executable, "examples/demo_song.py", str(song)], check=True)
        empty = empty_run(arguments.block, arguments.seconds, log)
        report, memory = live_run(song, arguments.block, arguments.seconds, log)
        settled = memory[len(memory) // 10 :]
        print(json.dumps({
            "report": report, "server_xruns": server_xruns(log), "server_xruns_empty_client": empty,
            "memory_growth_mb": round((settled[-1] - settled[0]) / 2**20, 3),
        }))  # fmt: skip


if __name__ == "__main__":
    main()
