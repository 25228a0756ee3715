"""The audio files of one song while they are written.

Threads: where a format compresses, the files are encoded on several, for which the caller waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.audio_files import AudioReader, AudioWriter
from bridge.coding import Coding
from bridge.manifest import stem_name

Block = NDArray[np.float32]


class StemFiles:
    """The files of one song while they are written: one per wanted cluster, and the mixdown if there is one."""

    def __init__(
        self, folder: Path, names: Sequence[str], wanted: Sequence[int], mixdown: bool, coding: Coding, threads: int = 1
    ) -> None:
        suffix = f".{coding.extension}"
        self.names = {index: stem_name(index, names[index]) + suffix for index in wanted}
        self.mixdown_name = f"mixdown{suffix}" if mixdown else None
        self._folder, self._coding = folder, coding
        self._stems: dict[int, AudioWriter] = {}
        self._mixdown: AudioWriter | None = None
        self._pool = ThreadPoolExecutor(threads, "vqss-encode") if threads > 1 and coding.extension != "wav" else None

    @contextmanager
    def opened(self, reader: AudioReader) -> Iterator[None]:
        """Open all files for audio like `reader`'s; after an error they are closed as they are."""

        def create(name: str) -> AudioWriter:
            path = self._folder / name
            return AudioWriter(path, reader.sample_rate, reader.channels, self._coding, reader.frames)

        try:
            for index, name in self.names.items():
                self._stems[index] = create(name)
            if self.mixdown_name:
                self._mixdown = create(self.mixdown_name)
            yield
            for writer in self._writers():
                writer.close()
        except BaseException:
            if self._pool:      # a file must not be closed while another thread writes to it
                self._pool.shutdown(cancel_futures=True)
            for writer in self._writers():
                writer.abandon()
            raise
        finally:
            if self._pool:
                self._pool.shutdown()

    def _writers(self) -> list[AudioWriter]:
        return [*self._stems.values(), *([self._mixdown] if self._mixdown else [])]

    def write_stems(self, stems: Block) -> None:
        """Append (K, C, n)."""
        if self._pool is None:
            for index, writer in self._stems.items():
                writer.write(stems[index])
            return
        for future in [self._pool.submit(writer.write, stems[index]) for index, writer in self._stems.items()]:
            future.result()

    def write_mixdown(self, block: Block) -> None:
        """Append (C, n)."""
        if self._mixdown:
            self._mixdown.write(block)

    def keep(self, indices: set[int]) -> None:
        """Delete the stems that turned out not to be wanted."""
        for index in set(self.names) - indices:
            (self._folder / self.names.pop(index)).unlink()
