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
