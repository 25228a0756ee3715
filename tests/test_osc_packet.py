"""OSC packets: the same as python-osc's in both directions, and nothing damaged, deep or endless is taken."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage

from bridge.osc_packet import (
    DEEPEST_BUNDLE,
    MOST_MESSAGES,
    Message,
    PacketError,
    decode_packet,
    encode_bundle,
    encode_floats,
    encode_message,
)
from tests.osc_peers import bundle, message

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
SCALAR = st.one_of(
    st.integers(-(2**31), 2**31 - 1), st.floats(width=32, allow_nan=False), TEXT, st.binary(min_size=1, max_size=40)
)
ADDRESS = "/vqss/some/where"


def nested(depth: int, inside: bytes) -> bytes:
    for _ in range(depth):
        inside = encode_bundle([inside])
    return inside


@given(st.lists(SCALAR, max_size=8))
def test_we_read_what_python_osc_writes(arguments: list) -> None:
    (read,) = decode_packet(message(ADDRESS, *arguments).dgram)
    assert read == Message(ADDRESS, tuple(arguments))


@given(st.lists(SCALAR, max_size=8))
def test_python_osc_reads_what_we_write(arguments: list) -> None:
    read = OscMessage(encode_message(ADDRESS, *arguments))
    assert (read.address, read.params) == (ADDRESS, arguments)


def test_switches_and_nothing_are_read_and_floats_written_at_once() -> None:
    assert decode_packet(message("/a", True, False, None).dgram) == [Message("/a", (True, False, None))]
    assert decode_packet(encode_message("/a", True)) == [Message("/a", (1,))]
    assert encode_floats("/a", [0.5, -1.0]) == encode_message("/a", 0.5, -1.0)


@pytest.mark.parametrize("timestamp", [0, 1.0, 2_050_000_000.0])
def test_bundles_are_taken_in_order_whatever_their_time(timestamp: float) -> None:
    data = bundle(("/b", 2), ("/a", 1), ("/b", 3), timestamp=timestamp)
    assert decode_packet(data) == [Message("/b", (2,)), Message("/a", (1,)), Message("/b", (3,))]


def test_python_osc_reads_our_bundles() -> None:
    read = OscBundle(encode_bundle([encode_message("/a", 1), encode_message("/b", "x")]))
    assert [(part.address, part.params) for part in read] == [("/a", [1]), ("/b", ["x"])]


def test_depth_is_bounded() -> None:
    inside = encode_message("/a", 1)
    assert decode_packet(nested(DEEPEST_BUNDLE, inside)) == [Message("/a", (1,))]
    for depth in (DEEPEST_BUNDLE + 1, 2000):
        with pytest.raises(PacketError):
            decode_packet(nested(depth, inside))


def test_number_of_messages_is_bounded() -> None:
    assert len(decode_packet(encode_bundle([encode_message("/a")] * MOST_MESSAGES))) == MOST_MESSAGES
    with pytest.raises(PacketError):
        decode_packet(encode_bundle([encode_message("/a")] * (MOST_MESSAGES + 1)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no slash\0\0\0\0",
        b"/no end",
        b"/a\0\0f\0\0\0",
        b"/a\0\0,f\0\0\0\0",
        b"/a\0\0,i\0\0",
        b"/a\0\0,s\0\0abcd",
        b"/a\0\0,b\0\0\xff\xff\xff\xff",
        b"/a\0\0,b\0\0\x7f\xff\xff\xffabcd",
        b"/a\0\0,m\0\0abcd",
        b"/a\0\0,[\0\0",
        b"/a\0\0,s\0\0\xff\xfe\0\0",
        b"/a\x07\0",
        b"/" + b"a" * 300 + b"\0\0\0",
        b"#bundle\0",
        b"#bundle\0" + bytes(8) + b"\0\0",
        b"#bundle\0" + bytes(8) + struct.pack(">i", 64) + b"/a\0\0",
        b"#bundle\0" + bytes(8) + struct.pack(">i", 0) + b"/a\0\0",
        b"#bundle\0" + bytes(8) + struct.pack(">i", -4) + b"/a\0\0",
    ],
)
def test_damaged_packets_are_refused(data: bytes) -> None:
    with pytest.raises(PacketError):
        decode_packet(data)


def test_every_truncation_of_a_message_is_refused_or_a_query() -> None:
    data = encode_message("/vqss/main/gain", -6.0)
    for length in range(1, len(data)):
        with contextlib.suppress(PacketError):
            assert decode_packet(data[:length]) == [Message("/vqss/main/gain", ())]


def test_replies_of_other_programs_are_passed_over() -> None:
    reply = b"#reply\0\0,ss\0a\0\0\0b\0\0\0"
    assert decode_packet(reply) == []
    assert decode_packet(nested(2, reply)) == []
    beside = encode_bundle([encode_message("/a", 1), reply, encode_message("/b", 2)])
    assert decode_packet(beside) == [Message("/a", (1,)), Message("/b", (2,))]


@given(st.binary(max_size=200))
def test_random_bytes_are_messages_or_refused(data: bytes) -> None:
    for start in (b"", b"#bundle\0" + bytes(8), b"/vqss/a\0,"):
        with contextlib.suppress(PacketError):
            assert all(isinstance(read, Message) for read in decode_packet(start + data))
