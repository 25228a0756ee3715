"""A WAV file of unknown length is begun as RF64, and where it has stayed short it ends as what every program reads.

RF64 (EBU Tech 3306) is RIFF whose sizes stand in a chunk `ds64` of their own, with 64 bits. Where 32 do, that chunk
becomes one that readers skip.
"""

from __future__ import annotations

import struct
from pathlib import Path

from bridge.riff_chunks import CHUNK_HEADER, FORM_HEADER, skip_to_sound

_LARGEST_SIZE = 0xFFFF_FFFE     # the next one stands for "in ds64"


def make_plain(path: Path) -> None:
    """Turn a whole RF64 file whose sizes fit 32 bits into RIFF, in place; leave any other file. Raises OSError."""
    with path.open("r+b") as file:
        form = file.read(FORM_HEADER)
        ds64 = file.read(CHUNK_HEADER + 16)
        if form[:4] != b"RF64" or form[8:] != b"WAVE" or ds64[:4] != b"ds64":
            return
        form_bytes, sound_bytes = struct.unpack("<QQ", ds64[CHUNK_HEADER:])
        if form_bytes > _LARGEST_SIZE or skip_to_sound(file, "little") is None:
            return
        for start, new in (
            (file.tell() - 4, struct.pack("<I", sound_bytes)),
            (FORM_HEADER, b"JUNK"),
            (0, b"RIFF" + struct.pack("<I", form_bytes)),
        ):
            file.seek(start)
            file.write(new)
