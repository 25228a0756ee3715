"""One UDP connection to an OSC server, kept by a thread of its own.

Threads: `osc-remote` runs `keep`, `hear` and `lost`, and may block; `send` may be called on any and does not wait.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from bridge.osc_packet import LARGEST_PACKET, Message, PacketError, decode_packet
from bridge.osc_sockets import address_of, address_text
from vqss_engine.errors import VQSSError

_TICK_S = 0.05
_BUFFER_BYTES = 1 << 20


class Link:
    """Calls `keep(seconds)` at least every 50 ms, `hear(message)`, `lost()` where nobody listens, `report(text)`."""

    def __init__(
        self,
        keep: Callable[[float], None],
        hear: Callable[[Message], None],
        lost: Callable[[], None],
        report: Callable[[str], None],
    ) -> None:
        self._keep, self._hear, self._lost, self._report = keep, hear, lost, report
        self._socket: socket.socket | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="osc-remote", daemon=True)

    def start(self, host: str, port: int) -> None:
        """Take packets from `host`, `port` and no one else; raises VQSSError where there is no such address."""
        try:
            family, address = address_of(host, port)
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            self._socket.settimeout(_TICK_S)
            self._socket.connect(address)
        except (OSError, UnicodeError) as error:
            raise VQSSError(f"cannot reach {address_text(host, port)} ({error}); check host and port") from error
        self._thread.start()

    def close(self) -> None:
        """End the thread. May be called twice, and without `start`."""
        self._closing.set()
        if self._socket is not None:
            if not self.is_this_thread:
                self._thread.join(3.0)
            self._socket.close()

    @property
    def port(self) -> int:
        """The port where packets arrive; 0 before `start`."""
        return int(self._socket.getsockname()[1]) if self._socket is not None else 0

    @property
    def is_this_thread(self) -> bool:
        """Whether the caller runs on the link's own thread, which must not wait for packets."""
        return threading.current_thread() is self._thread

    def send(self, packet: bytes) -> None:
        """Send; nothing is said where that fails, since UDP would be silent on the way as well."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.send(packet)

    def _run(self) -> None:
        assert self._socket is not None
        while not self._closing.is_set():
            try:
                self._keep(time.monotonic())
                for message in decode_packet(self._socket.recv(LARGEST_PACKET)):
                    self._hear(message)
            except (TimeoutError, PacketError):
                continue
            except OSError:  # the other side's port is closed
                self._lost()
                self._closing.wait(_TICK_S)
            except Exception as error:
                self._report(f"remote control failed ({type(error).__name__}: {error})")
