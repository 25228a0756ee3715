"""The chunks that a WAV file consists of: four letters, a size of 32 bits, and so many bytes, an even number."""

from __future__ import annotations

import io
from typing import BinaryIO, Literal

ByteOrder = Literal["little", "big"]
FORM_HEADER, CHUNK_HEADER = 12, 8
"""Bytes before the first chunk, and before what each holds."""


def skip_to_sound(file: BinaryIO, order: ByteOrder) -> int | None:
    """Read on from the first chunk to where the sound begins; returns the size that its chunk claims, None where there
    is no such chunk."""
    file.seek(FORM_HEADER)
    while len(head := file.read(CHUNK_HEADER)) == CHUNK_HEADER:
        size = int.from_bytes(head[4:], order)
        if head[:4] == b"data":
            return size
        file.seek(size + size % 2, io.SEEK_CUR)
    return None
