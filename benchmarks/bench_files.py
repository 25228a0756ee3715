"""Files part by part: what a hop of a song costs on its way to 16 stems on disk, in processor time of all threads.

The reference takes the song as a stream does, one hop a call; the file's own way takes stretches of hops on as many
threads as there are cores. How fast that is on the clock is `bench_peer_files`' and `vqss bench`'s to say.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.rows import Row, compared, in_turn
from bridge.audio_files import AudioWriter
from bridge.bench_signal import bench_signal
from bridge.coding import Coding
from bridge.song_separation import BLOCK_SAMPLES
from bridge.stem_meter import StemMeter
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.offline import OfflineSeparator
from vqss_engine.separator import StreamingSeparator

PROFILE, CHANNELS = "default", 2
BY_HOP = "separated one hop a call"

Part = Callable[[], object]


def _by_hop(bundle: ModelBundle, stream: StreamConfig, song: np.ndarray) -> Part:
    separator = StreamingSeparator(bundle, stream, CHANNELS)
    stems, wanted = np.zeros((bundle.config.clusters, CHANNELS, stream.hop), np.float32), np.ones(16, np.bool_)
    out = np.zeros((bundle.config.clusters, *song.shape), np.float32)
    hops = [np.ascontiguousarray(song[:, i : i + stream.hop]) for i in range(0, song.shape[1], stream.hop)]

    def call() -> None:
        for i, hop in enumerate(hops):
            separator.analyse(hop)
            separator.stems(wanted[: separator.clusters], stems)
            out[..., i * stream.hop : (i + 1) * stream.hop] = stems

    return call


def _writing(folder: Path, coding: Coding, stems: np.ndarray, rate: int) -> Part:
    writers = [AudioWriter(folder / f"{i}.{coding.extension}", rate, CHANNELS, coding) for i in range(len(stems))]

    def call() -> None:
        for writer, stem in zip(writers, stems, strict=True):
            writer.write(stem)

    return call


def run(seconds: float = 10.0) -> list[Row]:
    """Rows in µs of processor time for one hop; the reference is the song separated one hop a call."""
    bundle, stream = ModelBundle.load(), StreamConfig.named(PROFILE)
    rate = bundle.config.sample_rate
    hops = BLOCK_SAMPLES // stream.hop
    song = np.ascontiguousarray(bench_signal(2.0, rate)[:, : hops * stream.hop])
    offline = {count: OfflineSeparator(bundle, stream, CHANNELS, count) for count in (1, 2)}
    stems = offline[1].process(song)
    meter = StemMeter(bundle.config.clusters, CHANNELS, rate)
    with tempfile.TemporaryDirectory(prefix="vqss-bench-") as name:
        folder = Path(name)
        parts: dict[str, Part] = {BY_HOP: _by_hop(bundle, stream, song)}
        for count, separator in offline.items():
            threads = "one thread" if count == 1 else f"{count} threads"
            parts[f"separated {hops} hops a call, {threads}"] = lambda it=separator: it.process(song)  # type: ignore[misc]
        parts["levels, shares and the null"] = lambda: meter.process(song, stems)
        parts["16 stems written as WAV, float"] = _writing(folder, Coding.named("wav"), stems, rate)
        parts["16 stems written as FLAC, 24 bit"] = _writing(folder, Coding.named("flac"), stems, rate)
        contenders = {name: (part, 1, 1e6 / hops) for name, part in parts.items()}
        return compared(in_turn(contenders, seconds, 5, time.process_time), "µs a hop", BY_HOP, "files: ")


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:60} {row['median']:9.1f} µs a hop {row['ratio'] or 0.0:6.2f} x")
