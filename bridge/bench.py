"""`vqss bench`: what the engine costs on this machine, how late it is, and how exact.

One thread, one process; only the start is timed in a fresh process.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vqss_engine
from bridge.audio_files import AudioWriter
from bridge.bench_signal import bench_signal
from bridge.child_command import child_command
from bridge.coding import Coding
from bridge.collection import no_collection
from bridge.files import FileJob, separate_file
from bridge.mixdown import Mixdown
from bridge.process_memory import peak_rss_mb
from bridge.stem_stream import StemStream, stem_blocks
from vqss_engine.blocks import BlockAdapter
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.control import ControlSurface
from vqss_engine.engine import Engine
from vqss_engine.errors import VQSSError
from vqss_engine.offline import OfflineSeparator

Block = NDArray[np.float32]

CHANNELS = 2
AUDIBLE_COUNTS = (0, 1, 4, 16)
DEVICE_BLOCKS = (1, 63, 64, 256, 480, 512, 8193)
WARM_UP_HOPS = 50
COST_HOPS = 400
EXACTNESS_SECONDS = 2.0
FILE_SECONDS = 20.0
START_TIMEOUT_SECONDS = 300.0
_START_CODE = "from bridge.bench import start_engine; start_engine({model!r}, {profile!r}); print('ready', flush=True)"


def uneven_surface(bundle: ModelBundle, audible: int) -> ControlSurface:
    """A mixer with `audible` open faders, each at a gain of its own, so that no two clusters can be taken together."""
    surface = ControlSurface(bundle.config.clusters)
    for index in range(bundle.config.clusters):
        surface.set(f"/vqss/cluster/{index}/gain", -0.25 * (index + 1))
        surface.set(f"/vqss/cluster/{index}/mute", index >= audible)
    return surface


def _hops(bundle: ModelBundle, stream: StreamConfig) -> Iterator[Block]:
    """The bench signal, hop by hop, without end."""
    signal = bench_signal(8.0, bundle.config.sample_rate)
    while True:
        for start in range(0, signal.shape[1] - stream.hop, stream.hop):
            yield np.ascontiguousarray(signal[:, start : start + stream.hop])


def _warm_engine(bundle: ModelBundle, stream: StreamConfig, audible: int) -> tuple[Engine, Iterator[Block], Block]:
    engine = Engine(bundle, stream, CHANNELS, uneven_surface(bundle, audible))
    hops, out = _hops(bundle, stream), np.zeros((CHANNELS, stream.hop), np.float32)
    for _ in range(WARM_UP_HOPS):
        engine.process(next(hops), out)
    return engine, hops, out


def hop_times(bundle: ModelBundle, stream: StreamConfig, audible: int, count: int) -> NDArray[np.float64]:
    """Seconds that each of `count` hops takes, one right after the other."""
    engine, hops, out = _warm_engine(bundle, stream, audible)
    times = np.zeros(count)
    with no_collection():
        for index in range(count):
            block = next(hops)
            started = time.perf_counter()
            engine.process(block, out)
            times[index] = time.perf_counter() - started
    return times


def percentile_s(times: NDArray[np.float64], percent: float) -> float:
    """What so many of the hops take at most: one of the times, never a mean of two, since where the network runs at
    every second hop the median falls between those that it runs on and the others."""
    return float(np.percentile(times, percent, method="higher"))


def paced_hop_times(bundle: ModelBundle, stream: StreamConfig, seconds: float) -> tuple[NDArray[np.float64], int]:
    """Hops at the pace of a device, all clusters audible: the seconds each takes, and how many came too late."""
    engine, hops, out = _warm_engine(bundle, stream, bundle.config.clusters)
    budget = stream.hop / bundle.config.sample_rate
    times = np.zeros(max(1, round(seconds / budget)))
    misses = 0
    with no_collection():
        first = time.perf_counter()
        for index in range(times.size):
            block, due = next(hops), first + index * budget
            time.sleep(max(0.0, due - time.perf_counter()))
            started = time.perf_counter()
            engine.process(block, out)
            ended = time.perf_counter()
            times[index] = ended - started
            misses += ended > due + budget
    return times, misses


def stream_difference(bundle: ModelBundle, stream: StreamConfig, seconds: float) -> float:
    """Largest difference between the engine fed by device blocks of many sizes and the same mix made offline."""
    signal = bench_signal(seconds, bundle.config.sample_rate)
    surface = uneven_surface(bundle, bundle.config.clusters)
    offline = _offline_mix(bundle, stream, surface, signal)
    return max(_streamed_difference(bundle, stream, surface, signal, offline, size) for size in DEVICE_BLOCKS)


def _offline_mix(bundle: ModelBundle, stream: StreamConfig, surface: ControlSurface, signal: Block) -> Block:
    rate = bundle.config.sample_rate
    mixdown = Mixdown(surface.state, CHANNELS, rate)
    stems = StemStream(OfflineSeparator(bundle, stream, CHANNELS), rate, rate)
    return np.concatenate([mixdown.process(*pair) for pair in stem_blocks(stems, [signal])], axis=1)


def _streamed_difference(
    bundle: ModelBundle, stream: StreamConfig, surface: ControlSurface, signal: Block, offline: Block, size: int
) -> float:
    engine = Engine(bundle, stream, CHANNELS, surface)
    adapter = BlockAdapter(engine.process, CHANNELS, CHANNELS, stream.hop)
    latency = engine.latency_samples + adapter.latency_samples
    padded = np.pad(signal, ((0, 0), (0, latency)))
    parts = [adapter.push(padded[:, start : start + size]) for start in range(0, padded.shape[1], size)]
    return float(np.abs(np.concatenate(parts, axis=1)[:, latency:] - offline).max())


def file_run(bundle: ModelBundle, profile: str, seconds: float) -> dict[str, Any]:
    """The manifest of a song separated from disk to disk, all stems written."""
    with tempfile.TemporaryDirectory(prefix="vqss-bench-") as folder:
        song = Path(folder) / "song.wav"
        rate = bundle.config.sample_rate
        writer = AudioWriter(song, rate, CHANNELS, Coding.named("wav"))
        writer.write(bench_signal(seconds, rate))
        writer.close()
        return separate_file(song, Path(folder) / "stems", bundle, FileJob(clusters="all", profile=profile)).manifest


def start_engine(model: str | None, profile: str) -> None:
    """Load a bundle, build an engine and run one hop: what a fresh process does before it can play."""
    bundle, stream = ModelBundle.load(model), StreamConfig.named(profile)
    silence = np.zeros((CHANNELS, stream.hop), np.float32)
    Engine(bundle, stream, CHANNELS).process(silence, np.empty_like(silence))


def start_seconds(model: Path | None, profile: str) -> float:
    """Seconds from starting a fresh process until its engine is ready."""
    code = _START_CODE.format(model=None if model is None else str(model), profile=profile)
    root = str(Path(vqss_engine.__file__).parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    started = time.perf_counter()
    child = subprocess.run(
        child_command("-c", code), capture_output=True, text=True, timeout=START_TIMEOUT_SECONDS,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    if child.returncode or child.stdout.strip() != "ready":
        raise VQSSError(f"a fresh process cannot start the engine ({child.stderr.strip()[-300:]}); run vqss doctor")
    return time.perf_counter() - started


def run_bench(model: Path | None, profile: str, seconds: float) -> dict[str, Any]:
    """All measurements as plain data; times in ms where their name says so, levels in dBFS."""
    bundle, stream = ModelBundle.load(model), StreamConfig.named(profile)
    rate = bundle.config.sample_rate
    latency = Engine(bundle, stream, CHANNELS).latency_samples + stream.hop
    started = start_seconds(model, profile)
    times, misses = paced_hop_times(bundle, stream, seconds)
    costs = {
        str(count): round(1e3 * percentile_s(hop_times(bundle, stream, count, COST_HOPS), 50), 4)
        for count in AUDIBLE_COUNTS
        if count <= bundle.config.clusters
    }
    file = file_run(bundle, profile, FILE_SECONDS)
    return {
        "model": bundle.name,
        "sample_rate": rate,
        "hop": stream.hop,
        "latency_samples": latency,
        "latency_ms": round(1e3 * latency / rate, 3),
        "clusters": bundle.config.clusters,
        "threads": 1,
        "runtime": "numba",
        "hop_ms": {name: round(1e3 * percentile_s(times, percent), 4) for name, percent in
                   (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))},
        "budget_ms": round(1e3 * stream.hop / rate, 4),
        "misses": misses,
        "hops": int(times.size),
        "cost_ms_by_audible": costs,
        "file_realtime_factor": file["realtime_factor"],
        "null_dbfs": file["null_dbfs"],
        "stream_equals_offline_max_abs": stream_difference(bundle, stream, EXACTNESS_SECONDS),
        "start_seconds": round(started, 3),
        "peak_rss_mb": round(peak_rss_mb(), 1),
    }  # fmt: skip
