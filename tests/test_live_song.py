"""A song played into the engine: its loops join, it can be sought in, and it ends."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge import exchange_kernel as kernel
from bridge.exchange import Exchange
from bridge.live_source import SongPlayer
from bridge.song_stream import SongStream
from bridge.transport import Transport
from tests.live_runs import RATE, aligned, latency_frames, play, playing, ramp, song_file
from vqss_engine.control import ControlSurface
from vqss_engine.errors import VQSSError


def taken(stream: SongStream, frames: int, loop: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """The next frames, fewer at the end."""
    parts, have = [], 0
    while have < frames and (block := stream.next(loop)) is not None:
        parts.append(block)
        have += block.shape[1]
    return np.concatenate(parts, axis=1)[:, :frames]


def test_a_song_comes_whole_and_from_where_it_is_asked(tmp_path: Path) -> None:
    signal = ramp(3 * RATE)
    path = song_file(tmp_path, signal)
    assert np.array_equal(taken(SongStream(path, 2, RATE), 10 * RATE), signal)
    assert np.array_equal(taken(SongStream(path, 2, RATE, 1.25), 10 * RATE), signal[:, round(1.25 * RATE) :])


def test_a_loop_joins_without_a_gap(tmp_path: Path) -> None:
    signal = ramp(3 * RATE)
    stream = SongStream(song_file(tmp_path, signal), 2, RATE)
    start, end = round(0.5 * RATE), round(1.1 * RATE)
    wanted = np.concatenate([signal[:, :end], signal[:, start:end], signal[:, start:end]], axis=1)
    assert np.array_equal(taken(stream, wanted.shape[1], (0.5, 1.1)), wanted)
    joins = ((end, pytest.approx(0.5)), (2 * end - start, pytest.approx(0.5)))
    assert stream.jumps == ((0, 0.0), *joins)
    assert [stream.second(frame) * RATE for frame in (0, end - 1, end, end + 9)] == pytest.approx(
        [0, end - 1, start, start + 9]
    )
    for frame, left in ((end - 1, 3), (end, 2), (2 * end - start + 9, 1)):
        stream.forget(frame)
        assert stream.jumps == ((0, 0.0), *joins)[-left:]


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3"])
def test_a_song_goes_on_anywhere_as_if_it_had_been_played_until_there(tmp_path: Path, suffix: str) -> None:
    signal = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 2 * RATE)).astype(np.float32)
    path = tmp_path / f"song.{suffix}"
    soundfile.write(path, signal.T, RATE)
    whole = taken(SongStream(path, 2, RATE), 9 * RATE)
    for second in (0.0, 0.1, 1.0, 1.99, 2.0, 3.0):
        rest = whole[:, round(second * RATE) :]
        assert np.array_equal(taken(SongStream(path, 2, RATE, second), 9 * RATE), rest)


@pytest.mark.parametrize(("loop", "from_disk"), [((0.5, 1.1), False), ((2.5, 9.0), False), ((0.5, 2.9), True)])
def test_a_short_loop_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: tuple[float, float], from_disk: bool
) -> None:
    monkeypatch.setattr("bridge.song_stream.LONGEST_KEPT_S", 2.0)
    signal = ramp(3 * RATE)
    path = song_file(tmp_path, signal)
    stream = SongStream(path, 2, RATE, loop[0])
    turn = signal[:, round(loop[0] * RATE) : round(loop[1] * RATE)]
    heard = np.zeros((2, 0), np.float32)

    def hear(frames: int) -> None:
        nonlocal heard
        while heard.shape[1] < frames:
            block = stream.next(loop)
            assert block is not None
            heard = np.concatenate([heard, block], axis=1)

    hear(turn.shape[1] - 4096)
    path.rename(tmp_path / "elsewhere.wav")     # to decode it again is an error
    with pytest.raises(VQSSError) if from_disk else nullcontext():
        hear(3 * turn.shape[1])
    assert np.array_equal(heard, np.tile(turn, (1, 4))[:, : heard.shape[1]])


def test_a_loop_of_nothing_is_none(tmp_path: Path) -> None:
    signal = ramp(RATE)
    assert np.array_equal(taken(SongStream(song_file(tmp_path, signal), 2, RATE), 2 * RATE, (0.0, 1e-5)), signal)


def test_a_loop_beyond_the_end_comes_round_at_the_end(tmp_path: Path) -> None:
    signal = ramp(RATE)
    stream = SongStream(song_file(tmp_path, signal), 2, RATE)
    wanted = np.concatenate([signal, signal[:, RATE // 2 :]], axis=1)
    assert np.array_equal(taken(stream, wanted.shape[1], (0.5, 30.0)), wanted)


def test_a_loop_of_nothing_at_the_end_lets_the_song_end(tmp_path: Path) -> None:
    signal = ramp(RATE)
    stream = SongStream(song_file(tmp_path, signal), 2, RATE)
    assert np.array_equal(taken(stream, 2 * RATE, ((RATE - 4) / RATE, 10.0)), signal)


def test_a_song_of_another_rate_is_as_long(tmp_path: Path) -> None:
    stream = SongStream(song_file(tmp_path, ramp(22050), 22050), 1, 48_000)
    assert abs(taken(stream, 10**6).shape[1] - 48_000) <= 1


def test_a_song_that_ends_is_followed_by_silence(song: np.ndarray, tmp_path: Path) -> None:
    part = song[:, : RATE // 2] * np.float32(0.5)
    report, (out,), _ = play(song_file(tmp_path, part), tmp_path, 1.5)
    end = latency_frames(report) + part.shape[1]
    assert np.abs(aligned(out, latency_frames(report), part.shape[1]) - part).max() < 1e-5
    assert np.abs(out[:, end + 2048 :]).max() < 1e-6
    assert report["starved_frames"] == 0


def test_the_player_tells_the_end_and_can_play_again(tmp_path: Path) -> None:
    signal, ended = ramp(RATE // 4), threading.Event()
    exchange, player = Exchange(2, 2, RATE), SongPlayer(pytest.fail, ended.set)
    player.choose(song_file(tmp_path, signal))
    player.play(True)
    player.attach(exchange)
    exchange.begin(256)
    assert np.array_equal(playing(exchange, ended.is_set)[:, : signal.shape[1]], signal)
    assert player.position_s == 0.0
    player.seek(0.1)
    player.play(True)
    heard = playing(exchange, lambda: player.position_s > 0.2)
    assert set(np.unique(signal[0, 5000:8000])) <= set(heard[0])
    player.close()


def test_a_song_is_sought_in_twice_at_the_same_place(tmp_path: Path) -> None:
    surface = ControlSurface(4)
    exchange, transport = Exchange(2, 2, RATE), Transport(surface, tmp_path)
    transport.begin(song_file(tmp_path, ramp(4 * RATE)))
    transport.player.attach(exchange)
    exchange.begin(256)
    for _ in range(3):
        playing(exchange, lambda: transport.player.position_s > 1.0)
        surface.set("/vqss/transport/position", 0.5)
        playing(exchange, lambda: 0.5 <= transport.player.position_s < 0.9)
    exchange.hold()
    transport.close()


def test_a_run_that_is_not_in_real_time_does_not_wait_for_a_song_without_sound(tmp_path: Path) -> None:
    began = time.monotonic()
    report, (out,), _ = play(song_file(tmp_path, np.zeros((2, 0), np.float32)), tmp_path, 1.0)
    assert report["hops"] > 0 and not out.any() and time.monotonic() - began < 30.0     # it stood still 5 s a block


@pytest.mark.parametrize("frames", [64, 256, 441, 4096])
def test_a_song_begins_with_a_turn_of_the_masks(frames: int) -> None:
    """However long the blocks are, wherever the stream stands, and whenever it is asked to play."""
    turn, turn_from, given = 512, 300, np.zeros((2, frames), np.float32)
    for wait in range(1, 9):
        exchange = Exchange(2, 2, RATE)
        exchange.state[kernel.TURN], exchange.state[kernel.TURN_FROM] = turn, turn_from
        assert exchange.song.write(np.ones((2, 20 * frames), np.float32))
        exchange.begin(frames)
        for number in range(wait + 1024 // frames + 1):
            exchange.state[kernel.SONG_ON] = int(number >= wait)
            exchange.exchange(given, np.zeros_like(given))
        came = np.flatnonzero(exchange.incoming.memory[0, : exchange.incoming.written])
        assert (came[0] - turn_from) % turn == 0
        assert wait * frames <= came[0] < wait * frames + turn
        assert len(came) == exchange.song.read_position
