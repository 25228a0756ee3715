"""What the mixer window may ask of this program: songs, exports, racks, devices."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.child_command import child_command
from bridge.coding import SUBTYPES
from bridge.commands.options import preset_folder
from bridge.gui_engine import OwnEngine, Setup, mix_options
from bridge.rack_file import Chains
from bridge.rack_store import RackStore, read_chains, write_chains
from bridge.rack_values import heard
from vqss_engine.bundle import read_model_config
from vqss_engine.config import PROFILES, ModelConfig
from vqss_engine.errors import VQSSError
from vqss_engine.presets import SUFFIX

if TYPE_CHECKING:
    from bridge.osc_client import RemoteControl
    from gui.services import DeviceChoice, EffectKind, ExportJob, Overview, Services

_OVERVIEW_COLUMNS, _BLOCK_FRAMES, _STEP_FRAMES = 8192, 65536, 256
TYPICAL_LOAD = {"default": 0.14, "low": 0.23, "safe": 0.10}
"""Of a hop's time, on the machine of docs/performance.md; other machines differ by about a common factor."""


def services_for(
    remote: RemoteControl, music: Path | None, name: str, racks: RackStore | None = None,
    engine: OwnEngine | None = None, model: Path | None = None,
) -> Services:  # fmt: skip
    """Services for a window on `remote`, which may play from the folder `music`; racks, engine: if it is our own."""
    from gui.services import Profile, Services

    songs, exports = _Songs(music), _Exports(remote, racks, engine, model)
    profiles = [
        Profile(profile, hop, synthesis, TYPICAL_LOAD[profile]) for profile, (hop, synthesis) in PROFILES.items()
    ]
    return Services(
        read_overview, songs.open, songs.path, exports.stems, exports.mix, name,
        _Racks(racks) if racks else None, _Engine(engine) if engine else None, profiles,
        _rate_hz(model), music.resolve() if music else None,
    )  # fmt: skip


def _rate_hz(model: Path | None) -> int:
    """The model's rate; the usual one where the model cannot be read, which its engine will tell."""
    try:
        return read_model_config(model).sample_rate
    except VQSSError:
        return ModelConfig().sample_rate


class _Songs:
    """Songs in the engine's music folder."""

    def __init__(self, music: Path | None) -> None:
        self._root = music.resolve() if music else None

    def open(self, path: Path) -> str:
        if self._root is None:
            raise VQSSError("the engine's music folder is not known here; give it with --music")
        try:
            found = path.is_file()
        except OSError:     # in a folder that may not be entered
            found = False
        if not found:
            raise VQSSError(f"{path} is no file that can be read; open another song")
        if not path.resolve().is_relative_to(self._root):
            raise VQSSError(f"{path.name} lies outside {self._root}; start `vqss gui` with it, or with --music")
        check_song(path)    # before the engine leaves the song that plays
        return str(path.resolve().relative_to(self._root))

    def path(self, source: str) -> Path | None:
        path = self._root / source if self._root else None
        return path if path is not None and path.is_file() else None


class _Exports:
    """Commands that write stems or the mix as it stands."""

    def __init__(
        self, remote: RemoteControl, racks: RackStore | None, engine: OwnEngine | None, model: Path | None
    ) -> None:
        self._remote, self._racks, self._engine, self._model = remote, racks, engine, model

    def stems(self, song: Path, folder: Path) -> ExportJob:
        from bridge.output_folder import folder_name
        from gui.services import ExportJob

        target = folder / folder_name(song)
        return ExportJob([*self._command(song, target), "--overwrite"], f"stems of {song.name} into {target}", target)

    def mix(self, song: Path, file: Path) -> ExportJob:
        from gui.services import ExportJob

        if (ending := file.suffix.lower().removeprefix(".")) not in SUBTYPES:
            raise VQSSError(f"'{ending}' is no format that can be written; give one of {', '.join(SUBTYPES)}")
        if file.resolve() == song.resolve():
            raise VQSSError(f"{file.name} is the song itself; give the mix another name")
        command = [*self._command(song, file), "--mix", *mix_options(self._remote)]
        what = f"the mix of {song.name} to {file}"
        if self._racks is None or not self._racks.in_place:
            loaded = any("/fx/" in parameter.path for parameter in self._remote.parameters())
            note = " (without the effects, which were not loaded by this window)" if loaded else ""
            return ExportJob(command, what + note, file)
        rack = self._racks.content()
        if rack is None:
            return ExportJob(command, what, file)
        return ExportJob([*command, "--rack-on-stdin", *self._racks.bypass_options()], what, file, json.dumps(rack))

    def _command(self, song: Path, target: Path) -> list[str]:
        profile = [f"--latency={self._engine.setup.profile}"] if self._engine else []
        model = [f"--model={self._model}"] if self._model else []
        return child_command("-m", "bridge.export_song", str(target), str(song), *profile, *model)


class _Racks:
    """A RackStore as the window wants it."""

    def __init__(self, store: RackStore) -> None:
        self._store = store
        self.chains: Callable[[], Chains] = store.chains
        self.load: Callable[[Chains, Collection[str]], None] = store.load

    @property
    def in_place(self) -> bool:
        return self._store.in_place

    def kinds(self) -> Sequence[EffectKind]:
        from bridge.rack_catalogue import catalogue_of_child
        from gui.services import EffectKind

        return [EffectKind(each["name"], each["kind"], each["entry"], each["fixed"]) for each in catalogue_of_child()]

    def take_preset(self, name: str) -> bool:
        return self._store.take_preset(preset_folder() / f"{name}{SUFFIX}")

    def read(self, path: Path) -> Chains:
        return read_chains(path)

    def write(self, path: Path, chains: Chains) -> None:
        write_chains(path, heard(chains))


class _Engine:
    """An OwnEngine as the window wants it."""

    def __init__(self, engine: OwnEngine) -> None:
        self._engine = engine

    @property
    def setup(self) -> Setup:
        return self._engine.setup

    def devices(self) -> list[DeviceChoice]:
        from bridge.commands.devices import devices_of_child
        from gui.services import DeviceChoice

        found = devices_of_child()
        names = [device["name"] for device in found]
        return [
            DeviceChoice(
                device["name"] if names.count(device["name"]) == 1 else str(device["index"]),
                f"{device['name']}  ({device['api']}, {device['sample_rate']:.0f} Hz)",
                device["inputs"], device["outputs"],
            )
            for device in found
        ]  # fmt: skip

    def restart(self, source: str, target: str, samplerate: int | None, blocksize: int, profile: str) -> None:
        self._engine.restart(Setup(source, target, samplerate, blocksize, profile))


def check_song(path: Path) -> None:
    """Read the beginning of a song; raises VQSSError where there is none, or none that can be played."""
    from bridge.audio_files import AudioReader

    with AudioReader(path) as reader:
        next(reader.blocks(_BLOCK_FRAMES), None)


def read_overview(path: Path) -> Overview:
    """Extremes of a song, of all channels, in at most 8192 columns; raises VQSSError."""
    import numpy as np

    from bridge.audio_files import AudioReader
    from gui.services import Overview

    lows, highs, frames = [], [], 0
    with AudioReader(path) as reader:
        for block in reader.blocks(_BLOCK_FRAMES):
            starts = np.arange(0, block.shape[1], _STEP_FRAMES)
            lows.append(np.minimum.reduceat(block.min(axis=0), starts))
            highs.append(np.maximum.reduceat(block.max(axis=0), starts))
            frames += block.shape[1]
        rate_hz = reader.sample_rate
    low, high = np.concatenate(lows or [np.zeros(1)]), np.concatenate(highs or [np.zeros(1)])
    starts = np.unique(np.linspace(0, len(low), _OVERVIEW_COLUMNS, endpoint=False).astype(int))
    extremes = np.stack((np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts))).astype(np.float32)
    return Overview(np.clip(extremes, -1.0, 1.0), frames / rate_hz)
