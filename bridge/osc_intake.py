"""Takes packets from a socket as fast as they come, so that the system's short queue does not overflow.

Threads: the one that receives; it blocks here until a packet comes.
"""

from __future__ import annotations

import socket
import time

from bridge.osc_packet import LARGEST_PACKET, Address

MOST_AT_ONCE = 512
_DO_NOT_WAIT = getattr(socket, "MSG_DONTWAIT", 0)
_WINDOW_S, _MANY, _REST_S = 0.01, 10, 0.001


class Intake:
    """Packets in lists: one when they are rare, all that wait when they are many.

    In a flood (above 1,000 a second) it rests for a millisecond before it looks again: then packets are handled a
    few at a time, and waking up for each does not disturb the thread that makes the sound.
    """

    def __init__(self, udp: socket.socket) -> None:
        self._udp = udp
        self._window_s, self._taken = 0.0, 0

    def take(self) -> list[tuple[bytes, Address]]:
        """Wait for a packet; returns it, with its sender, and up to 512 in all. Raises OSError once closed."""
        if self._is_flood():
            time.sleep(_REST_S)
        packets: list[tuple[bytes, Address]] = []
        try:
            packets.append(self._udp.recvfrom(LARGEST_PACKET))
            while _DO_NOT_WAIT and len(packets) < MOST_AT_ONCE:
                packets.append(self._udp.recvfrom(LARGEST_PACKET, _DO_NOT_WAIT))
        except (BlockingIOError, ConnectionError):  # no more; or how some systems say that an answer found nobody
            pass
        self._taken += len(packets)
        return packets

    def _is_flood(self) -> bool:
        now_s = time.monotonic()
        if now_s - self._window_s > _WINDOW_S:
            self._window_s, self._taken = now_s, 0
        return self._taken > _MANY
