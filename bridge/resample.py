"""Sample-rate conversion at the edges, streaming and aligned to the sample (libsoxr)."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

Block = NDArray[np.float32]


class StreamingResampler:
    """Converts (C, n) blocks from `source_hz` to `target_hz`.

    libsoxr drops its own filter delay at the start and returns what is left at `flush`: output sample i lies at
    time i / target_hz of the input, and n samples in give round(n * target_hz / source_hz) out, to a sample.
    Equal rates pass blocks through untouched.
    """

    def __init__(self, channels: int, source_hz: int, target_hz: int) -> None:
        self.channels = channels
        self.source_hz, self.target_hz = source_hz, target_hz
        self._stream: soxr.ResampleStream | None = None
        self.reset()

    @property
    def is_identity(self) -> bool:
        return self.source_hz == self.target_hz

    def reset(self) -> None:
        if not self.is_identity:
            self._stream = soxr.ResampleStream(
                self.source_hz, self.target_hz, self.channels, dtype="float32", quality="HQ"
            )

    def process(self, block: Block, last: bool = False) -> Block:
        """Feed (C, n), return (C, m) that has become ready; `last` flushes and ends the stream."""
        if self._stream is None:
            return block
        out = self._stream.resample_chunk(np.ascontiguousarray(block.T), last=last)
        return np.ascontiguousarray(out.T)

    def flush(self) -> Block:
        """The end of the signal, (C, m); afterwards only `reset` makes the resampler usable again."""
        return self.process(np.zeros((self.channels, 0), np.float32), last=True)
