"""Songs that cannot be read, or only in part: what can be is heard, the rest is told, and the next one plays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge import exchange_kernel as kernel
from bridge.cli import main
from bridge.clock_device import ClockDevice
from bridge.exchange import Exchange
from bridge.live_source import SongPlayer
from bridge.song_stream import SongStream
from bridge.transport import Transport
from tests.live_runs import RATE, heard, playing, ramp, song_file
from tests.osc_peers import wait_until
from tests.streams import small_bundle
from vqss_engine.control import ControlSurface
from vqss_engine.errors import VQSSError

SECONDS = 1.0


@pytest.mark.parametrize("name", ["headless.raw", "empty.wav"])
def test_after_a_song_that_cannot_be_read_the_next_one_plays(tmp_path: Path, name: str) -> None:
    reports: list[str] = []
    exchange, player = Exchange(2, 2, RATE), SongPlayer(reports.append, lambda: None)
    bad, good = tmp_path / name, song_file(tmp_path, ramp(RATE // 4))
    if name == "empty.wav":
        soundfile.write(bad, np.zeros((0, 2)), RATE)
    else:
        bad.write_bytes(b"no header")
    player.choose(bad)
    player.play(True)
    player.attach(exchange)
    exchange.begin(256)
    wait_until(lambda: reports and not exchange.state[kernel.SONG_ON])
    player.choose(good)
    player.play(True)
    heard = playing(exchange, lambda: player.position_s > 0.2)
    assert heard[0].max() > 0
    exchange.hold()
    player.close()


def cut(path: Path, seconds: float) -> None:
    """Leave so much sound of a song whose header tells of more."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - round((SECONDS - seconds) * RATE) * 8)


def without_a_number(path: Path, seconds: float) -> None:
    """Put a sample that is none there."""
    sound = heard(path)
    sound[:, round(seconds * RATE)] = np.nan
    song_file(path.parent, sound)


@pytest.mark.parametrize(("damage", "frames"), [(cut, RATE // 2), (without_a_number, RATE // 2 // 4096 * 4096)])
def test_a_damaged_song_is_heard_up_to_there_and_then_ends(
    tmp_path: Path, damage: Callable[[Path, float], None], frames: int
) -> None:
    """A block of the reader with a sample that is no number is none."""
    surface, path = ControlSurface(4), song_file(tmp_path, ramp(round(SECONDS * RATE)))
    damage(path, 0.5)
    exchange, device = Exchange(2, 2, RATE), ClockDevice(RATE, 256)
    transport = Transport(surface, tmp_path)
    transport.begin(path)
    transport.player.attach(exchange)
    exchange.begin(256)
    device.start(exchange)
    for _ in range(2):
        positions = []
        while surface.get("/vqss/transport/play"):
            positions.append(transport.player.position_s)
            time.sleep(0.005)
        assert 0.3 < max(positions) <= frames / RATE
        assert round(float(exchange.incoming.memory.max()) * 2**20) == frames - 1
        wait_until(lambda: transport.player.position_s == 0.0 and not exchange.state[kernel.SONG_ON])
        surface.set("/vqss/transport/play", 1)
    assert surface.telemetry.snapshot().error_count == 1
    device.close()
    exchange.hold()
    transport.close()


@pytest.mark.parametrize(("seconds", "code"), [(0.5, 1), (None, 0)], ids=["cut", "whole"])
def test_a_mixdown_of_a_damaged_song_is_a_failure(tmp_path: Path, seconds: float | None, code: int) -> None:
    small_bundle().save(tmp_path / "small")
    path = song_file(tmp_path, ramp(round(SECONDS * RATE)))
    if seconds:
        cut(path, seconds)
    assert main(["live", "--input=none", "--output=none", "--freewheel", "--osc=none", f"--seconds={SECONDS + 1}",
                 f"--source={path}", f"--model={tmp_path / 'small'}"]) == code  # fmt: skip


def test_play_tries_again_what_could_not_be_read(tmp_path: Path) -> None:
    reports, ended = list[str](), threading.Event()
    exchange, player = Exchange(2, 2, RATE), SongPlayer(reports.append, ended.set)
    path = song_file(tmp_path, ramp(RATE // 4))
    path.rename(tmp_path / "away.wav")
    player.choose(path)
    player.play(True)
    player.attach(exchange)
    exchange.begin(256)
    assert ended.wait(10.0) and len(reports) == 1 and not exchange.state[kernel.SONG_ON]
    (tmp_path / "away.wav").rename(path)
    player.play(True)
    assert playing(exchange, lambda: player.position_s > 0.2)[0].max() > 0
    exchange.hold()
    player.close()


def test_what_cannot_be_read_is_silence_and_not_the_input(tmp_path: Path) -> None:
    reports: list[str] = []
    exchange, player = Exchange(2, 2, RATE), SongPlayer(reports.append, lambda: None)
    player.attach(exchange)
    exchange.begin(256)
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    player.choose(bad)
    wait_until(lambda: reports)
    wait_until(lambda: not exchange.state[kernel.INPUT_ON])
    exchange.hold()
    player.close()


def test_a_song_that_has_gone_when_it_ends_is_told_to_have_ended(tmp_path: Path) -> None:
    ended, reports = threading.Event(), list[str]()
    exchange, player = Exchange(2, 2, RATE), SongPlayer(reports.append, ended.set)
    path = song_file(tmp_path, ramp(RATE // 4))
    player.choose(path)
    player.play(True)
    player.attach(exchange)
    exchange.begin(256)
    path.unlink()
    playing(exchange, ended.is_set)
    wait_until(lambda: reports)
    assert not exchange.state[kernel.SONG_ON]
    exchange.hold()
    player.close()


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    with pytest.raises(VQSSError, match="cannot read"):
        SongStream(bad, 2, RATE)
