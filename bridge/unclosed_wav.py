"""A WAV file whose writer was ended before it could tell how long it is.

Many recorders begin with the header of an empty file and put in the true sizes at the end. libsndfile reads a file to
its end where these sizes are those that it begins with itself, and so it is shown them.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO, Literal

_ORDERS: dict[bytes, Literal["little", "big"]] = {b"RIFF": "little", b"RIFX": "big"}
_CHUNK_HEADER, _FIRST_CHUNK_AT = 8, 12
_SIZE = slice(4, 8)
_SIZE_OF_UNCLOSED = 8
_LEAST_OF_STREAM = 0x7F000000


def is_unclosed(path: Path) -> bool:
    """Whether its header claims no sound, while more follows than all of its sizes account for. Raises OSError."""
    with path.open("rb") as file:
        header = file.read(_FIRST_CHUNK_AT)
        order = _ORDERS.get(header[:4])
        if order is None or header[8:] != b"WAVE" or not _skip_to_empty_data(file, order):
            return False
        claimed = int.from_bytes(header[_SIZE], order) + _CHUNK_HEADER
        sound_at = file.tell()
        return bool(file.read(1)) and (claimed <= sound_at or claimed >= _LEAST_OF_STREAM)


def _skip_to_empty_data(file: BinaryIO, order: Literal["little", "big"]) -> bool:
    """Read on from chunk to chunk to where the sound begins; False where there is none, or it has a size."""
    while len(head := file.read(_CHUNK_HEADER)) == _CHUNK_HEADER:
        size = int.from_bytes(head[_SIZE], order)
        if head[:4] == b"data":
            return size == 0
        file.seek(size + size % 2, io.SEEK_CUR)
    return False


class UnclosedWav(io.FileIO):
    """The bytes of such a file, but for the size in its header."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._size = _SIZE_OF_UNCLOSED.to_bytes(4, _ORDERS[self.read(4)])
        self.seek(0)

    def readinto(self, buffer: Any) -> int:
        """As that of a file; the only way in which libsndfile is given what it reads."""
        start = self.tell()
        count = super().readinto(buffer)
        bytes_read = memoryview(buffer).cast("B")
        for place in range(max(start, _SIZE.start), min(start + count, _SIZE.stop)):
            bytes_read[place - start] = self._size[place - _SIZE.start]
        return count
