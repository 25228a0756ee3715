"""A song on disk as a stream of blocks at the device's rate, with seeking and loops that join without a gap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.audio_files import AudioReader
from bridge.resample import StreamingResampler
from vqss_engine.errors import VQSSError

Block = NDArray[np.float32]
Loop = tuple[float, float]

SHORTEST_LOOP_S = 0.01
LONGEST_KEPT_S = 60.0
"""A loop up to this long is kept once it was read: to decode a song up to it takes longer than a short loop lasts."""

_READ_FRAMES = 4096


class SongStream:
    """`next` gives one block after the other, (channels, n) at `rate_hz`, from `start_s` seconds on.

    Raises VQSSError where the file cannot be read at all; one that is damaged ends there, and `damage` tells of it in
    words. `jumps` are (frame of this stream, second of the song): what is heard from that frame on; a new tuple at
    each, so that any thread may ask for the `second`.
    """

    def __init__(self, path: Path, channels: int, rate_hz: int, start_s: float = 0.0) -> None:
        self._path, self._channels, self._rate_hz = path, channels, rate_hz
        self._reader = AudioReader(path)
        self._hz = self._reader.sample_rate
        self._resampler = StreamingResampler(channels, self._hz, rate_hz)
        self._given = 0
        self._ended = False
        self.damage = ""
        self._kept: list[Block] = []
        self.jumps: tuple[tuple[int, float], ...] = ()
        self._jump(start_s)

    def _jump(self, start_s: float) -> None:
        """Go on at `start_s`; where a format has no exact way there, by decoding all that is before."""
        self._reader.close()
        self._reader = AudioReader(self._path)
        start = round(start_s * self._hz)
        self._at, self._waiting = self._reader.skip(start), np.zeros((self._reader.channels, 0), np.float32)
        self._blocks: Iterator[Block] = self._reader.blocks(_READ_FRAMES)
        while self._at < start and self._more():
            step = min(self._waiting.shape[1], start - self._at)
            self._waiting = self._waiting[:, step:]
            self._at += step
        self._kept, self._kept_from, self._kept_to = [], self._at, self._at
        self._note_jump()

    def _note_jump(self) -> None:
        self.jumps = (*self.jumps, (round(self._given * self._rate_hz / self._hz), self._at / self._hz))

    def _turn(self, start_s: float) -> None:
        """Go on at the start of the loop, from memory where all of it was kept when it was read."""
        if (self._kept_from, self._kept_to) != (round(start_s * self._hz), self._at):
            self._jump(start_s)
            return
        self._waiting = np.concatenate([*self._kept, self._waiting], axis=1)
        self._at = self._kept_from
        self._note_jump()

    def _keep(self, block: Block) -> None:
        """Remember what is given out for the first time since the jump."""
        if self._at == self._kept_to and self._kept_to - self._kept_from < LONGEST_KEPT_S * self._hz:
            self._kept.append(block)
            self._kept_to += block.shape[1]

    def second(self, frame: int) -> float:
        """The second of the song that this frame of the stream is from."""
        jumps = self.jumps
        at, second = next((jump for jump in reversed(jumps) if jump[0] <= frame), jumps[0])
        return second + max(0, frame - at) / self._rate_hz

    def forget(self, frame: int) -> None:
        """Drop the jumps before the one that this frame is heard from; earlier ones are not asked for any more."""
        passed = sum(at <= frame for at, _ in self.jumps)
        self.jumps = self.jumps[max(0, passed - 1) :]

    def _more(self) -> bool:
        """Whether something is left of the song, which then waits."""
        if not self._waiting.shape[1]:
            try:
                block = next(self._blocks, None)
            except VQSSError as error:
                self.damage, block = str(error), None
            if block is None:
                return False
            self._waiting = block
        return True

    def next(self, loop: Loop = (0.0, 0.0)) -> Block | None:
        """The next block, which may be empty; None after the end. `loop`: seconds, off where it is too short."""
        if self._ended:
            return None
        start_s, end_s = loop
        end = round(end_s * self._hz) if end_s - start_s >= SHORTEST_LOOP_S else None
        if end is not None and self._at == end:
            self._turn(start_s)
        if not self._more():
            if end is not None and self._at < end and self._at / self._hz - start_s >= SHORTEST_LOOP_S:
                self._turn(start_s)
                return np.zeros((self._channels, 0), np.float32)
            self._ended = True
            return self._resampler.flush()
        limit = _READ_FRAMES if end is None or self._at > end else min(end - self._at, _READ_FRAMES)
        block, self._waiting = self._waiting[:, :limit], self._waiting[:, limit:]
        if end is not None:
            self._keep(block)
        self._at += block.shape[1]
        self._given += block.shape[1]
        return self._resampler.process(self._laid_out(block))

    def _laid_out(self, block: Block) -> Block:
        """With the channels the engine has."""
        if block.shape[0] == self._channels:
            return block
        if self._channels == 1:
            return block.mean(axis=0, keepdims=True, dtype=np.float32)
        return np.repeat(block, self._channels, axis=0)

    def close(self) -> None:
        self._reader.close()


def check_song(path: Path) -> None:
    """Raise VQSSError where this cannot be played."""
    AudioReader(path).close()


def song_seconds(path: Path) -> float:
    """How long this plays, up to where it is damaged; not what its header claims. Raises VQSSError as `check_song`."""
    frames = 0
    with AudioReader(path) as reader:
        try:
            for block in reader.blocks(_READ_FRAMES):
                frames += block.shape[1]
        except VQSSError:  # told when it is heard
            pass
        return frames / reader.sample_rate
