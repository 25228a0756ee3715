"""What the engine's tests share: small models, signals, and running an engine hop by hop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vqss_engine.bundle import ModelBundle
from vqss_engine.config import ModelConfig, StreamConfig
from vqss_engine.engine import Engine

CLUSTERS = 4


def small_bundle(seed: int = 0) -> ModelBundle:
    """A model with four clusters and random weights: it separates nothing in particular, but quickly."""
    config = ModelConfig(clusters=CLUSTERS, width=16, layers=1, recurrent_width=16, band_hidden=16)
    return ModelBundle.random(config, seed)


def small_engine(profile: str = "default", channels: int = 2, **options: object) -> Engine:
    return Engine(small_bundle(), StreamConfig.named(profile), channels, **options)  # type: ignore[arg-type]


def noise(engine: Engine, hops: int, level: float = 0.1) -> np.ndarray:
    """Noise (C, N) that comes and goes, so that a model has something to follow."""
    samples = np.random.default_rng(5).standard_normal((engine.channels, hops * engine.hop)) * level
    return (samples * (1.0 + np.sin(np.arange(samples.shape[1]) / 3000.0))).astype(np.float32)


def tone(engine: Engine, hops: int) -> np.ndarray:
    """A 100 Hz sine (C, N), whose samples step little, so that a click stands out."""
    time = np.arange(hops * engine.hop) / engine.sample_rate
    return np.tile(0.5 * np.sin(2 * np.pi * 100 * time), (engine.channels, 1)).astype(np.float32)


def run(engine: Engine, signal: np.ndarray, before: Callable[[int], object] | None = None) -> np.ndarray:
    """The engine's output (C, N) for a signal of whole hops; `before(hop)` is called before each."""
    return run_multi(engine, signal, before)[0]


def run_multi(
    engine: Engine, signal: np.ndarray, before: Callable[[int], object] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Output (C, N) and tracks (K, C, N; empty without `multi`)."""
    out, rows = np.empty_like(signal), []
    for hop in range(signal.shape[1] // engine.hop):
        if before:
            before(hop)
        part = slice(hop * engine.hop, (hop + 1) * engine.hop)
        engine.process(signal[:, part], out[:, part])
        if engine.stem_out is not None:
            rows.append(engine.stem_out.copy())
    return out, np.concatenate(rows, axis=-1) if rows else np.empty((0, *signal.shape), np.float32)


def delayed(signal: np.ndarray, samples: int) -> np.ndarray:
    """The signal after `samples` of silence, cut to its length."""
    silence = np.zeros((*signal.shape[:-1], samples), np.float32)
    return np.concatenate([silence, signal], axis=-1)[..., : signal.shape[-1]]


def worst_dbfs(difference: np.ndarray) -> float:
    """The largest sample, in dBFS."""
    return 20.0 * np.log10(np.abs(difference).max() + 1e-20)


def largest_step(signal: np.ndarray) -> float:
    """The largest distance between neighbouring samples."""
    return float(np.abs(np.diff(signal, axis=-1)).max())
