"""The sockets that remote control listens on: one port number, UDP for OSC and TCP for its description."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any

from vqss_engine.errors import UsageError, VQSSError

if TYPE_CHECKING:
    from bridge.osc_packet import Address

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 9000
_BUFFER_BYTES = 1 << 20
_TRIES = 16


def host_and_port(text: str, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> tuple[str, int]:
    """`HOST:PORT`, `HOST`, `:PORT`, `PORT`, `[IPv6]:PORT` or `[IPv6]` as a pair; what is left out is the default.

    Raises UsageError.
    """
    left, colon, right = text.strip().rpartition(":")
    if not colon:
        left, right = ("", right) if right.isdigit() else (right, "")
    elif text.endswith("]") or (text.count(":") > 1 and not text.startswith("[")):
        left, right = text, ""
    left = left.removeprefix("[").removesuffix("]")
    if right and not (right.isdecimal() and int(right) <= 65535):
        raise UsageError(f"'{text}' is not HOST:PORT; give a port from 0 to 65535, as in {DEFAULT_HOST}:{DEFAULT_PORT}")
    return left or host, int(right) if right else port


def address_text(host: str, port: int) -> str:
    """`HOST:PORT`, as people write it and `host_and_port` reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a numeric address can be reached from this machine only."""
    return _numeric(host).is_loopback


def _numeric(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(host.partition("%")[0])


def reaches(host: str, port: int, address: Address) -> bool:
    """Whether a packet to `address` arrives at the socket that is bound to `host`, `port` on this machine."""
    if address[1] != port:
        return False
    return address[0] == host or (_numeric(host).is_unspecified and _is_of_this_machine(address))


def _is_of_this_machine(address: Address) -> bool:
    family = socket.AF_INET if len(address) == 2 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address[0], 0, *address[2:]))
        except OSError:     # only an address of this machine can be bound to
            return False
    return True


def address_of(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """The family and socket address of a host, for UDP and TCP; of a name that has several, one of IPv4.

    Both sides choose alike, so that they meet under a name such as localhost. Raises OSError or UnicodeError.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def open_pair(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on one port number (0: any that is free in both), bound; raises VQSSError."""
    try:
        family, address = address_of(host, port)
    except (OSError, UnicodeError) as error:
        raise VQSSError(f"unknown host '{host}' ({error}); give an address such as {DEFAULT_HOST}") from error
    for attempt in range(_TRIES):
        udp = socket.socket(family, socket.SOCK_DGRAM)
        tcp = socket.socket(family, socket.SOCK_STREAM)
        try:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp.bind(address)
            tcp.bind((address[0], udp.getsockname()[1], *address[2:]))
            return udp, tcp
        except OSError as error:
            udp.close()
            tcp.close()
            if port or attempt == _TRIES - 1:
                raise VQSSError(
                    f"cannot listen on {host} port {port} ({error.strerror}); choose another with --osc HOST:PORT"
                ) from error
    raise AssertionError("unreachable")


def free_port(host: str = "127.0.0.1", first: int = 0) -> int:
    """A port that is free for UDP and TCP at this moment: `first` if it is, else any. Raises VQSSError for a host that
    is none of this machine's."""
    try:
        return untaken_port(host, first)
    except VQSSError:
        return untaken_port(host, 0)


def untaken_port(host: str, port: int) -> int:
    """This port (0: any) if it is free for UDP and TCP at this moment; raises VQSSError where it is not."""
    udp, tcp = open_pair(host, port)
    with udp, tcp:
        return int(udp.getsockname()[1])
