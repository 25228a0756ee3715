"""Plays a song into the engine in the input's place: reads ahead into the song ring, follows the transport.

Thread: `live-song` reads, decodes and converts; it may block. Commands come from any thread and are queued. The
callback only takes frames from the ring, and fades where song and input take turns.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge import exchange_kernel as kernel
from bridge.exchange import Exchange
from bridge.song_stream import Loop, SongStream
from vqss_engine.errors import VQSSError

Block = NDArray[np.float32]

ENDLESS = 1 << 62
_IDLE_S, _FILLING_S = 0.05, 0.005
_PIECE = 4096
_CALLBACK_PATIENCE_S = 0.6
"""As long as the longest block of the slowest device."""

_READ_AHEAD_S = 0.2


class SongPlayer:
    """Fills the song ring of the exchange it is attached to.

    report: told in words where a song cannot be read. on_end: called when a song was heard to its end, or to where it
    is damaged, and when one that was to play cannot be read at all.
    """

    def __init__(self, report: Callable[[str], None], on_end: Callable[[], None]) -> None:
        self._report, self._on_end = report, on_end
        self.failed = False
        """Whether a song was told to be damaged, or could not be played at all."""
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._exchange: Exchange | None = None
        self._path: Path | None = None
        self._stream: SongStream | None = None
        self._rest: Block | None = None
        self._base, self._begin_s = 0, 0.0
        self._playing, self._loop, self._ended = False, (0.0, 0.0), False
        self._told = ""
        self._last_seek = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-song", daemon=True)
        self._thread.start()

    # From any thread

    def attach(self, exchange: Exchange) -> None:
        """Play into `exchange`, which is not running yet, from where the last one was; returns when that is ready."""
        done = threading.Event()
        self._commands.put(lambda: self._attach(exchange, done))
        done.wait(10.0)

    def choose(self, path: Path | None) -> None:
        """Play this file from its start; None: the input."""
        self._commands.put(lambda: self._choose(path))

    def play(self, on: bool) -> None:
        self._commands.put(lambda: self._play(on))

    def seek(self, seconds: float) -> None:
        """Of several that wait to be carried out, the last counts."""
        self._last_seek = number = self._last_seek + 1
        self._commands.put(lambda: self._seek(seconds) if number == self._last_seek else None)

    def loop(self, loop: Loop) -> None:
        """Seconds; off where that is shorter than a loop can be. What was read ahead is read again."""
        self._commands.put(lambda: self._set_loop(loop))

    @property
    def position_s(self) -> float:
        """The second of the song that is heard next."""
        exchange, stream = self._exchange, self._stream
        if exchange is None:
            return self._begin_s
        if stream is None:  # none, or one that is being sought in
            return self._begin_s if self._path else 0.0
        return stream.second(exchange.song.read_position - self._base)

    def close(self) -> None:
        self._closing.set()
        self._thread.join(1.0)

    # On the thread

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                command = self._commands.get(timeout=_FILLING_S if self._path else _IDLE_S)
            except queue.Empty:
                command = None
            try:
                if command:
                    command()
                self._fill()
            except Exception as error:  # whatever a decoder raises, the transport must go on to listen
                foreseen = isinstance(error, VQSSError | OSError)
                self.failed = True
                self._report(str(error) if foreseen else f"the song failed ({type(error).__name__}: {error})")
                self._give_up()
        self._stop_reading()

    def _give_up(self) -> None:
        """Play nothing until it is asked for again."""
        self._stop_reading()
        if self._playing:
            self._playing = False
            self._switch()
            self._on_end()

    def _attach(self, exchange: Exchange, done: threading.Event) -> None:
        second = self.position_s
        try:
            self._exchange = exchange
            self._read_from(second)
        finally:
            self._switch()
            # A song's own start is heard whole; within it, sound fades in.
            exchange.level[kernel.SONG_LEVEL] = float(not second and exchange.state[kernel.SONG_ON])
            done.set()

    def _choose(self, path: Path | None) -> None:
        self._fade_out()
        self._path, self._told = path, ""
        self._go_to(0.0)

    def _play(self, on: bool) -> None:
        self._playing = on
        if on and self._path and self._stream is None:  # it could not be read when it was last tried
            self._seek(self._begin_s)
        self._switch()

    def _seek(self, seconds: float) -> None:
        self._fade_out()
        self._go_to(seconds)

    def _go_to(self, seconds: float) -> None:
        """What cannot be read is silence, and not what was heard before."""
        try:
            self._read_from(seconds)
        finally:
            self._switch()

    def _set_loop(self, loop: Loop) -> None:
        self._loop = loop
        if self._stream is not None:
            self._seek(self.position_s)

    def _switch(self) -> None:
        """Let the callback play the song, the input, or neither."""
        if self._exchange is not None:
            self._exchange.state[kernel.INPUT_ON] = int(self._path is None)
            self._exchange.state[kernel.SONG_ON] = int(self._path is not None and self._playing)

    def _fade_out(self) -> None:
        """Wait until the song is not heard any more."""
        exchange = self._exchange
        if exchange is None:
            return
        exchange.state[kernel.SONG_ON] = 0
        self._await(exchange, lambda: not exchange.level[kernel.SONG_LEVEL])

    def _await(self, exchange: Exchange, done: Callable[[], bool]) -> None:
        """Wait until the callback has done that; where none runs, no longer than it takes to notice."""
        deadline = time.monotonic() + _CALLBACK_PATIENCE_S
        while exchange.state[kernel.RUNNING] and not done() and time.monotonic() < deadline:
            time.sleep(0.002)

    def _read_from(self, second: float) -> None:
        """Drop what was read ahead, and read on from there until some of it is ready.

        There is room for it once the callback has passed over what was dropped.
        """
        self._begin_s = second
        self._stop_reading()
        exchange = self._exchange
        if exchange is None or self._path is None:
            return
        exchange.state[kernel.SONG_DISCARD] = self._base = exchange.song.written
        self._stream = SongStream(self._path, exchange.inputs, exchange.rate_hz, second)
        exchange.state[kernel.SONG_END] = ENDLESS
        self._ended = False
        self._await(exchange, lambda: exchange.song.read_position >= self._base)
        while not self._ended and exchange.song.written - self._base < _READ_AHEAD_S * exchange.rate_hz:
            if not self._put():
                break

    def _stop_reading(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream, self._rest = None, None
        if self._exchange is not None:
            self._exchange.state[kernel.SONG_END] = self._exchange.song.written

    def _fill(self) -> None:
        exchange = self._exchange
        if exchange is None or self._stream is None:
            return
        self._stream.forget(exchange.song.read_position - self._base)
        while not self._ended and self._put():
            if not self._commands.empty():
                return
        if self._ended and self._playing and exchange.song.readable <= 0:
            self._playing = False
            self._fade_out()  # or the start, once read, would be heard until the callback is told to stop
            try:
                self._go_to(0.0)
            finally:
                self._on_end()

    def _put(self) -> bool:
        """Write one more piece; False where the ring is full."""
        exchange, stream = self._exchange, self._stream
        assert exchange is not None and stream is not None
        if self._rest is None or not self._rest.shape[1]:
            self._rest = stream.next(self._loop)
            self._tell_damage(stream.damage)
            if self._rest is None:
                self._ended = True
                exchange.state[kernel.SONG_END] = exchange.song.written
                return True
        piece = self._rest[:, :_PIECE]
        if not exchange.song.write(piece):
            return False
        self._rest = self._rest[:, piece.shape[1] :]
        return True

    def _tell_damage(self, text: str) -> None:
        """Once for each song that is chosen: it is read again after its end, ahead of being heard."""
        if text and text != self._told:
            self._told, self.failed = text, True
            self._report(text)
