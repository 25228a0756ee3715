"""What happens in an audio callback, compiled: input and song into a ring, output out of another, the dry mix between.

Nothing here allocates, locks or waits. Arrays are (C, n), of any layout, so that interleaved device buffers are given
transposed. The interpreter is held meanwhile: letting it go for some µs would mean to wait for whoever takes it.
`state` are integers that each have one writer, `level` floats; both are numbered below.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.ring import READ, SPACING, WRITTEN, copy_in, load_acquire, store_release
from vqss_engine.compiled import njit

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

# Written by the callback
(CALLBACKS, LARGEST_BLOCK, DRY_FRAMES, DRY_TIMES, XRUNS, STARVED, RECORD_DROPPED, GAP, FADE_LEFT, WAS_DRY) = (
    SPACING * slot for slot in range(10)
)
# Written by the worker
DELAY, VALID_FROM, CLIP, TURN, TURN_FROM = (SPACING * slot for slot in range(10, 15))
# Written by the host, the song's reader and the recorder
RUNNING, INPUT_ON, SONG_ON, SONG_END, SONG_DISCARD, RECORDING, WAITING = (SPACING * slot for slot in range(15, 22))
STATE_SIZE = SPACING * 22

# Where the fades between input and song stand, the callback's; what the dry mix is to be multiplied by in the main
# pair and in the others, the worker's; what is left of the last sample after the end, and what the dry mix is
# multiplied by in the main pair while that moves, the callback's.
INPUT_LEVEL, SONG_LEVEL, MAIN_GAIN, STEM_SHARE, REMAINDER, DRY_GAIN = range(6)
LEVELS = 6

FADE_FRAMES = 512
CATCH_UP = 64   # blocks of silence that the recorder is given at a time, at most, for those it was too slow for

_ANY, _MEMORY, _INTEGERS, _FLOATS = "float32[:, :]", "float32[:, ::1]", "int64[::1]", "float32[::1]"


@njit("float32(float32, float32)", cache=True)
def _towards(level: float, target: np.float32) -> np.float32:
    """One frame of a linear fade."""
    step = np.float32(1.0 / FADE_FRAMES)
    if target > level:
        return min(np.float32(target), np.float32(level + step))
    return max(np.float32(target), np.float32(level - step))


@njit(f"void({_ANY}, {_MEMORY}, {_INTEGERS}, {_MEMORY}, {_INTEGERS}, {_INTEGERS}, {_FLOATS})", cache=True)
def take_in(
    given: Floats, memory: Floats, positions: Integers, song: Floats, song_positions: Integers, state: Integers,
    level: Floats,
) -> None:  # fmt: skip
    """One block (C, n) of the device, or the song in its place, into the input ring; what is unread may be lost.

    A device with fewer channels than the ring gives its last one to the rest of them. A song begins where a turn of
    the masks does, every TURN frames from TURN_FROM on, as it does in a file.
    """
    channels, count, last = memory.shape[0], given.shape[1], given.shape[0] - 1
    written, at = positions[WRITTEN], song_positions[READ]
    discard = load_acquire(state, SONG_DISCARD)
    if discard > at:
        at = discard
    ready = load_acquire(song_positions, WRITTEN) - at
    mask, song_mask = memory.shape[1] - 1, song.shape[1] - 1
    input_on, song_on = np.float32(state[INPUT_ON]), np.float32(state[SONG_ON])
    input_level, song_level, used = level[INPUT_LEVEL], level[SONG_LEVEL], 0
    turn, since = max(1, state[TURN]), written - load_acquire(state, TURN_FROM)
    for i in range(count):
        input_level = _towards(input_level, input_on)
        if song_level > 0.0 or (since + i) % turn == 0:
            song_level = _towards(song_level, song_on)
        playing = song_level > 0.0 and used < ready
        for channel in range(channels):
            value = given[min(channel, last), i] * input_level if input_level > 0.0 else np.float32(0.0)
            if playing:
                value += song[channel, (at + used) & song_mask] * song_level
            memory[channel, (written + i) & mask] = value
        if playing:
            used += 1
        elif song_level > 0.0 and at + used < state[SONG_END]:
            state[STARVED] += 1
    level[INPUT_LEVEL], level[SONG_LEVEL] = input_level, song_level
    store_release(song_positions, READ, at + used)
    store_release(positions, WRITTEN, written + count)


@njit(f"void({_MEMORY}, {_INTEGERS}, {_ANY}, {_INTEGERS})", cache=True)
def _record(memory: Floats, positions: Integers, out: Floats, state: Integers) -> None:
    """Hand what is heard to the recorder; where it is too slow, silence of the same length follows later."""
    count, written = out.shape[1], positions[WRITTEN]
    room = memory.shape[1] - (written - load_acquire(positions, READ))
    silence = min(state[GAP], room, CATCH_UP * count)
    for i in range(silence):
        for channel in range(memory.shape[0]):
            memory[channel, (written + i) & (memory.shape[1] - 1)] = np.float32(0.0)
    state[GAP] -= silence
    written += silence
    if state[GAP] > 0 or silence + count > room:
        state[GAP] += count
        state[RECORD_DROPPED] += count
    else:
        copy_in(memory, written, out)
        written += count
    store_release(positions, WRITTEN, written)


@njit("float32(float32[:, ::1], int64, int64, int64, int64[::1], float32[::1])", cache=True)
def _dry(memory: Floats, position: int, channel: int, outputs: int, state: Integers, level: Floats) -> np.float32:
    """The input of output frame `position`, as much later as separated sound is, for one output channel."""
    at = position - state[DELAY]
    if at < 0:
        return np.float32(0.0)
    value = memory[min(channel % 2, memory.shape[0] - 1), at & (memory.shape[1] - 1)]
    if channel >= min(2, outputs):
        return value * level[STEM_SHARE]
    value *= level[DRY_GAIN]
    return min(np.float32(1.0), max(np.float32(-1.0), value)) if state[CLIP] else value


@njit(f"void(boolean, int64, {_MEMORY}, {_MEMORY}, {_INTEGERS}, {_FLOATS}, {_FLOATS}, {_FLOATS})", cache=True)
def _take_over(
    lacking: bool, position: int, dry: Floats, memory: Floats, state: Integers, level: Floats, last: Floats,
    step: Floats,
) -> None:  # fmt: skip
    """From `position` on the input is heard (`lacking`), or no more: begin to fade out what parts it from the other.

    That is nothing where both are the same: then not even the frames around a take-over tell of it.
    """
    outputs, left = step.size, np.float32(state[FADE_LEFT]) / np.float32(FADE_FRAMES)
    for channel in range(outputs):
        if lacking:     # the separated sound of this frame is not known: they are as far apart as a frame ago
            step[channel] = last[channel] - _dry(dry, position - 1, channel, outputs, state, level)
        else:
            heard = _dry(dry, position, channel, outputs, state, level) + step[channel] * left
            step[channel] = heard - memory[channel, position & (memory.shape[1] - 1)]
    state[WAS_DRY], state[FADE_LEFT] = int(lacking), FADE_FRAMES
    state[DRY_TIMES] += int(lacking)


@njit(
    f"void({_ANY}, {_MEMORY}, {_MEMORY}, {_INTEGERS}, {_MEMORY}, {_INTEGERS}, {_INTEGERS}, {_FLOATS}, {_FLOATS},"
    f" {_FLOATS})",
    cache=True,
)  # fmt: skip
def give_out(
    wanted: Floats, dry: Floats, memory: Floats, positions: Integers, record: Floats, record_positions: Integers,
    state: Integers, level: Floats, last: Floats, step: Floats,
) -> None:  # fmt: skip
    """Fill (C, n) from the output ring; where that lacks frames, from `dry`, the memory of the input ring.

    Where one takes over from the other, what parts them fades out over FADE_FRAMES, so that no step is heard.
    The main fader moves as slowly over the input. `last`, `step`: the last sample played, and the step that fades, a
    float per output channel.
    """
    outputs, count = wanted.shape
    start, ready = positions[READ], load_acquire(positions, WRITTEN)
    valid, mask = load_acquire(state, VALID_FROM), memory.shape[1] - 1
    for i in range(count):
        position = start + i
        level[DRY_GAIN] = _towards(level[DRY_GAIN], level[MAIN_GAIN])
        lacking = position >= ready or position < valid
        if lacking != (state[WAS_DRY] == 1):
            _take_over(lacking, position, dry, memory, state, level, last, step)
        for channel in range(outputs):
            if lacking:
                value = _dry(dry, position, channel, outputs, state, level)
            else:
                value = memory[channel, position & mask]
            wanted[channel, i] = value
        if state[FADE_LEFT] > 0:
            part = np.float32(state[FADE_LEFT]) / np.float32(FADE_FRAMES)
            for channel in range(outputs):
                wanted[channel, i] += step[channel] * part
            state[FADE_LEFT] -= 1
        state[DRY_FRAMES] += int(lacking)
        for channel in range(outputs):
            last[channel] = wanted[channel, i]
    store_release(positions, READ, start + count)
    if state[RECORDING]:
        _record(record, record_positions, wanted, state)
    level[REMAINDER] = 1.0
    state[CALLBACKS] += 1


@njit(f"void({_ANY}, {_INTEGERS}, {_FLOATS}, {_FLOATS})", cache=True)
def fade_away(wanted: Floats, state: Integers, level: Floats, last: Floats) -> None:
    """Fill (C, n) before the stream begins and after it ends: silence, which what was played last fades to."""
    for i in range(wanted.shape[1]):
        level[REMAINDER] = _towards(level[REMAINDER], np.float32(0.0))
        for channel in range(wanted.shape[0]):
            wanted[channel, i] = last[channel] * level[REMAINDER]
    state[CALLBACKS] += 1
