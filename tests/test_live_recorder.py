"""Recording never holds up the sound: a slow disk leaves a silence of the same length, a full one ends the file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge import exchange_kernel as kernel
from bridge.audio_files import AudioReader
from bridge.clock_device import ClockDevice
from bridge.exchange import Exchange
from bridge.hop_times import HopTimes
from bridge.live_source import SongPlayer
from bridge.live_stream import LiveStream
from bridge.output_folder import hidden_beside
from bridge.recorder import Recorder
from tests.live_runs import RATE, heard, play, song_file
from tests.osc_peers import wait_until
from tests.streams import small_engine
from vqss_engine.errors import VQSSError

BLOCK = 512


def recorded(recorder: Recorder, level: float = 0.25, rate_hz: int = RATE) -> None:
    """Let it record twenty blocks."""
    exchange = Exchange(2, 2, rate_hz)
    recorder.attach(exchange)
    exchange.begin(0)
    for _ in range(20):
        exchange.exchange(np.full((2, BLOCK), level, np.float32), np.zeros((2, BLOCK), np.float32))
    exchange.hold()


def test_what_a_slow_disk_misses_is_as_long_in_the_file() -> None:
    exchange = Exchange(2, 2, RATE)
    exchange.start_recording()          # and nobody takes what is recorded
    exchange.begin(0)
    given, wanted = np.full((2, BLOCK), 0.25, np.float32), np.zeros((2, BLOCK), np.float32)
    blocks = exchange.recorded.capacity // BLOCK + 40
    for _ in range(blocks):
        exchange.exchange(given, wanted)
    assert exchange.count(kernel.RECORD_DROPPED) == 40 * BLOCK
    taken = np.zeros((2, exchange.recorded.capacity), np.float32)
    assert exchange.recorded.read(taken)
    exchange.exchange(given, wanted)
    rest = np.zeros((2, 41 * BLOCK), np.float32)
    assert exchange.recorded.read(rest) and not exchange.recorded.readable
    assert not rest[:, : 40 * BLOCK].any() and (rest[:, 40 * BLOCK :] == 0.25).all()


def test_a_disk_that_stands_still_for_long_is_caught_up_with() -> None:
    """A gap longer than the ring that holds what is recorded: silence of the same length, then sound again."""
    exchange = Exchange(2, 2, RATE)
    exchange.start_recording()
    exchange.begin(0)
    given, wanted = np.full((2, BLOCK), 0.25, np.float32), np.zeros((2, BLOCK), np.float32)
    missed = 2 * exchange.recorded.capacity // BLOCK + 7
    for _ in range(missed):
        exchange.exchange(given, wanted)
    parts: list[np.ndarray] = []
    for _ in range(100):
        parts.append(np.zeros((2, exchange.recorded.readable), np.float32))
        assert exchange.recorded.read(parts[-1])
        exchange.exchange(given, wanted)
    parts.append(np.zeros((2, exchange.recorded.readable), np.float32))
    assert exchange.recorded.read(parts[-1])
    recorded = np.concatenate(parts, axis=1)[0]
    assert len(recorded) == (missed + 100) * BLOCK
    lost = exchange.count(kernel.RECORD_DROPPED)
    start = exchange.recorded.capacity
    assert not recorded[start : start + lost].any() and (recorded[start + lost :] == 0.25).all()


def test_a_device_that_does_not_open_leaves_no_recording(tmp_path: Path) -> None:
    exchange = Exchange(2, 2, RATE)
    recorder = Recorder(tmp_path / "take.wav", {}, pytest.fail)
    recorder.attach(exchange)
    recorder.close()
    assert not list(tmp_path.iterdir())


def test_another_rate_ends_a_recording_and_is_a_failure(tmp_path: Path) -> None:
    said: list[str] = []
    recorder = Recorder(tmp_path / "take.wav", {}, said.append)
    for rate in (RATE, 48000, RATE):
        recorded(recorder, rate_hz=rate)
    recorder.close()
    audio, rate = soundfile.read(tmp_path / "take.wav")
    assert rate == RATE and 20 * BLOCK <= len(audio) <= 21 * BLOCK
    assert recorder.failed and len(said) == 1 and "48000" in said[0]


class Refusing(ClockDevice):
    """One that is there, and does not open."""

    def start(self, exchange: Exchange) -> None:
        raise VQSSError("refused")


def test_tries_to_open_a_device_again_do_not_touch_a_recording(tmp_path: Path) -> None:
    engine = small_engine()
    engine.warm_up()
    song, recorder = SongPlayer(pytest.fail, lambda: None), Recorder(tmp_path / "take.wav", {}, pytest.fail)

    def stream(device: ClockDevice) -> LiveStream:
        return LiveStream(device, engine, HopTimes(), song, recorder)

    def play_out(running: LiveStream) -> None:
        running.start()
        wait_until(lambda: running.device.finished)
        running.close()

    for _ in range(2):
        play_out(stream(ClockDevice(RATE, BLOCK, free=True, limit=20 * BLOCK)))
        for rate_hz in (RATE, 48_000):
            with pytest.raises(VQSSError, match="refused"):
                stream(Refusing(rate_hz, BLOCK)).start()
    song.close()
    recorder.close()
    assert heard(tmp_path / "take.wav").shape[1] == 40 * BLOCK + kernel.FADE_FRAMES


def test_what_cannot_be_begun_leaves_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "take.wav", {0: "a", 1: "b"}, pytest.fail)
    blocked = hidden_beside(tmp_path / "2-take_cluster_01_b.wav")
    blocked.mkdir()
    with pytest.raises(VQSSError):
        recorder.attach(Exchange(2, 2, RATE))
    assert list(tmp_path.iterdir()) == [blocked]


def test_names_as_long_as_can_be_are_recorded_to(tmp_path: Path) -> None:
    names = {0: "a", 1: "b"}
    path = tmp_path / f"{'x' * 238}.wav"
    recorder = Recorder(path, names, pytest.fail)
    recorded(recorder)
    recorder.close()
    assert sorted(tmp_path.iterdir()) == sorted(recorder.paths)
    with pytest.raises(VQSSError, match="choose another name"):
        Recorder(path.with_stem("x" * 240), names, pytest.fail)


def test_what_appears_during_a_recording_stays(tmp_path: Path) -> None:
    said: list[str] = []
    recorder = Recorder(tmp_path / "take.wav", {0: ""}, said.append)
    recorded(recorder)
    (tmp_path / "take.wav").write_bytes(b"mine")
    recorder.close()
    assert (tmp_path / "take.wav").read_bytes() == b"mine"
    assert heard(tmp_path / "take-2.wav").shape[1] == 20 * BLOCK
    assert recorder.failed and len(said) == 1 and "take-2.wav" in said[0]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["take-2.wav", "take.wav", "take_cluster_00.wav"]


def test_two_recordings_of_one_name_are_both_kept(tmp_path: Path) -> None:
    said: list[str] = []
    code = (
        "import sys, pathlib\n"
        "from bridge.recorder import Recorder\n"
        "from tests.test_live_recorder import recorded\n"
        "recorder = Recorder(pathlib.Path(sys.argv[1]), {}, print)\n"
        "recorded(recorder, 0.5)\n"
        "input()\n"
        "recorder.close()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "take.wav")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        wait_until(lambda: list(tmp_path.iterdir()), 60.0)
        recorder = Recorder(tmp_path / "take.wav", {}, said.append)
        recorded(recorder)
        recorder.close()
        assert "take-2.wav" in other.communicate("\n", 60.0)[0]
    takes = [heard(tmp_path / name) for name in ("take.wav", "take-2.wav")]
    assert [float(take.max()) for take in takes] == [0.25, 0.5]
    assert not said and len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no folder in use")
def test_a_folder_that_is_removed_meanwhile_is_told_as_such(tmp_path: Path) -> None:
    said: list[str] = []
    recorder = Recorder(tmp_path / "takes" / "take.wav", {}, said.append)
    recorded(recorder)
    shutil.rmtree(tmp_path / "takes")
    recorder.close()
    assert recorder.failed and len(said) == 1
    assert "was removed" in said[0] and "full" not in said[0]


@pytest.fixture
def full_disk() -> Iterator[int]:
    """No file can be longer than this, bytes."""
    if sys.platform == "win32":
        pytest.skip("Windows has no limit to the size of files")
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = 1_000_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_ends_the_recording_and_not_the_sound(tmp_path: Path, full_disk: int) -> None:
    seconds, engine = 12.0, small_engine()
    engine.warm_up()
    engine.surface.set("/vqss/main/gain", -6.0)
    path = song_file(tmp_path, np.full((2, RATE), 0.25, np.float32))
    began = time.monotonic()
    report, (take,), session = play(path, tmp_path, seconds, engine=engine)
    assert session.recording_failed
    assert time.monotonic() - began < 60.0      # a run that waits for the recorder no longer does
    assert report["hops"] > seconds * RATE / engine.hop - 8
    assert "the recording ends here" in " ".join(engine.telemetry.snapshot().errors)
    assert 0 < take.shape[1] <= full_disk / 6


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_what_a_full_disk_has_room_for_can_be_separated(ending: str, tmp_path: Path, full_disk: int) -> None:
    said: list[str] = []
    recorder = Recorder(tmp_path / f"take.{ending}", {}, said.append)
    exchange = Exchange(2, 2, RATE)
    recorder.attach(exchange)
    exchange.begin(0)
    noise = 0.2 * np.random.default_rng(0).standard_normal((2, RATE)).astype(np.float32)
    for _ in range(100):
        if recorder.failed:
            break
        exchange.exchange(noise, np.zeros_like(noise))
        wait_until(lambda: recorder.failed or exchange.recorded.readable < RATE)
    exchange.hold()
    recorder.close()
    assert recorder.failed and len(said) == 1 and "full" in said[0]
    reader = AudioReader(tmp_path / f"take.{ending}")
    assert sum(block.shape[1] for block in reader.blocks(4096)) == reader.frames
    assert reader.frames is not None and reader.frames > 2 * RATE
    reader.close()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "take_cluster_02.wav").write_bytes(b"mine")
    with pytest.raises(VQSSError, match="exists"):
        Recorder(tmp_path / "take.wav", {0: "", 2: ""}, pytest.fail)
    assert (tmp_path / "take_cluster_02.wav").read_bytes() == b"mine"
