"""OSC 1.0 packets into messages and back, for input that nobody vouches for.

python-osc reads and writes the values; what a packet may cost is bounded here: its bundles' depth, its messages and
the length of an address. Time tags are read over: everything is applied when it arrives. A damaged packet is refused
whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pythonosc.parsing import osc_types

Address = tuple[str, int] | tuple[str, int, int, int]
"""A socket address, of IPv4 or IPv6."""

Scalar = float | int | bool | str | bytes | None
"""What one argument of a message can be."""

LARGEST_PACKET = 65_535
DEEPEST_BUNDLE = 8
MOST_MESSAGES = 1024
LONGEST_ADDRESS = 256

_BUNDLE = b"#bundle\0"
_AT_ONCE = b"\0\0\0\0\0\0\0\1"
_CONSTANTS: dict[str, Scalar] = {"T": True, "F": False, "N": None, "I": None}
_READERS: dict[str, Callable[[bytes, int], tuple[Any, int]]] = {
    "i": osc_types.get_int,
    "f": osc_types.get_float,
    "h": osc_types.get_int64,
    "d": osc_types.get_double,
    "s": osc_types.get_string,
    "b": osc_types.get_blob,
}
_LOWEST, _HIGHEST = -(2**31), 2**31 - 1


class PacketError(ValueError):
    """A packet that is no OSC, or more of it than is taken; `address` is that of the message, where it was read."""

    def __init__(self, text: str, address: str = "") -> None:
        self.address = address
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Message:
    """An address (pattern) and its arguments."""

    address: str
    arguments: tuple[Scalar, ...]


def decode_packet(data: bytes) -> list[Message]:
    """All messages of a packet, in order; what is neither message nor bundle but begins with `#`, as some peers'
    replies do, is passed over. Raises PacketError."""
    messages: list[Message] = []
    for message in _messages(data, 0):
        if len(messages) == MOST_MESSAGES:
            raise PacketError(f"more than {MOST_MESSAGES} messages in a packet; send several packets")
        messages.append(message)
    return messages


def _messages(data: bytes, depth: int) -> Iterator[Message]:
    if not data.startswith(_BUNDLE):
        if not data.startswith(b"#"):
            yield decode_message(data)
        return
    if depth == DEEPEST_BUNDLE:
        raise PacketError(f"bundles nested deeper than {DEEPEST_BUNDLE}; send them flat")
    if len(data) < 16:
        raise PacketError("a bundle ends before its time tag; send it whole")
    at = 16
    while at < len(data):
        size, at = _read("i", data, at)
        if size <= 0 or at + size > len(data):
            raise PacketError("a bundle's element has a wrong size; send it whole")
        yield from _messages(data[at : at + size], depth + 1)
        at += size


def decode_message(data: bytes) -> Message:
    """The message in `data`; raises PacketError."""
    if not data.startswith(b"/"):
        raise PacketError("neither an OSC message nor a bundle; an address begins with /")
    address, at = _read("s", data, 0)
    if len(address) > LONGEST_ADDRESS or not address.isascii() or not address.isprintable():
        raise PacketError(f"an address longer than {LONGEST_ADDRESS} characters, or not printable ASCII")
    if at >= len(data):
        return Message(address, ())
    try:
        tags, at = _read("s", data, at)
        if not tags.startswith(","):
            raise PacketError("type tags do not begin with a comma")
        arguments: list[Scalar] = []
        for tag in tags[1:]:
            argument, at = _argument(tag, data, at)
            arguments.append(argument)
    except PacketError as error:
        raise PacketError(str(error), address) from None
    return Message(address, tuple(arguments))


def _argument(tag: str, data: bytes, at: int) -> tuple[Scalar, int]:
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], at
    if tag not in _READERS:
        raise PacketError(f"type {tag!r} is not taken; use i, f, s, T or F")
    return _read(tag, data, at)


def _read(tag: str, data: bytes, at: int) -> tuple[Any, int]:
    try:
        value, end = _READERS[tag](data, at)
    except (osc_types.ParseError, UnicodeDecodeError) as error:
        raise PacketError(f"a damaged argument of type {tag!r}: {error}") from None
    negative_size = tag == "b" and data[at] >= 0x80  # which python-osc reads as an empty blob
    if negative_size or not at < end <= len(data):
        raise PacketError(f"an argument of type {tag!r} goes beyond the packet's end; send it whole")
    return value, end


_WRITERS: dict[type, tuple[str, Callable[[Any], bytes]]] = {
    bool: ("i", lambda value: osc_types.write_int(int(value))),
    int: ("i", lambda value: osc_types.write_int(min(max(value, _LOWEST), _HIGHEST))),
    float: ("f", osc_types.write_float),
    str: ("s", lambda value: osc_types.write_string(value.encode("utf-8", "replace").decode("utf-8"))),
    bytes: ("b", lambda value: osc_types.write_blob(value) if value else osc_types.write_int(0)),
}


def encode_message(address: str, *arguments: float | int | bool | str | bytes) -> bytes:
    """A message: bool and int as i (kept within 32 bits), float as f, str as s, bytes as b."""
    written = [(_WRITERS[type(argument)], argument) for argument in arguments]
    tags = "," + "".join(tag for (tag, _), _ in written)
    head = osc_types.write_string(address.encode("ascii", "replace").decode()) + osc_types.write_string(tags)
    return head + b"".join(write(argument) for (_, write), argument in written)


def encode_floats(address: str, values: Iterable[float]) -> bytes:
    """A message of floats only."""
    return encode_message(address, *map(float, values))


def encode_bundle(packets: Iterable[bytes]) -> bytes:
    """A bundle of encoded messages, to be applied at once."""
    return _BUNDLE + _AT_ONCE + b"".join(osc_types.write_int(len(packet)) + packet for packet in packets)
