"""Which dimension of an array is channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.audio_limits import MOST_CHANNELS
from vqss_engine.errors import VQSSError

Block = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """How a caller's arrays lie. dimensions: 1 or 2. samples_first: (N, C) instead of (C, N)."""

    channels: int
    dimensions: int = 2
    samples_first: bool = False

    def to_block(self, audio: NDArray[Any]) -> Block:
        """`audio` as float32 (C, N); raises VQSSError where it does not lie this way."""
        if audio.ndim == self.dimensions == 1:
            return np.ascontiguousarray(audio[None], np.float32)
        block = audio.T if self.samples_first else audio
        if audio.ndim != self.dimensions or block.shape[0] != self.channels:
            raise VQSSError(
                f"audio of shape {audio.shape} within a stream of {self.channels} channel(s) as {self.words};"
                " keep to one layout, or call reset() first"
            )
        return np.ascontiguousarray(block, np.float32)

    def from_block(self, block: Block) -> Block:
        """(C, N) in the caller's layout."""
        if self.dimensions == 1:
            return block[0]
        return np.ascontiguousarray(block.T) if self.samples_first else block

    @property
    def words(self) -> str:
        """The layout for messages."""
        if self.dimensions == 1:
            return "(samples,)"
        return "(samples, channels)" if self.samples_first else "(channels, samples)"


def check_audio(audio: object) -> NDArray[Any]:
    """`audio` as an array; raises TypeError for what holds no floating point samples, as pedalboard does."""
    array = np.asarray(audio)
    if array.dtype.kind != "f":
        raise TypeError(f"audio of type {array.dtype}; give float32 samples, full scale ±1")
    return array


def detect(shape: tuple[int, ...]) -> Layout:
    """The layout of an array of this shape; raises VQSSError where it is impossible.

    (C, N), the layout of every interface here, wherever that fits; (N, C) where it does not. In a stream the first
    block sets the layout.
    """
    if len(shape) == 1:
        return Layout(1, dimensions=1)
    if len(shape) != 2:
        raise VQSSError(f"audio of shape {shape}; give (samples,) or (channels, samples)")
    rows, columns = shape
    if 1 <= rows <= MOST_CHANNELS:
        return Layout(rows)
    if 1 <= columns <= MOST_CHANNELS:
        return Layout(columns, samples_first=True)
    raise VQSSError(f"audio of shape {shape} has no side of 1 or 2 channels; mix it down to stereo")
