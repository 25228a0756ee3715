"""Small song folders and a small configuration for the tests of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from training.config import TrainConfig
from training.settings import load_config

RATE = 44100
SMALL_MODEL = [
    "model.width=8",
    "model.layers=1",
    "model.recurrent_width=8",
    "model.band_hidden=8",
    "model.channel_hidden=8",
    "model.head_width=8",
]
SMALL_RUN = [
    "compile=false",
    "mixed_precision=false",
    "threads=1",
    "checkpoint_every=1",
    "unquantized_steps=2",
    "clips_per_stem=2",
    "data.clip_s=0.5",
    "data.stems_max=3",
    "discover.batch=2",
    "settle.batch=4",
    "partition.batch=2",
    "refine.batch=2",
    *SMALL_MODEL,
]


def tone(frequency_hz: float, seconds: float = 2.0, decay: float = 0.0) -> np.ndarray:
    """A harmonic tone (N,), repeated twice a second if it decays."""
    t = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * frequency_hz * k * t) / k for k in (1, 2, 3))
    return (0.2 * wave * np.exp(-decay * (t % 0.5))).astype(np.float32)


def write_songs(root: Path, names: tuple[str, str, str] = ("a", "b", "c"), songs: int = 3) -> Path:
    """A folder of songs of three different stems each, called `names` in this order."""
    for song in range(songs):
        folder = root / f"song{song}"
        folder.mkdir(parents=True)
        noise = np.random.default_rng(song).standard_normal(2 * RATE).astype(np.float32)
        stems = (tone(60 + 9 * song), tone(700 + 80 * song, decay=6), 0.1 * noise)
        for name, stem in zip(names, stems, strict=True):
            soundfile.write(folder / f"{name}.wav", stem, RATE)
    return root


def curves(run: Path) -> dict[str, list[tuple[int, float]]]:
    """(step, value) of everything that TensorBoard shows of a run, by name."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shown: dict[str, list[tuple[int, float]]] = {}
    for folder in sorted({path.parent for path in (run / "events").rglob("events.*")}):
        events = EventAccumulator(str(folder))
        events.Reload()
        for tag in events.Tags()["scalars"]:
            shown.setdefault(tag, []).extend((event.step, event.value) for event in events.Scalars(tag))
    return shown


def small_config(folder: Path, songs: Path, *changes: str) -> TrainConfig:
    """A configuration that trains in seconds."""
    folder.mkdir(exist_ok=True)
    path = folder / "small.toml"
    path.write_text("seed = 5\n")
    paths = [f'data.songs=["{songs}"]', f"run={folder / 'run'}"]
    return load_config(path, [*SMALL_RUN, *paths, *changes])
