"""OSC in and out of a control surface: UDP, its description over HTTP on the same port number, and zeroconf.

Threads, none of which touches audio; all may block:
`osc-receive` decodes, validates, sets and answers; `osc-send` (osc_broadcast) sends changes, levels, spectra and
status to subscribers; `osc-query` (oscquery_server) serves the description; `osc-announce` names the service in the
network. The engine sees nothing of them but the surface's state.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bridge.osc_announce import Announcement
from bridge.osc_broadcast import Broadcaster
from bridge.osc_dispatch import LARGEST_ANSWER, Dispatcher, change_message
from bridge.osc_feeds import LEVELS, PONG, SESSION, STATUS, levels_message, status_message
from bridge.osc_files import rack_check, source_check
from bridge.osc_intake import Intake
from bridge.osc_packet import Address, encode_message
from bridge.osc_sockets import DEFAULT_HOST, DEFAULT_PORT, is_loopback, open_pair, reaches
from bridge.osc_subscribers import MOST_SUBSCRIBERS, Clock, Subscribers, with_port
from bridge.oscquery_server import QueryServer
from vqss_engine.control import ControlSurface, Telemetry
from vqss_engine.errors import VQSSError
from vqss_engine.vocabulary import RACK_LOAD, SOURCE

_BURST, _BREATH_S = 64, 0.001
"""How many messages are sent at once, and the pause after them: the queue of who asked holds a few hundred."""


class OscServer:
    """Remote control of `surface`; `telemetry` (default: the surface's) is what levels and status are read from.

    Port 0 takes any free one. /vqss/source is taken only for files in `music_folder`, /vqss/rack/load for files in
    `rack_folder`; None takes none. `announce`: name the service by zeroconf; default: where it can be reached from
    outside this machine. `name` is what the network sees. `clock` times subscriptions.
    """

    def __init__(
        self,
        surface: ControlSurface,
        telemetry: Telemetry | None = None,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        *,
        music_folder: Path | None = None,
        rack_folder: Path | None = None,
        announce: bool | None = None,
        name: str = "VQSS",
        clock: Clock = time.monotonic,
    ) -> None:
        self._surface, self._telemetry = surface, telemetry or surface.telemetry
        self.host, self.port, self._name, self._announce = host, port, name, announce
        self._session, self._revision = secrets.randbits(31), 0
        self._udp: socket.socket | None = None
        self._tcp: socket.socket | None = None
        self._closing = False
        self.subscribers = Subscribers(clock)
        self._broadcaster = Broadcaster(self._telemetry, self.subscribers, self._send, clock)
        checks = {SOURCE: source_check(music_folder), RACK_LOAD: rack_check(rack_folder)}
        self._dispatcher = Dispatcher(surface, self._send, checks, clock)
        self._offer()
        self._query: QueryServer | None = None
        self._announcement: Announcement | None = None
        self._leave: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._receive, name="osc-receive", daemon=True)

    def bind(self) -> None:
        """Take the port, and answer nobody yet; `host` and `port` are then those really used.

        What is sent meanwhile is answered from `start` on. Raises VQSSError where the port is not to be had.
        """
        self._udp, self._tcp = open_pair(self.host, self.port)
        self.host, self.port = self._udp.getsockname()[:2]

    def start(self) -> None:
        """Answer, on a port that is taken now if it was not before. Raises VQSSError where that is not possible."""
        if self._tcp is None:
            self.bind()
        assert self._tcp is not None
        self._query = QueryServer(self._surface, self._tcp, self.host, self.port, self._name)
        self._broadcaster.tap = self._query
        self._leave = [
            self._surface.subscribe(self._broadcaster.changed),
            self._surface.subscribe_vocabulary(self._vocabulary_changed),
            self._surface.subscribe_news(self._tell_news),
        ]
        self._thread.start()
        self._broadcaster.start()
        self._query.start()
        if self._announce if self._announce is not None else not is_loopback(self.host):
            self._announcement = Announcement(self._name, self.host, self.port, self._telemetry.report)

    def close(self) -> None:
        """Stop listening, within a second; what is pending is sent. May be called twice, and after `bind` alone."""
        if self._udp is None or self._closing:
            return
        self._closing = True
        if self._query is None:
            self._close_sockets()
            return
        for leave in self._leave:
            leave()
        if self._announcement:
            self._announcement.close()
        self._broadcaster.close()
        self._wake_receiver()
        self._thread.join(1.0)
        self._query.close()
        self._close_sockets()

    def _close_sockets(self) -> None:
        for wire in filter(None, (self._udp, self._tcp)):
            wire.close()

    @property
    def query(self) -> QueryServer:
        """The description's server; there is none before `start`."""
        assert self._query is not None
        return self._query

    def __enter__(self) -> OscServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What is between a sender and this server

    def _offer(self) -> None:
        own = self._dispatcher.answer_action
        own("/vqss/subscribe", self._subscribe)
        own("/vqss/unsubscribe", self._unsubscribe)
        own("/vqss/refresh", self._refresh)
        own("/vqss/ping", lambda sender: self._send(encode_message(PONG), sender))
        self._dispatcher.answer_feed(LEVELS, lambda: levels_message(self._telemetry))
        self._dispatcher.answer_feed(STATUS, lambda: status_message(self._telemetry))
        self._dispatcher.answer_feed(SESSION, self._session_message)

    def _subscribe(self, sender: Address, port: int, levels_per_s: float, spectra_per_s: float) -> None:
        if self._is_own(with_port(sender, port)):
            raise VQSSError(f"port {self.port} is the mixer's own; give the port you listen on, or 0 for the sender's")
        if not self.subscribers.add(sender, port, levels_per_s, spectra_per_s):
            raise VQSSError(f"{MOST_SUBSCRIBERS} subscribe already; unsubscribe one, or wait 15 s for one to end")
        self._send(self._session_message(), sender)
        self._broadcaster.wake()

    def _unsubscribe(self, sender: Address, port: int) -> None:
        self.subscribers.remove(sender, port)

    def _refresh(self, sender: Address) -> None:
        for number, (path, value) in enumerate(self._surface.values().items(), 1):
            self._send(change_message(path, value), sender)
            if number % _BURST == 0:
                time.sleep(_BREATH_S)

    def _session_message(self) -> bytes:
        return encode_message(SESSION, self._session, self._revision)

    def _vocabulary_changed(self, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        self._dispatcher.index()
        self._revision += 1
        self._broadcaster.announce(self._session_message())
        if self._query:
            self._query.vocabulary_changed(added, removed)

    def _tell_news(self, path: str, answer: tuple[str, ...]) -> None:
        """What is too long for a packet is not told; who asks for it hears why."""
        message = encode_message(path, *(answer or ("",)))
        if len(message) <= LARGEST_ANSWER:
            self._broadcaster.announce(message)

    # The wire

    def _is_own(self, address: Address) -> bool:
        """Whether `address` is this server's: what it sent itself would come back as a wish, and seek for ever."""
        return reaches(self.host, self.port, address)

    def _send(self, message: bytes, to: Address) -> None:
        """Send a datagram; one that cannot be delivered is as good as lost on the way."""
        if self._udp is not None:
            with contextlib.suppress(OSError):
                self._udp.sendto(message, to)

    def _receive(self) -> None:
        assert self._udp is not None
        intake = Intake(self._udp)
        while not self._closing:
            try:
                packets = intake.take()
            except OSError:
                break
            try:
                if not self._closing:
                    self._dispatcher.handle(packet for packet in packets if not self._is_own(packet[1]))
            except Exception as error:  # a fault of ours must not make the mixer deaf
                self._telemetry.report(f"OSC failed ({type(error).__name__}: {error})")

    def _wake_receiver(self) -> None:
        """End the wait for a packet by sending one; where the queue is full there is no wait."""
        assert self._udp is not None
        target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        self._send(b"", (target, self.port))
