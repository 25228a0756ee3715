"""What the tests of live use share: a run without a device, every frame exact, and what was heard in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bridge.automation import Automation
from bridge.clock_device import ClockDevice
from bridge.exchange import Exchange
from bridge.live_session import LiveSession, SessionOptions
from tests.streams import small_bundle
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.engine import Engine

RATE = 44100


def song_file(folder: Path, signal: np.ndarray, rate_hz: int = RATE) -> Path:
    path = folder / "song.wav"
    soundfile.write(path, signal.T, rate_hz, subtype="FLOAT")
    return path


def heard(path: Path) -> np.ndarray:
    """(C, N) of a file."""
    return np.ascontiguousarray(soundfile.read(path, dtype="float32", always_2d=True)[0].T)


def play(
    song: Path,
    folder: Path,
    seconds: float,
    *,
    multi: bool = False,
    block: int = 256,
    rate_hz: int = RATE,
    profile: str = "default",
    engine: Engine | None = None,
    bundle: ModelBundle | None = None,
    free: bool = True,
    before_chunk: Callable[[], object] | None = None,
    automation: Automation | None = None,
) -> tuple[dict[str, Any], list[np.ndarray], LiveSession]:
    """Play a song through a clock device and record it: report, what was heard of main and clusters, session."""
    stream = StreamConfig.named(profile)
    engine = engine or Engine(bundle or small_bundle(), stream, 2, multi=multi)
    engine.warm_up()
    device = ClockDevice(rate_hz, block, free=free, limit=round(seconds * rate_hz))
    record = folder / "take.wav"
    options = SessionOptions(song, song.parent, record, None, False, before_chunk, automation)
    session = LiveSession(engine, device, lambda hung: device, options)
    report = session.run()
    paths = [record, *sorted(folder.glob("take_cluster_*.wav"))]
    return report, [heard(path) for path in paths], session


def latency_frames(report: dict[str, Any]) -> int:
    """The report's total in frames of the device."""
    return round(report["latency_ms"]["total"] * report["sample_rate"] / 1000.0)


def aligned(sound: np.ndarray, latency: int, frames: int) -> np.ndarray:
    """What was heard after the latency, `frames` of it."""
    return sound[:, latency : latency + frames]


def ramp(frames: int) -> np.ndarray:
    """Two channels whose samples tell which frame they are."""
    count = np.arange(frames, dtype=np.float32) / 2**20
    return np.stack([count, -count])


def playing(exchange: Exchange, until: Callable[[], bool]) -> np.ndarray:
    """What comes into the engine, (C, N), until that is so."""
    given, wanted = np.zeros((2, 256), np.float32), np.zeros((2, 256), np.float32)
    block, parts, deadline = np.zeros((2, 256), np.float32), [], time.monotonic() + 60.0
    while not until():
        assert time.monotonic() < deadline
        exchange.exchange(given, wanted)
        assert exchange.incoming.read(block)
        parts.append(block.copy())
        time.sleep(0.001)
    return np.concatenate(parts, axis=1)
