"""A ring of audio for one writer and one reader, in flat numpy memory, so that compiled code can hold either end.

Positions count frames since the start and never wrap; they lie 64 bytes apart, and are read and written with
acquire and release order, so that no lock is needed and neither side ever waits. The reader may skip ahead of the
writer: what is written there later has come too late and is never read. The writer may be told to overwrite what
was not read yet; the reader then finds more readable than the ring holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from vqss_engine.compiled import njit

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]

SPACING = 8
"""Distance of two positions in an array of them: a cache line, in 64-bit integers."""

WRITTEN, READ = 0, SPACING


def _element(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return cgutils.get_item_pointer(context, builder, signature.args[0], array, [arguments[1]])


def _load_acquire(typing_context: Any, array: Any, index: Any) -> Any:
    """array[index], read before anything that follows is read."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _element(context, builder, signature, arguments)
        return builder.load_atomic(pointer, "acquire", 8)

    return types.int64(array, types.intp), generate


def _store_release(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index] = value, written after all that was written before."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _element(context, builder, signature, arguments)
        builder.store_atomic(arguments[2], pointer, "release", 8)
        return ir.Constant(ir.IntType(64), 0)

    return types.int64(array, types.intp, types.int64), generate


load_acquire: Any = intrinsic(_load_acquire)
store_release: Any = intrinsic(_store_release)

_MEMORY, _POSITIONS, _ANY = "float32[:, ::1]", "int64[::1]", "float32[:, :]"


@njit(f"void({_MEMORY}, int64, {_ANY})", nogil=True, cache=True)
def copy_in(memory: Floats, position: int, block: Floats) -> None:
    """Copy (C, n) into the ring's memory from `position` on."""
    mask = memory.shape[1] - 1
    for channel in range(memory.shape[0]):
        for i in range(block.shape[1]):
            memory[channel, (position + i) & mask] = block[channel, i]


@njit(f"void({_MEMORY}, int64, {_ANY})", nogil=True, cache=True)
def copy_out(memory: Floats, position: int, out: Floats) -> None:
    """Copy (C, n) out of the ring's memory from `position` on."""
    mask = memory.shape[1] - 1
    for channel in range(memory.shape[0]):
        for i in range(out.shape[1]):
            out[channel, i] = memory[channel, (position + i) & mask]


@njit(f"int64({_POSITIONS})", nogil=True, cache=True)
def readable(positions: Positions) -> int:
    """Frames ready to be read; negative where the reader is ahead of the writer."""
    return load_acquire(positions, WRITTEN) - load_acquire(positions, READ)


@njit(f"boolean({_MEMORY}, {_POSITIONS}, {_ANY}, boolean)", nogil=True, cache=True)
def ring_write(memory: Floats, positions: Positions, block: Floats, over: bool) -> bool:
    count, capacity = block.shape[1], memory.shape[1]
    if count > capacity or (not over and readable(positions) + count > capacity):
        return False
    written = positions[WRITTEN]
    copy_in(memory, written, block)
    store_release(positions, WRITTEN, written + count)
    return True


@njit(f"boolean({_MEMORY}, {_POSITIONS}, {_ANY})", nogil=True, cache=True)
def ring_read(memory: Floats, positions: Positions, out: Floats) -> bool:
    count = out.shape[1]
    if readable(positions) < count:
        return False
    read = positions[READ]
    copy_out(memory, read, out)
    store_release(positions, READ, read + count)
    return True


@njit(f"void({_POSITIONS}, int64, int64)", nogil=True, cache=True)
def ring_skip(positions: Positions, which: int, frames: int) -> None:
    """Move WRITTEN or READ on, without a frame being written or read; for the side it belongs to."""
    store_release(positions, which, positions[which] + frames)


class Ring:
    """A ring of at least `frames` frames (C, capacity); `memory` and `positions` are for compiled code."""

    def __init__(self, channels: int, frames: int) -> None:
        self.capacity = 1 << max(4, (frames - 1).bit_length())
        self.memory: Floats = np.zeros((channels, self.capacity), np.float32)
        self.positions: Positions = np.zeros(2 * SPACING, np.int64)

    @property
    def written(self) -> int:
        """Frames written since the start."""
        return int(self.positions[WRITTEN])

    @property
    def read_position(self) -> int:
        """Frames read or skipped since the start."""
        return int(self.positions[READ])

    @property
    def readable(self) -> int:
        """Frames ready to be read; negative where the reader has skipped ahead of the writer."""
        return int(readable(self.positions))

    def write(self, block: Floats, over: bool = False) -> bool:
        """The writer's: take all of (C, n), or nothing where it does not fit. `over` overwrites what is unread."""
        return bool(ring_write(self.memory, self.positions, block, over))

    def read(self, out: Floats) -> bool:
        """The reader's: fill all of (C, n), or nothing where there is less."""
        return bool(ring_read(self.memory, self.positions, out))

    def skip(self, frames: int) -> None:
        """The reader's: pass over frames, written or not."""
        ring_skip(self.positions, READ, frames)

    def skip_write(self, frames: int) -> None:
        """The writer's: leave out frames; who reads them finds what lay there before."""
        ring_skip(self.positions, WRITTEN, frames)

    def reset(self, written: int = 0) -> None:
        """Back to the start, with `written` frames of silence in it; only while nobody reads or writes."""
        self.memory[...] = 0.0
        self.positions[WRITTEN], self.positions[READ] = written, 0
