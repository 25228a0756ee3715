"""`vqss live` in PipeWire's graph: blocks that change as programs come and go, and threads that are cancelled."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jack_server import LiveProcess
from tests.pipewire_server import PipeWireServer

pytestmark = [pytest.mark.jack, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parent.parent

JACK = ("--input", "jack", "--output", "jack")

CLOSE_WHILE_BUSY = """
import threading
import time
from bridge.exchange import Exchange
from bridge.jack_ports import JackDevice, output_ports

def be_busy():
    while True:
        sum(range(200))

threading.Thread(target=be_busy, daemon=True).start()
for _ in range(8):
    device = JackDevice(2, output_ports([], []))
    device.start(Exchange(2, 2, device.rate_hz, 16))
    time.sleep(0.05)
    device.close()
    assert not device.hung
"""


def test_blocks_that_change_lose_no_connection() -> None:
    with PipeWireServer() as server, LiveProcess(server) as live:
        said = live.wait_for("load", live.wait_for("running on 'JACK'"))
        server.tool("pw-link", "vqss:main_L", "vqss:in_R")
        for block in (256, 512, 128):
            server.set_block(block)
            said = live.wait_for("load", live.wait_for(f"blocks of {block}", said))
        links = server.tool("pw-link", "-l")
        code, out = live.end()
    report = json.loads(out)
    assert code == 0 and not any("lost" in line for line in live.lines)
    assert (report["reconnects"], report["block"]) == (3, 128)
    assert "vqss:in_R\n  |<- vqss:main_L" in links


def test_a_block_that_is_another_than_the_server_first_told_is_no_loss() -> None:
    """A program asks for a block, and the graph gives it another one as soon as it takes part."""
    with PipeWireServer() as server:
        server.set_block(512)
        server.environment["PIPEWIRE_LATENCY"] = "64/48000"
        with LiveProcess(server) as live:
            live.wait_for("load", live.wait_for("load", live.wait_for("blocks of 512")))
            code, out = live.end()
    assert code == 0 and json.loads(out)["reconnects"] <= 1


def test_a_client_can_be_closed_while_the_interpreter_is_busy() -> None:
    """PipeWire cancels the thread of its callbacks, which may be waiting for the interpreter."""
    with PipeWireServer() as server:
        server.set_block(64)
        command = [sys.executable, "-c", CLOSE_WHILE_BUSY]
        subprocess.run(command, env=server.environment, cwd=ROOT, check=True, timeout=100)


def test_pipewire_is_the_jack_that_is_asked_for_where_no_other_runs() -> None:
    """Without `pw-jack`, with the blocks that are asked for, and again after it was started anew."""
    with PipeWireServer() as server:
        server.environment = server.plain
        with LiveProcess(server, *JACK, "--blocksize", "128") as live:
            said = live.wait_for("load", live.wait_for("running on 'JACK' at 48000 Hz, blocks of 128"))
            server.kill()
            said = live.wait_for("lost", said)
            server.start()
            live.wait_for("load", live.wait_for("running on 'JACK'", said))
            assert "vqss:main_L" in server.tool("pw-link", "-o")
            code, _ = live.end()
    assert code == 0


def test_a_server_of_a_name_is_not_pipewire() -> None:
    with PipeWireServer() as server:
        server.environment = {**server.plain, "JACK_DEFAULT_SERVER": "nobody"}
        with LiveProcess(server, *JACK) as live:
            code, _ = live.result()
    assert code == 1 and "no JACK server is running" in live.lines[-1]


def test_doctor_tells_of_pipewire() -> None:
    with PipeWireServer() as server:
        command = [sys.executable, "-m", "bridge", "doctor", "--json"]
        found = subprocess.run(command, env=server.plain, cwd=ROOT, capture_output=True, timeout=200)
    (jack,) = (check for check in json.loads(found.stdout)["checks"] if check["name"] == "JACK")
    assert jack["ok"] and jack["detail"].startswith("PipeWire at ")
