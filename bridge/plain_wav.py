"""A WAV file of unknown length is begun as RF64, and where it has stayed short it ends as what every program reads.

RF64 (EBU Tech 3306) is RIFF whose sizes stand in a chunk `ds64` of their own, with 64 bits. Where 32 do, that chunk
becomes one that readers skip.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_CHUNK_HEADER, _FORM_HEADER = 8, 12
_LARGEST_SIZE = 0xFFFF_FFFE     # the next one stands for "in ds64"


def make_plain(path: Path) -> None:
    """Turn a whole RF64 file whose sizes fit 32 bits into RIFF, in place; leave any other file. Raises OSError."""
    with path.open("r+b") as file:
        form = file.read(_FORM_HEADER)
        ds64 = file.read(_CHUNK_HEADER + 16)
        if form[:4] != b"RF64" or form[8:] != b"WAVE" or ds64[:4] != b"ds64":
            return
        form_bytes, sound_bytes = struct.unpack("<QQ", ds64[_CHUNK_HEADER:])
        place = _size_of_sound_at(file)
        if place is None or form_bytes > _LARGEST_SIZE:
            return
        for start, new in (
            (place, struct.pack("<I", sound_bytes)),
            (_FORM_HEADER, b"JUNK"),
            (0, b"RIFF" + struct.pack("<I", form_bytes)),
        ):
            file.seek(start)
            file.write(new)


def _size_of_sound_at(file: BinaryIO) -> int | None:
    """Where the size of the chunk with the sound stands."""
    file.seek(_FORM_HEADER)
    while len(head := file.read(_CHUNK_HEADER)) == _CHUNK_HEADER:
        if head[:4] == b"data":
            return file.tell() - 4
        size = int.from_bytes(head[4:], "little")
        file.seek(size + size % 2, 1)
    return None
