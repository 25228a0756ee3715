"""A WAV file whose writer was ended before it could tell how long it is.

Many recorders begin with the header of an empty file and put in the true sizes at the end. libsndfile reads a file to
its end where these sizes are those that it begins with itself, and so it is shown them.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from bridge.riff_chunks import CHUNK_HEADER, FORM_HEADER, ByteOrder, skip_to_sound

_ORDERS: dict[bytes, ByteOrder] = {b"RIFF": "little", b"RIFX": "big"}
_SIZE = slice(4, 8)
_SIZE_OF_UNCLOSED = 8
_LEAST_OF_STREAM = 0x7F000000


def is_unclosed(path: Path) -> bool:
    """Whether its header claims no sound, while more follows than all of its sizes account for. Raises OSError."""
    with path.open("rb") as file:
        header = file.read(FORM_HEADER)
        order = _ORDERS.get(header[:4])
        if order is None or header[8:] != b"WAVE" or skip_to_sound(file, order) != 0:
            return False
        claimed = int.from_bytes(header[_SIZE], order) + CHUNK_HEADER
        sound_at = file.tell()
        return bool(file.read(1)) and (claimed <= sound_at or claimed >= _LEAST_OF_STREAM)


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
