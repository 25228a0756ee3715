"""What the window asks of the program around it; a window without them still is a mixer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Chains = dict[str, list[dict[str, Any]]]
"""Cluster number or 'main', as text, to the effects of its chain, as rack files have them; "off": true is added here
for an effect that is kept and not heard."""


@dataclass(frozen=True)
class Overview:
    """A song at a glance: lowest and highest sample, (2, n) float32 within ±1, and its length."""

    extremes: NDArray[np.float32]
    seconds: float


@dataclass(frozen=True)
class EffectKind:
    """An effect that can be added. origin: where it comes from, in a word or two; entry: how a rack names it; fixed:
    its arguments that are set while it is loaded (name, default, and choices, or minimum, maximum and unit, or
    file)."""

    name: str
    origin: str
    entry: Mapping[str, Any]
    fixed: Sequence[Mapping[str, Any]] = ()


class Racks(Protocol):
    """Whole racks, for an engine that loads what this window writes. All but `in_place` and `chains` raise VQSSError;
    `load` and `kinds` may take long, and run on threads of their own."""

    @property
    def in_place(self) -> bool:
        """Whether the engine has the effects that were loaded here."""

    def chains(self) -> Chains:
        """The effects with the values they have now."""

    def kinds(self) -> Sequence[EffectKind]:
        """What can be added on the engine's machine."""

    def load(self, chains: Chains, bypassed: Collection[str], /) -> None:
        """Let the engine play through these; of those that come anew, `bypassed` are passed by."""

    def take_preset(self, name: str) -> bool:
        """Know the effects that the engine has taken from one of its presets; whether that brings any, or none."""

    def read(self, path: Path) -> Chains:
        """The effects in a rack file."""

    def write(self, path: Path, chains: Chains) -> None:
        """Write a rack file."""


@dataclass(frozen=True)
class DeviceChoice:
    """A device that can be chosen: `key` for the engine, `text` for people."""

    key: str
    text: str
    inputs: int
    outputs: int


@dataclass(frozen=True)
class Profile:
    """What a latency profile costs, in samples at the model's rate; load: of one hop's time, on a machine where
    others are as given."""

    name: str
    hop: int
    latency_samples: int
    load: float


class Setup(Protocol):
    """What the engine was started with; samplerate None and blocksize 0 are the device's own."""

    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def samplerate(self) -> int | None: ...
    @property
    def blocksize(self) -> int: ...
    @property
    def profile(self) -> str: ...


class OwnEngine(Protocol):
    """The engine that the program started for this window."""

    @property
    def setup(self) -> Setup: ...

    def devices(self) -> Sequence[DeviceChoice]:
        """What there is to choose from; may take long, and raises VQSSError."""

    def restart(self, source: str, target: str, samplerate: int | None, blocksize: int, profile: str) -> None:
        """Start another engine in its place, with mixer, effects and song as they are."""


@dataclass(frozen=True)
class ExportJob:
    """A command that writes something and tells its progress 0...1 on stdout; `what` it writes, in words, and `target`,
    the file or folder that it writes to. `told` is what it reads from its stdin."""

    command: Sequence[str]
    what: str
    target: Path
    told: str = ""


@dataclass(frozen=True)
class Services:
    """`read_overview(path)` reads a song for its picture; it may take long, runs on a thread of its own and raises
    VQSSError. `open_song(path)` lets the engine play a file and returns the name of its source; raises VQSSError.
    `song_path(source)` is where that source lies on this machine, None where it does not. `export_stems(song,
    folder)` and `export_mix(song, file)` are what writes them; raise VQSSError. `engine_name` is what the engine is
    called; `racks` and `engine` are None where it was not started for this window; `profiles` and `model_rate_hz` say
    what latency profiles cost; `music` is the folder that songs lie in, None where it is not known."""

    read_overview: Callable[[Path], Overview] | None = None
    open_song: Callable[[Path], str] | None = None
    song_path: Callable[[str], Path | None] = lambda source: None
    export_stems: Callable[[Path, Path], ExportJob] | None = None
    export_mix: Callable[[Path, Path], ExportJob] | None = None
    engine_name: str = "this engine"
    racks: Racks | None = None
    engine: OwnEngine | None = None
    profiles: Sequence[Profile] = ()
    model_rate_hz: int = 44100
    music: Path | None = None
