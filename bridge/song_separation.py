"""One song on its way through the separator: read, separate, measure, draw, hand on.

Threads: the caller's drives the separator, which computes on threads of its own; another reads the song ahead, and a
third measures, draws and hands on, all of which may block on disks and codecs (see `overlap`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridge.audio_files import AudioReader
from bridge.overlap import WorkBehind, read_ahead
from bridge.stem_meter import StemMeter
from bridge.stem_stream import StemStream, stem_blocks
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.errors import VQSSError
from vqss_engine.offline import MaskModel, OfflineSeparator
from vqss_engine.stop_signals import end_if_asked

if TYPE_CHECKING:
    from bridge.mel_picture import MelPicture

Block = NDArray[np.float32]
Advance = Callable[[float], None]
"""Called with the seconds of audio done so far; may raise to stop the work."""

BLOCK_SAMPLES = 32768


def ignore_progress(seconds: float) -> None:
    """An Advance for who shows nothing."""


class SongSeparation:
    """Reads and separates one song; `meter` and `picture` are complete after `run`.

    threads: how many compute, None for as many as there are cores. masks: see `OfflineSeparator`.
    """

    def __init__(
        self, reader: AudioReader, bundle: ModelBundle, profile: str, picture: bool,
        threads: int | None = None, masks: MaskModel | None = None,
    ) -> None:  # fmt: skip
        stream = StreamConfig.named(profile)
        separator = OfflineSeparator(bundle, stream, reader.channels, threads, masks)
        clusters = separator.clusters
        self.latency_samples = separator.latency_samples + separator.hop
        self.meter = StemMeter(clusters, reader.channels, reader.sample_rate)
        self.picture = _new_picture(clusters, reader) if picture else None
        self._reader = reader
        self._stream = StemStream(separator, bundle.config.sample_rate, reader.sample_rate)

    def run(self, write: Callable[[Block, Block], None], advance: Advance) -> None:
        """Hand every mix (C, n) and its stems (K, C, n) to `write`, which is called on another thread."""

        def finish(pair: tuple[Block, Block]) -> None:
            self._measure(*pair)
            write(*pair)

        self._reader.check_whole()      # first, as it would be a pity about the time
        done = 0
        with read_ahead(self._reader.blocks(BLOCK_SAMPLES)) as blocks, WorkBehind(finish) as behind:
            for mix, stems in stem_blocks(self._stream, blocks):
                end_if_asked()
                behind.put((mix, stems))
                done += mix.shape[1]
                advance(done / self._reader.sample_rate)
        self.meter.finish()
        if self.picture:
            self.picture.finish()

    def _measure(self, mix: Block, stems: Block) -> None:
        self.meter.process(mix, stems)
        if not self.meter.is_finite:
            raise VQSSError(f"the model gives no numbers for '{self._reader.path}'; lower the song's level")
        if self.picture:
            self.picture.process(np.concatenate([mix[None], stems]))


def _new_picture(clusters: int, reader: AudioReader) -> MelPicture:
    from bridge.mel_picture import MelPicture  # loads scipy, which separating does not need

    return MelPicture(clusters + 1, reader.channels, reader.sample_rate)
