"""Where the time of a hop goes, on one core: the engine with all clusters at faders of their own, and its parts.

Every part is called by itself, so each brings its own call from Python and finds its data in the cache; together they
come close to the whole, not to the last microsecond. Times are of the processor, in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmarks.rows import Row, compared, in_turn
from bridge.bench import uneven_surface
from bridge.bench_signal import bench_signal
from vqss_engine import kernels
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.engine import Engine
from vqss_engine.network import Memory, Work, network_of
from vqss_engine.separator import StreamingSeparator
from vqss_engine.stft import StreamingSTFT

PROFILE, CHANNELS, REPEATS = "default", 2, 20
WHOLE = "the whole hop, 16 clusters at faders of their own"

Part = Callable[[], object]


def _network_parts(bundle: ModelBundle, spectrum: np.ndarray, masks: np.ndarray) -> dict[str, Part]:
    """What lies between the network's matrix products, each as often as a frame has it."""
    config, net = bundle.config, network_of(bundle)
    work, memory = Work.of(config, 1), Memory.silent(config, 1)
    level, layers = np.float32(0.0), range(config.layers)
    work.gates[:] = np.random.default_rng(0).standard_normal(work.gates.shape)

    def norms() -> None:
        for _ in range(3 * config.layers + 1):
            kernels.rms_norm(work.x, net.head_norm, config.width, work.normed)

    def recurrences() -> None:
        for i in layers:
            kernels.gated_recurrence(work.gates, memory.hidden[0, i], work.recurrent)

    return {
        "  powers of the mask bins": lambda: kernels.mix_statistics(
            spectrum, net.edges, work.bins, work.power[0], work.side[0]
        ),
        "  features": lambda: kernels.features(work.power[0], work.side[0], net.counts, level, work.features[0]),
        "  norms": norms,
        "  recurrences": recurrences,
        "  softmax": lambda: kernels.softmax_over_clusters(work.logits, work.peak, work.total, masks),
    }


def _parts(bundle: ModelBundle, stream: StreamConfig) -> dict[str, Part]:
    config = bundle.config
    engine = Engine(bundle, stream, CHANNELS, uneven_surface(bundle, config.clusters))
    separator = StreamingSeparator(bundle, stream, CHANNELS)
    stft = StreamingSTFT(CHANNELS, config.window, stream.hop, stream.synthesis)
    block = np.ascontiguousarray(bench_signal(1.0, config.sample_rate)[:, : stream.hop])
    spectrum = stft.process(block).copy()
    separator.analyse(block)
    out, wanted = np.empty_like(block), np.ones(config.clusters, np.bool_)
    stems = np.zeros((config.clusters, *block.shape), np.float32)
    powers = np.zeros((config.clusters + 1, CHANNELS), np.float32)
    weights = np.linspace(0.1, 1.0, config.clusters * CHANNELS, dtype=np.float32).reshape(-1, CHANNELS)
    return {
        WHOLE: lambda: engine.process(block, out),
        "spectrum of two channels": lambda: stft.process(block),
        "network, every second hop, so half of a frame": lambda: separator.runtime.step(spectrum),
        **_network_parts(bundle, spectrum, np.zeros_like(separator.masks)),
        "weighted masks and two inverse transforms": lambda: separator.mixdown(weights, out),
        "instead, 16 masks and 32 inverse transforms": lambda: separator.stems(wanted, stems),
        "levels of the clusters": lambda: separator.powers(powers),
    }


def run(seconds: float = 10.0) -> list[Row]:
    """Rows in µs of processor time; the reference is the whole hop."""
    parts = _parts(ModelBundle.load(), StreamConfig.named(PROFILE))

    def repeated(part: Part) -> Part:
        def several() -> None:
            for _ in range(REPEATS):
                part()

        return several

    contenders = {name: (repeated(part), 1, 1e6 / REPEATS) for name, part in parts.items()}
    return compared(in_turn(contenders, seconds, 20, time.process_time), "µs", WHOLE, "hop: ")


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:60} {row['median']:9.1f} µs {row['ratio'] or 0.0:6.2f} of the whole hop")
