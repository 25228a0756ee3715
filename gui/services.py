"""What the window asks of the program around it; a window without them still is a mixer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Overview:
    """A song at a glance: lowest and highest sample, (2, n) float32 within ±1, and its length."""

    extremes: NDArray[np.float32]
    seconds: float


@dataclass(frozen=True)
class Services:
    """`read_overview(path)` reads a song for its picture; it may take long, runs on a thread of its own and raises
    VQSSError. `open_song(path)` lets the engine play a file and returns the name of its source; raises VQSSError.
    `song_path(source)` is where that source lies on this machine, None where it does not. `export_command(song,
    folder)` is the command line that writes the stems of a song. `engine_name` is what the engine is called."""

    read_overview: Callable[[Path], Overview] | None = None
    open_song: Callable[[Path], str] | None = None
    song_path: Callable[[str], Path | None] = lambda source: None
    export_command: Callable[[Path, Path], list[str]] | None = None
    engine_name: str = "this engine"
