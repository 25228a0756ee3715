"""How long a song is by its own header, where libsndfile gives the length of what the file holds.

libsndfile notes in its log what of a header does not agree with the file; sizes that stand for a stream, which cannot
be known when its header is written, claim nothing.
"""

from __future__ import annotations

import re

SLACK_S = 0.01
"""What a header may claim too much, for it is no sound: some count themselves as audio, or a byte that fills up."""

_BYTES = re.compile(r"^ *(?:data|SSND|BODY|Data Size) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
_FRAMES = re.compile(r"^\*\*\* Calculated frame count \d+ does not match .* 'ds64' chunk of (\d+)", re.MULTILINE)
_W64_FILE = re.compile(r"^riff : (\d+) \(should be (\d+)\)", re.MULTILINE)
_W64_DATA = re.compile(r"^data : (\d+)", re.MULTILINE)
_W64_HEADER_BYTES = 24
_OF_STREAMS = ((0x7F000000, 0x7FFFFFFF), (0xFF000000, 0xFFFFFFFF), (2**62, 2**64))
_NO_END = ("lacks an end-of-stream bit", "Junk after the last page", "Seems to be a truncated file")

_UNCLOSED = "WAV file which wasn't closed properly"


def claimed_frames(log: str, frames: int, rate_hz: int) -> int:
    """The frames that a header claims, where that is more than the `frames` in the file; else `frames`."""
    claimed = _by_count(log) or _by_bytes(log, frames)
    return claimed if claimed > frames + SLACK_S * rate_hz else frames


def lacks_end(log: str) -> bool:
    """Whether a format that marks its end has no such mark here: how much is missing, if anything, nobody knows."""
    return any(words in log for words in _NO_END)


def lacks_length(log: str) -> bool:
    """Whether a header claims no sound, and what follows was taken for it: its writer was ended, or wrote a stream."""
    return _UNCLOSED in log


def _by_count(log: str) -> int:
    found = _FRAMES.search(log)
    return 0 if found is None or int(found[1]) >= 2**48 else int(found[1])


def _by_bytes(log: str, frames: int) -> int:
    """Frames in proportion to bytes, which is near enough where these are compressed."""
    if found := _BYTES.search(log):
        claimed, held = int(found[1]), int(found[2])
    elif (whole := _W64_FILE.search(log)) and (data := _W64_DATA.search(log)):
        claimed = int(data[1]) - _W64_HEADER_BYTES
        held = claimed - (int(whole[1]) - int(whole[2]))
    else:
        return 0
    is_stream = any(least <= claimed <= most for least, most in _OF_STREAMS)
    return 0 if is_stream or held <= 0 else round(frames * claimed / held)
