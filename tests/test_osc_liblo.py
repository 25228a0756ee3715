"""liblo's command-line tools drive the server and hear from it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.osc_sockets import free_port
from tests.osc_peers import PATIENCE_S, Peer, serve, wait_until
from vqss_engine.control import ControlSurface

pytestmark = pytest.mark.skipif(
    not (shutil.which("oscsend") and shutil.which("oscdump")), reason="liblo-tools is not installed"
)
GAIN, MUTE = "/vqss/cluster/3/gain", "/vqss/cluster/3/mute"


def oscsend(port: int, *words: str) -> None:
    subprocess.run(["oscsend", f"osc.udp://127.0.0.1:{port}", *words], check=True, timeout=PATIENCE_S)


@contextmanager
def oscdump(port: int) -> Iterator[subprocess.Popen[str]]:
    command = ["stdbuf", "-oL", "oscdump", f"osc.udp://:{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as dump:
        try:
            yield dump
        finally:
            dump.terminate()


@pytest.mark.parametrize(
    ("words", "path", "value"),
    [
        ((GAIN, "f", "-6"), GAIN, -6.0),
        ((GAIN, "i", "-6"), GAIN, -6.0),
        ((MUTE, "i", "1"), MUTE, True),
        ((MUTE, "T"), MUTE, True),
        (("/vqss/cluster/*/mute", "i", "1"), MUTE, True),
        (("/vqss/cluster/3/name", "s", "snare drum"), "/vqss/cluster/3/name", "snare drum"),
    ],
)
def test_oscsend_sets(words: tuple[str, ...], path: str, value: object) -> None:
    surface = ControlSurface()
    with serve(surface) as server:
        oscsend(server.port, *words)
        wait_until(lambda: surface.get(path) == value)


def test_oscdump_hears_changes_levels_and_status() -> None:
    surface, port = ControlSurface(2), free_port()
    with serve(surface) as server, oscdump(port) as dump, Peer(server) as peer:
        assert dump.stdout
        heard: list[str] = []
        while not {"/vqss/status", "/vqss/levels"} <= {line.split()[1] for line in heard}:
            oscsend(server.port, "/vqss/subscribe", "iff", str(port), "10", "0")
            oscsend(server.port, "/vqss/subscribe", "iff", str(port), "10", "0")
            heard.append(dump.stdout.readline())
        peer.ask("/vqss/cluster/1/gain", -6.0)
        while heard[-1].split()[1:] != ["/vqss/cluster/1/gain", "f", "-6.000000"]:
            heard.append(dump.stdout.readline())
        assert any(line.split()[1:3] == ["/vqss/levels", "ffffff"] for line in heard)
