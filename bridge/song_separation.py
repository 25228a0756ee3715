"""One song on its way through the separator: read, separate, measure, draw, hand on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bridge.audio_files import AudioReader
from bridge.mel_picture import MelPicture
from bridge.stem_meter import StemMeter
from bridge.stem_stream import StemStream, stem_blocks
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.errors import VQSSError
from vqss_engine.separator import StreamingSeparator

Block = NDArray[np.float32]
Advance = Callable[[float], None]
"""Called with the seconds of audio done so far; may raise to stop the work."""

BLOCK_SAMPLES = 16384


def ignore_progress(seconds: float) -> None:
    """An Advance for who shows nothing."""


class SongSeparation:
    """Reads and separates one song; `meter` and `picture` are complete after `run`."""

    def __init__(self, reader: AudioReader, bundle: ModelBundle, profile: str, picture: bool) -> None:
        stream = StreamConfig.named(profile)
        separator = StreamingSeparator(bundle, stream, reader.channels)
        clusters = separator.clusters
        self.latency_samples = separator.latency_samples + separator.hop
        self.meter = StemMeter(clusters, reader.channels, reader.sample_rate)
        self.picture = MelPicture(clusters + 1, reader.channels, reader.sample_rate) if picture else None
        self._reader = reader
        self._stream = StemStream(separator, bundle.config.sample_rate, reader.sample_rate)

    def run(self, write: Callable[[Block, Block], None], advance: Advance) -> None:
        """Hand every mix (C, n) and its stems (K, C, n) to `write`."""
        for mix, stems in stem_blocks(self._stream, self._reader.blocks(BLOCK_SAMPLES)):
            if not np.isfinite(stems).all():
                raise VQSSError(f"the model gives no numbers for '{self._reader.path}'; lower the song's level")
            self.meter.process(mix, stems)
            if self.picture:
                self.picture.process(np.concatenate([mix[None], stems]))
            write(mix, stems)
            advance(self.meter.frames / self._reader.sample_rate)
        self.meter.finish()
        if self.picture:
            self.picture.finish()
