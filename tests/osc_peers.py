"""A peer that speaks OSC through python-osc, and what the tests of remote control share."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.osc_server import OscServer
from tests.streams import small_engine
from vqss_engine.control import ControlSurface
from vqss_engine.engine import Engine

PATIENCE_S = 60.0
"""For what takes milliseconds where nothing else runs."""

STREAMS = ("/vqss/levels", "/vqss/status", "/vqss/spectra", "/vqss/session")

Heard = tuple[str, list[Any]]


def message(address: str, *arguments: Any) -> OscMessage:
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build()


def bundle(*contents: tuple[Any, ...], timestamp: float = IMMEDIATELY) -> bytes:
    builder = OscBundleBuilder(timestamp)
    for content in contents:
        builder.add_content(message(*content))
    return builder.build().dgram


class Peer:
    """A socket of its own that talks to a server and reads, in order, what comes back."""

    def __init__(self, server: OscServer) -> None:
        self._server = (server.host, server.port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE_S)
        self.port: int = self.socket.getsockname()[1]

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.socket.close()

    def send(self, address: str, *arguments: Any) -> None:
        self.send_raw(message(address, *arguments).dgram)

    def send_raw(self, data: bytes) -> None:
        self.socket.sendto(data, self._server)

    def receive(self) -> Heard:
        answer = OscMessage(self.socket.recv(65535))
        return answer.address, answer.params

    def ask(self, address: str, *arguments: Any) -> list[Heard]:
        """Send, and return all answers: what comes before that to a ping. Streams are left out."""
        self.send(address, *arguments)
        return self.answers()

    def answers(self) -> list[Heard]:
        """All that comes before the answer to a ping, streams left out."""
        self.send("/vqss/ping")
        return list(iter(self._answer, ("/vqss/pong", [])))

    def _answer(self) -> Heard:
        while (heard := self.receive())[0] in STREAMS:
            pass
        return heard

    def wait_for(self, address: str) -> list[Any]:
        """Read on until a message of this address comes."""
        while (heard := self.receive())[0] != address:
            pass
        return heard[1]

    def subscribe(self, levels: float = 0.0, spectra: float = 0.0, port: int = 0) -> Peer:
        """Subscribe and wait until that is done."""
        self.send("/vqss/subscribe", port, float(levels), float(spectra))
        self.wait_for("/vqss/session")
        return self


def serve(surface: ControlSurface, **options: Any) -> OscServer:
    """A server on any free port of loopback; start it with `with`."""
    return OscServer(surface, port=0, **options)


def wait_until(happened: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait for what other threads bring about; fails when it does not come."""
    deadline = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


class PlayingEngine:
    """A small engine in a thread that gives it hop after hop of noise; the newest hop lies in `out`."""

    def __init__(self) -> None:
        self.engine: Engine = small_engine()
        self.surface = self.engine.surface
        shape = (self.engine.channels, self.engine.hop)
        self._block = np.random.default_rng(3).standard_normal(shape).astype(np.float32) * np.float32(0.1)
        self.out = np.zeros(shape, np.float32)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play)

    def _play(self) -> None:
        while not self._stop.is_set():
            self.engine.process(self._block, self.out)
            self._stop.wait(0.003)

    def __enter__(self) -> PlayingEngine:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
