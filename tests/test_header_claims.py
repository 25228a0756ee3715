"""A song that ends before its header says is told from one that is whole, in every format that can say so."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.audio_files import AudioReader
from bridge.bench_signal import bench_signal
from bridge.cli import main
from vqss_engine.errors import VQSSError

RATE = 48_000
KNOWN = [
    ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16"),
    ("W64", "PCM_24"), ("AIFF", "PCM_16"), ("AIFF", "FLOAT"), ("AU", "PCM_16"), ("FLAC", "PCM_16"),
]  # fmt: skip
UNKNOWN = [("OGG", "VORBIS"), ("OGG", "OPUS")]


def song(path: Path, container: str, subtype: str, part: float = 1.0) -> Path:
    """Three seconds, of which the file holds a part; its name tells nothing."""
    soundfile.write(path, bench_signal(3.0, RATE).T, RATE, format=container, subtype=subtype)
    data = path.read_bytes()
    path.write_bytes(data[: round(part * len(data))])
    return path


def write_sizes(path: Path, file: int, sound: int, chunk: bytes = b"data", order: str = "<I") -> None:
    """Let the header of a song tell other sizes, of the file and of its sound."""
    data = bytearray(path.read_bytes())
    for place, value in ((4, file), (data.index(chunk) + 4, sound)):
        struct.pack_into(order, data, place, value)
    path.write_bytes(data)


def frames_read(reader: AudioReader) -> int:
    return sum(block.shape[1] for block in reader.blocks(10_000))


@pytest.mark.parametrize(("container", "subtype"), [*KNOWN, *UNKNOWN])
def test_a_whole_song_is_whole(container: str, subtype: str, tmp_path: Path) -> None:
    with AudioReader(song(tmp_path / "song", container, subtype)) as reader:
        reader.check_whole()
        assert reader.remarks == []
        assert frames_read(reader) == reader.frames


@pytest.mark.parametrize("part", [0.5, 0.95])
@pytest.mark.parametrize(("container", "subtype"), KNOWN)
def test_half_a_song_is_refused_with_what_it_claims(container: str, subtype: str, part: float, tmp_path: Path) -> None:
    with AudioReader(song(tmp_path / "song", container, subtype, part)) as reader:
        assert reader.frames == pytest.approx(3 * RATE, rel=0.03 if subtype == "IMA_ADPCM" else 1e-4)
        with pytest.raises(VQSSError, match=r"cut off after [012]\.\d\d s of [23]\.\d\d s"):
            frames_read(reader)


@pytest.mark.parametrize(("container", "subtype"), KNOWN[:-1])
def test_of_most_formats_that_is_known_at_once(container: str, subtype: str, tmp_path: Path) -> None:
    with AudioReader(song(tmp_path / "song", container, subtype, 0.5)) as reader:
        with pytest.raises(VQSSError, match="cut off after 1"):
            reader.check_whole()
        assert reader.skip(2 * RATE) < 2 * RATE
        with pytest.raises(VQSSError, match="cut off after 1"):
            frames_read(reader)


@pytest.mark.parametrize(("container", "subtype"), UNKNOWN)
def test_a_song_without_the_mark_of_its_end_is_separated_with_a_remark(
    container: str, subtype: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = song(tmp_path / "song.ogg", container, subtype, 0.5)
    assert main(["separate", str(path), "-o", str(tmp_path / "out")]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vqss: 'song.ogg' has no mark of its end and may be cut off after ") and "; " in line


STREAMED = [0xFFFFFFFF, 0xFFFFFFFF - 44, 0x7FFFF000, 0x7F000000]


@pytest.mark.parametrize("size", STREAMED)
@pytest.mark.parametrize(("container", "chunk", "order"), [("WAV", b"data", "<I"), ("AIFF", b"SSND", ">I")])
def test_sizes_that_stand_for_a_stream_claim_nothing(
    container: str, chunk: bytes, order: str, size: int, tmp_path: Path
) -> None:
    path = song(tmp_path / "song", container, "PCM_16")
    write_sizes(path, size, size, chunk, order)
    with AudioReader(path) as reader:
        reader.check_whole()
        assert frames_read(reader) == 3 * RATE


def test_a_header_that_counts_itself_is_no_damage(tmp_path: Path) -> None:
    path = song(tmp_path / "song", "WAV", "PCM_16")
    write_sizes(path, path.stat().st_size - 8, path.stat().st_size)
    with AudioReader(path) as reader:
        reader.check_whole()
        assert frames_read(reader) == 3 * RATE


def test_a_stream_whose_header_holds_zeros_is_read(tmp_path: Path) -> None:
    path = song(tmp_path / "song", "WAV", "PCM_16")
    write_sizes(path, 8, 0)
    with AudioReader(path) as reader:
        assert np.concatenate(list(reader.blocks(10_000)), axis=1).shape == (2, 3 * RATE)
