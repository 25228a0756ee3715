"""Serves the description of a control surface: OSCQuery over HTTP and WebSocket. It only tells; it sets nothing.

Threads: `osc-query` runs an event loop and may block; `changed` and `vocabulary_changed` come from other threads and
hand over to it. What a slow client may hold up in memory is bounded: it is let go.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from bridge.oscquery import ATTRIBUTES, find_node, host_info, namespace
from vqss_engine.control import ControlSurface

MOST_CLIENTS = 64
_MOST_BUFFERED_BYTES = 1 << 20
_LARGEST_REQUEST = 1 << 16
_CLOSING_S = 0.5

# A client that breaks off is no news for the terminal of a musician.
_SILENT = logging.getLogger("bridge.oscquery_server.connections")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class QueryServer:
    """Answers on `tcp`, a bound socket that it takes over. `host`, `port`: where OSC is received."""

    def __init__(self, surface: ControlSurface, tcp: socket.socket, host: str, port: int, name: str) -> None:
        self._surface, self._tcp = surface, tcp
        everywhere = ipaddress.ip_address(host.partition("%")[0]).is_unspecified
        self._info = host_info(name, None if everywhere else host, port)
        self._clients: dict[ServerConnection, set[str]] = {}
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="osc-query", daemon=True)

    def start(self) -> None:
        """Serve; returns when the socket listens."""
        self._thread.start()
        self._ready.wait(5.0)

    def close(self) -> None:
        """Let all clients go and stop."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_CLOSING_S)

    @property
    def active(self) -> bool:
        """Whether anybody is connected by WebSocket."""
        return bool(self._clients)

    def listeners(self, path: str) -> int:
        """How many clients listen to `path`."""
        return sum(path in paths for paths in tuple(self._clients.values()))

    def changed(self, messages: list[tuple[str, bytes]]) -> None:
        """Send changes (path, OSC message) to those who listen to these paths; from any thread."""
        self._hand_over(self._send_changes, messages)

    def vocabulary_changed(self, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        """Tell all that addresses came or went; from any thread."""
        if self.active:
            self._hand_over(self._send_paths, added, removed)

    def _hand_over(self, act: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(act, *arguments)

    # On the loop

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        options: dict[str, Any] = {"max_size": _LARGEST_REQUEST, "compression": None, "server_header": None}
        async with serve(
            self._talk, sock=self._tcp, process_request=self._answer, logger=_SILENT,
            open_timeout=5.0, close_timeout=0.2, **options,
        ):  # fmt: skip
            self._ready.set()
            await self._stop.wait()

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """HTTP: the description, or None where the client wants a WebSocket."""
        if "websocket" in request.headers.get("Upgrade", "").lower():
            full = len(self._clients) >= MOST_CLIENTS
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many clients\n") if full else None
        status, content = self.reply(request.path)
        response = connection.respond(status, content)
        if status is HTTPStatus.OK:
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = "application/json; charset=utf-8"
        return response

    def reply(self, target: str) -> tuple[HTTPStatus, str]:
        """Status and text for a request's target, such as `/vqss/main/gain?VALUE`."""
        url = urlsplit(target)
        path, attribute = unquote(url.path), url.query.partition("&")[0].partition("=")[0].upper()
        if attribute == "HOST_INFO":
            return HTTPStatus.OK, json.dumps(self._info)
        node = find_node(namespace(self._surface), path)
        if node is None:
            return HTTPStatus.NOT_FOUND, "no such address\n"
        if not attribute:
            return HTTPStatus.OK, json.dumps(node)
        if attribute not in ATTRIBUTES:
            return HTTPStatus.BAD_REQUEST, "no such attribute\n"
        if attribute not in node:
            return HTTPStatus.NO_CONTENT, ""
        return HTTPStatus.OK, json.dumps({attribute: node[attribute]})

    async def _talk(self, connection: ServerConnection) -> None:
        """A client's commands, until it leaves."""
        self._clients[connection] = set()
        try:
            async for text in connection:
                self._command(connection, text)
        except ConnectionClosed:
            pass
        finally:
            del self._clients[connection]

    def _command(self, connection: ServerConnection, text: str | bytes) -> None:
        """LISTEN and IGNORE; anything else is read over, as the proposal asks."""
        try:
            command = json.loads(text)
            name, path = command["COMMAND"], command["DATA"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if name == "LISTEN" and isinstance(path, str) and path in self._surface:
            self._clients[connection].add(path)
        elif name == "IGNORE" and isinstance(path, str):
            self._clients[connection].discard(path)

    def _send_changes(self, messages: list[tuple[str, bytes]]) -> None:
        for connection, paths in list(self._clients.items()):
            for path, message in messages:
                if path in paths:
                    self._send(connection, message)

    def _send_paths(self, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        commands = [("PATH_ADDED", path) for path in added] + [("PATH_REMOVED", path) for path in removed]
        for command, path in commands:
            text = json.dumps({"COMMAND": command, "DATA": path})
            for connection in list(self._clients):
                self._send(connection, text)

    def _send(self, connection: ServerConnection, message: str | bytes) -> None:
        """Send without waiting; a client that does not read is let go."""
        if connection.transport.get_write_buffer_size() > _MOST_BUFFERED_BYTES:
            connection.transport.abort()
        else:
            broadcast([connection], message)
