"""Seeking while a song plays: it fades out, goes on elsewhere and fades in, and is whole from there on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge import exchange_kernel as kernel
from bridge.exchange import Exchange
from bridge.live_source import SongPlayer
from tests.live_runs import RATE, song_file
from tests.streams import largest_step

BLOCK = 512
LEVEL = 0.5


class Run:
    """A player whose song, LEVEL all along, is taken block by block, in real time or nearly so."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.exchange, self.player = Exchange(2, 2, RATE), SongPlayer(pytest.fail, lambda: None)
        self.path = song_file(folder, np.full((2, round(seconds * RATE)), LEVEL, np.float32))
        self.player.choose(self.path)
        self.player.play(True)
        self.player.attach(self.exchange)
        self.exchange.begin(BLOCK)

    def taken(self, seconds: float) -> np.ndarray:
        """What comes into the engine meanwhile."""
        given, wanted, block = (np.zeros((2, BLOCK), np.float32) for _ in range(3))
        parts = []
        for _ in range(round(seconds * RATE / BLOCK)):
            self.exchange.exchange(given, wanted)
            assert self.exchange.incoming.read(block)
            parts.append(block.copy())
            time.sleep(0.5 * BLOCK / RATE)
        return np.concatenate(parts, axis=1)

    def fill_ring(self) -> None:
        """Let the player read ahead as far as there is room."""
        deadline, song = time.monotonic() + 20.0, self.exchange.song
        while song.readable + 4096 <= song.capacity and time.monotonic() < deadline:
            time.sleep(0.01)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path, 8.0)
    yield run
    run.exchange.hold()
    run.player.close()


MOVES: dict[str, Callable[[Run], None]] = {
    "seek": lambda run: run.player.seek(2.0),
    "loop": lambda run: run.player.loop((0.2, 4.0)),
    "song": lambda run: run.player.choose(run.path),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_song_that_is_sought_in_while_it_plays_fades_out_and_in(run: Run, move: Callable[[Run], None]) -> None:
    run.fill_ring()
    run.taken(0.1)
    run.fill_ring()
    move(run)
    sound = run.taken(1.0)
    assert largest_step(sound) < 1.01 * LEVEL / kernel.FADE_FRAMES
    assert run.exchange.count(kernel.STARVED) == 0
    assert (sound[0] == 0.0).any() and sound[0, -1] == LEVEL     # it went, and came back


def test_of_seeks_that_wait_the_last_counts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.taken(0.1)
    sought: list[float] = []
    read_from = run.player._read_from
    monkeypatch.setattr(run.player, "_read_from", lambda second: (sought.append(second), read_from(second)))
    for second in (1.0, 2.0, 3.0, 4.0, 5.0):
        run.player.seek(second)
    run.taken(0.5)
    assert sought[-1] == 5.0 and len(sought) <= 2
    assert 5.0 < run.player.position_s < 5.5


def test_the_joins_of_a_loop_are_forgotten_once_heard(run: Run) -> None:
    run.player.loop((0.0, 0.1))
    run.taken(1.0)
    stream = run.player._stream
    assert stream is not None and stream.jumps[0][0] > 0
    assert 0.0 <= run.player.position_s < 0.1
