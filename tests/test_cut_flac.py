"""A FLAC file that breaks off anywhere is made one that every reader takes, with all the whole frames it holds."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.audio_files import AudioReader, AudioWriter
from bridge.coding import Coding
from bridge.cut_flac import end_with_last_frame
from vqss_engine.errors import VQSSError

BLOCK = 4096
"""What libsndfile's encoder puts in a frame."""


def song(rate_hz: int, subtype: str, channels: int, level: float = 0.2) -> tuple[np.ndarray, bytes]:
    """What is in it as soundfile reads it, (N, C), and a FLAC file of it as long as its writing is not over."""
    samples = level * np.random.default_rng(1).standard_normal((60_000, channels))
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, subtype=subtype, format="FLAC")
    content = bytearray(file.getvalue())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    file.seek(0)
    return soundfile.read(file, always_2d=True)[0], bytes(content)


def decoded(path: Path) -> int:
    """The samples that a decoder gets out of it before it stumbles: all, but for the last whole frame, or one more that
    lacks nothing but its checksum."""
    count = 0
    with contextlib.suppress(soundfile.LibsndfileError), soundfile.SoundFile(path) as file:
        while got := len(file.read(BLOCK)):
            count += got
    return count


SONGS = [song(44_100, "PCM_24", 2), song(48_000, "PCM_16", 1), song(12_345, "PCM_24", 2),
         song(44_100, "PCM_16", 2, 0.0)]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SONGS) - 1), st.floats(0.0, 1.0))
def test_a_file_ends_with_its_last_whole_frame(which: int, part: float) -> None:
    import tempfile

    samples, content = SONGS[which]
    first = content.index(b"\xff\xf8")
    size = first + round(part * (len(content) - first))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.flac"
        path.write_bytes(content[:size])
        whole = decoded(path)
        frames = end_with_last_frame(path)
        assert frames in (whole - BLOCK, whole, min(whole + BLOCK, len(samples)))
        assert end_with_last_frame(path) == frames
        assert path.read_bytes()[26:] == content[26 : path.stat().st_size]
        if not frames:
            return
        assert soundfile.info(path).frames == frames
        assert np.array_equal(soundfile.read(path, always_2d=True)[0], samples[:frames])
        reader = AudioReader(path)
        assert sum(block.shape[1] for block in reader.blocks(1000)) == reader.frames == frames
        reader.close()


def test_a_whole_file_stays_whole(tmp_path: Path) -> None:
    for samples, content in SONGS:
        (tmp_path / "song.flac").write_bytes(content)
        assert end_with_last_frame(tmp_path / "song.flac") == len(samples)
        assert (tmp_path / "song.flac").stat().st_size == len(content)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"fLaC", b"fLaC\x00\x00"])
def test_what_is_no_flac_file_is_left_alone(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "song.flac").write_bytes(content)
    with pytest.raises(ValueError, match="no FLAC"):
        end_with_last_frame(tmp_path / "song.flac")
    assert (tmp_path / "song.flac").read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit to the size of files")
def test_a_file_whose_end_has_no_room_is_an_error(tmp_path: Path) -> None:
    import resource

    writer = AudioWriter(tmp_path / "song.flac", 44_100, 2, Coding.named("flac"))
    writer.write(np.full((2, 1000), 0.5, np.float32))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (writer.path.stat().st_size, hard))
    try:
        with pytest.raises(VQSSError, match="full"):
            writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
