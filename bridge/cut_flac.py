"""A FLAC file whose writing broke off: its last frame is half there, and its header tells no length.

Most readers refuse such a file. It gets the length of the whole frames that are there, and ends with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

_MARKER, _LAST_BLOCK = b"fLaC", 0x80
_SMALLEST_BLOCK_AT, _LENGTH_AT = 8, 21  # bytes of the file; of the latter only the lower half belongs to the length
_LENGTH_BITS = 36
_SYNC = 0xFF
_SHORTEST_HEADER, _LONGEST_HEADER = 6, 16
_TAIL_BYTES = 1 << 21       # more than two of the largest frames there can be


def end_with_last_frame(path: Path) -> int:
    """Make `path` end with its last whole frame; returns how many samples of each channel it holds then.

    Raises OSError, and ValueError where it is no FLAC file.
    """
    with path.open("r+b") as file:
        first = _first_frame_at(file)
        file.seek(_SMALLEST_BLOCK_AT)
        block = int.from_bytes(file.read(2), "big")
        size = file.seek(0, 2)
        start = max(first, size - _TAIL_BYTES)
        file.seek(start)
        end, samples = _last_whole_frame(file.read(), block)
        file.truncate(start + end if samples else first)
        file.seek(_LENGTH_AT)
        kept = file.read(1)[0] & 0xF0
        file.seek(_LENGTH_AT)
        file.write((kept << _LENGTH_BITS - 4 | samples).to_bytes(5, "big"))
    return samples


def _first_frame_at(file: BinaryIO) -> int:
    """Where the blocks of metadata end."""
    if file.read(len(_MARKER)) != _MARKER:
        raise ValueError("no FLAC file")
    last = False
    while not last:
        head = file.read(4)
        if len(head) < 4:
            raise ValueError("no FLAC file")
        last = bool(head[0] & _LAST_BLOCK)
        file.seek(int.from_bytes(head[1:], "big"), 1)
    return file.tell()


def _last_whole_frame(data: bytes, block: int) -> tuple[int, int]:
    """Where in `data` it ends, and how many samples the song has until there; 0, 0 where there is none."""
    starts = list(_frames(data, block))
    ends = [at for at, _ in starts] + [len(data)]
    for index in range(len(starts) - 1, -1, -1):
        at, samples = starts[index]
        checksum, reached = 0, at
        for end in ends[index + 1 :]:   # not only the next: what looks like a frame's beginning may lie within one
            checksum = _checksum(data[reached:end], checksum)
            reached = end
            if checksum == 0:
                return end, samples
    return 0, 0


def _frames(data: bytes, block: int) -> Iterator[tuple[int, int]]:
    """Where frames may begin, and the samples of the song until the end of each; `block`: those of every frame."""
    at = data.find(_SYNC)
    while at >= 0:
        header = data[at : at + _LONGEST_HEADER]
        if len(header) > _SHORTEST_HEADER and header[1] & 0xFE == 0xF8 and (found := _samples(header, block)):
            yield at, found
        at = data.find(_SYNC, at + 1)


def _samples(header: bytes, block: int) -> int:
    """The samples of the song until the end of the frame with this header; 0 where it is none."""
    varies, sizes, rates = header[1] & 1, header[2] >> 4, header[2] & 15
    number, at = _coded_number(header)
    own = {6: 1, 7: 2}.get(sizes, 0)
    rate_bytes = {12: 1, 13: 2, 14: 2}.get(rates, 0)
    end = at + own + rate_bytes
    if not at or not sizes or end >= len(header) or _header_checksum(header[: end + 1]):
        return 0
    if own:
        length = int.from_bytes(header[at : at + own], "big") + 1
    else:
        length = 192 if sizes == 1 else 576 << sizes - 2 if sizes < 6 else 256 << sizes - 8
    return (number if varies else number * block) + length


def _coded_number(header: bytes) -> tuple[int, int]:
    """The number of the frame, or of its first sample, in a manner like UTF-8, and where it ends; 0, 0 for none."""
    first = header[4]
    if first < 0x80:
        return first, 5
    more = next((ones for ones in range(2, 8) if not first & 0x80 >> ones), 8) - 1
    rest = header[5 : 5 + more]
    if not 1 <= more <= 6 or any(byte & 0xC0 != 0x80 for byte in rest):
        return 0, 0
    number = first & 0x3F >> more
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number, 5 + more


@cache
def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    """What each byte makes of a checksum of so many bits."""
    table, top, mask = [], 1 << bits - 1, (1 << bits) - 1
    for byte in range(256):
        value = byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value & top else 0)) & mask
        table.append(value)
    return tuple(table)


def _header_checksum(data: bytes) -> int:
    """0 for the header of a frame with its own checksum."""
    table, value = _table(0x07, 8), 0
    for byte in data:
        value = table[value ^ byte]
    return value


def _checksum(data: bytes, value: int) -> int:
    """The checksum `value` after more bytes; 0 after a whole frame with its own."""
    table = _table(0x8005, 16)
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ table[value >> 8 ^ byte]
    return value
