"""A song that ends before its header says is told from one that is whole, in every format that can say so."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
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


UNCLOSED = [(8, 0), (0, 0), (36, 0), (0xFFFFFFFF, 0)]


@pytest.mark.parametrize("sizes", UNCLOSED)
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_sound_that_a_killed_recorder_did_not_count_is_separated_with_a_remark(
    subtype: str, sizes: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, cut = (song(tmp_path / name, "WAV", subtype) for name in ("whole.wav", "cut.wav"))
    write_sizes(cut, *sizes)
    with AudioReader(whole) as reader, AudioReader(cut) as other:
        assert reader.frames == other.frames == 3 * RATE and other.skip(RATE) == RATE == reader.skip(RATE)
        assert all(np.array_equal(a, b) for a, b in zip(reader.blocks(10_000), other.blocks(10_000), strict=True))
    assert main(["separate", str(cut), "-o", str(tmp_path / "out")]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vqss: 'cut.wav' has no length in its header and may be cut off after 3.00 s; ")


def test_a_recording_whose_program_was_killed_is_read(tmp_path: Path) -> None:
    path = tmp_path / "take.wav"
    done = subprocess.run([sys.executable, "-c", RECORDER, path], timeout=60)
    assert done.returncode == -signal.SIGKILL
    with AudioReader(path) as reader:
        assert frames_read(reader) == RATE and len(reader.remarks) == 1


RECORDER = f"""
import os, signal, sys, wave
with open(sys.argv[1], "wb", buffering=0) as file, wave.open(file) as take:
    take.setparams((1, 2, {RATE}, 0, "NONE", ""))
    take.writeframesraw(b"")     # writes the header
    take.writeframesraw(bytes(range(1, 201)) * {RATE // 100})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_header_in_the_other_order_of_bytes_may_lack_its_length_too(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, np.zeros((RATE, 2)), RATE, endian="BIG")
    write_sizes(path, 36, 0, order=">I")
    with AudioReader(path) as reader:
        assert frames_read(reader) == RATE and len(reader.remarks) == 1


@pytest.mark.parametrize("order", ["little", "big"])
def test_a_song_without_samples_holds_no_audio_whatever_comes_after_it(order: str, tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    with soundfile.SoundFile(path, "w", RATE, 2, endian=order.upper()) as file:
        file.title = "nothing"
    write_sizes(path, path.stat().st_size - 8, 0, order="<I" if order == "little" else ">I")
    assert b"LIST" in path.read_bytes()
    with AudioReader(path) as reader, pytest.raises(VQSSError, match="holds no audio"):
        frames_read(reader)
