"""The memory between a device and the engine: input, output, song and recorder rings, and what both sides count.

Threads: the device's callback calls `exchange`; the worker reads `incoming` and writes `outgoing`; the song's reader
writes `song`; the recorder reads `recorded`. The callback never waits, but for a device that is not in real time
(JACK freewheeling, a clock that runs free): there `exchange` waits until the others have done their part.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bridge import exchange_kernel as kernel
from bridge.ring import Ring
from vqss_engine.config import ModelConfig
from vqss_engine.inserts import LONGEST_LATENCY

Floats = NDArray[np.float32]

_WAIT_STEP_S, _LONGEST_WAIT_S = 0.0002, 5.0
_SONG_FRAMES = 1 << 18
_RECORD_SECONDS = 4.0
LARGEST_DEVICE_BLOCK = 1 << 14


class Exchange:
    """All that one stream's callback touches. inputs: 1 or 2; outputs: 2 to 2 + 2K; rate_hz: the device's.

    clusters: K; None where every cluster has outputs. `state` and `level` are numbered in `exchange_kernel`.
    """

    def __init__(self, inputs: int, outputs: int, rate_hz: int, clusters: int | None = None) -> None:
        self.inputs, self.outputs, self.rate_hz = inputs, outputs, rate_hz
        self.incoming = Ring(inputs, _input_frames(rate_hz))
        self.outgoing = Ring(outputs, 4 * LARGEST_DEVICE_BLOCK)
        self.song = Ring(inputs, _SONG_FRAMES)
        self.recorded = Ring(outputs, 16)
        self.state = np.zeros(kernel.STATE_SIZE, np.int64)
        self.level: Floats = np.zeros(kernel.LEVELS, np.float32)
        self._last: Floats = np.zeros(outputs, np.float32)
        self._step: Floats = np.zeros(outputs, np.float32)
        self.prefill = 0
        self._ahead, self._asked, self._burst = 0.0, time.perf_counter(), 0.0
        self.level[kernel.MAIN_GAIN] = 1.0
        self.level[kernel.STEM_SHARE] = 1.0 / (clusters or max(1, outputs // 2 - 1))
        self.state[kernel.INPUT_ON] = 1

    # The callback's

    def exchange(self, given: Floats, wanted: Floats) -> None:
        """Take the device's (inputs, n), fill its (outputs, n). Silence before the stream begins and after it ends."""
        count = wanted.shape[1]
        state = self.state
        if count > state[kernel.LARGEST_BLOCK]:
            state[kernel.LARGEST_BLOCK] = count
        self._note_burst(count)
        if not state[kernel.RUNNING]:
            kernel.fade_away(wanted, state, self.level, self._last)
            return
        if state[kernel.WAITING]:
            self._await(lambda: self._song_ready(count))
        kernel.take_in(
            given, self.incoming.memory, self.incoming.positions, self.song.memory, self.song.positions, state,
            self.level,
        )  # fmt: skip
        if state[kernel.WAITING]:
            self._await(lambda: self.outgoing.readable >= count and self._record_ready(count))
        kernel.give_out(
            wanted, self.incoming.memory, self.outgoing.memory, self.outgoing.positions, self.recorded.memory,
            self.recorded.positions, state, self.level, self._last, self._step,
        )  # fmt: skip

    def _note_burst(self, count: int) -> None:
        """How far ahead of real time the device is: by a block, or by several where it asks for them at once."""
        now = time.perf_counter()
        self._ahead = max(0.0, self._ahead - (now - self._asked) * self.rate_hz) + count
        self._asked = now
        self._burst = max(self._burst, self._ahead)

    def _song_ready(self, count: int) -> bool:
        state, song = self.state, self.song
        ended = song.written >= state[kernel.SONG_END]
        return not state[kernel.SONG_ON] or song.readable >= count or ended

    def _record_ready(self, count: int) -> bool:
        return not self.state[kernel.RECORDING] or self.recorded.readable + count <= self.recorded.capacity

    def _await(self, ready: Callable[[], bool]) -> None:
        """Only where time does not matter."""
        deadline = time.monotonic() + _LONGEST_WAIT_S
        while not ready() and self.state[kernel.RUNNING] and time.monotonic() < deadline:
            time.sleep(_WAIT_STEP_S)

    # The host's

    def begin(self, prefill: int) -> None:
        """Start anew, with `prefill` frames of silence ahead; the callback sees it complete. Counters stay.

        The device's input fades in; a song does where the level of it that its player has set says so.
        """
        state = self.state
        self.prefill = prefill
        self.incoming.reset()
        self.outgoing.reset(prefill)
        state[kernel.VALID_FROM] = state[kernel.FADE_LEFT] = state[kernel.WAS_DRY] = 0
        self._last[...] = 0.0
        self._step[...] = 0.0
        self.level[kernel.DRY_GAIN] = self.level[kernel.MAIN_GAIN]
        self.level[kernel.INPUT_LEVEL] = 0.0        # what comes in is in the midst of something
        state[kernel.RUNNING] = 1

    def hold(self) -> None:
        """Fade to silence from the next callback on."""
        self.state[kernel.RUNNING] = 0

    @property
    def faded(self) -> bool:
        """Whether nothing is heard any more, after `hold`."""
        return not self.level[kernel.REMAINDER]

    def take_burst(self) -> float:
        """The most frames that the device was ahead of real time by since the last call."""
        burst, self._burst = self._burst, 0.0
        return burst

    def start_recording(self) -> None:
        """Keep what is heard in `recorded`; before the stream begins."""
        self.recorded = Ring(self.outputs, math.ceil(_RECORD_SECONDS * self.rate_hz))
        self.state[kernel.RECORDING] = 1

    def count(self, what: int) -> int:
        """One of the counters numbered in `exchange_kernel`."""
        return int(self.state[what])

    def note_xrun(self) -> None:
        """The device reports a gap; the callback's."""
        self.state[kernel.XRUNS] += 1

    @property
    def running(self) -> bool:
        """Whether the stream is begun."""
        return bool(self.state[kernel.RUNNING])

    @property
    def waiting(self) -> bool:
        """Whether the callback waits for the others, because the device is not in real time."""
        return bool(self.state[kernel.WAITING])

    @waiting.setter
    def waiting(self, value: bool) -> None:
        self.state[kernel.WAITING] = int(value)


def _input_frames(rate_hz: int) -> int:
    """How long the input must be kept, so that it can be heard as late as separated sound is at the most.

    That is the latency of effects on a cluster and on the main output, in samples of the engine, which may have the
    model's rate; and what blocks, windows and conversion take.
    """
    stretch = max(1.0, rate_hz / ModelConfig.sample_rate)
    return math.ceil(2 * LONGEST_LATENCY * stretch) + 4 * LARGEST_DEVICE_BLOCK


def prefill_frames(device_block: int, chunk: int, steady: bool = True) -> int:
    """Frames of silence to begin with, so that the worker has the longer of a block and a chunk to compute in.

    device_block: frames of a callback, always as many if `steady`; chunk: frames the worker takes at a time. A chunk
    is complete at the end of some block; at worst chunk - gcd frames of the last one still wait for the rest.
    """
    blocks = math.ceil(chunk / device_block)
    return max(1, blocks) * device_block + chunk - (math.gcd(device_block, chunk) if steady else 1)


