"""`vqss gui`: the mixer window, on an engine of its own or on one that runs already."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.commands import live
from vqss_engine.errors import UsageError, VQSSError

if TYPE_CHECKING:
    from bridge.osc_client import RemoteControl
    from gui.services import Overview, Services

_OVERVIEW_COLUMNS, _BLOCK_FRAMES = 8192, 65536
_OWN = ("song", "connect", "music", "osc", "source", "settings", "json", "seconds", "measure_latency", "debug", "run")
_TRANSPORT = ("/vqss/source", "/vqss/transport/loop", "/vqss/transport/position", "/vqss/transport/play")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("song", nargs="?", type=Path, metavar="SONG", help="play this song")
    parser.add_argument("--connect", metavar="HOST:PORT", help="show an engine that runs already, here or elsewhere")
    live.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from bridge.osc_client import RemoteControl
    from bridge.osc_sockets import host_and_port

    song = arguments.song or arguments.source
    if song is not None and not song.is_file():
        raise VQSSError(f"there is no file '{song}'; check the path")
    for option in ("json", "seconds", "measure_latency"):
        if getattr(arguments, option):
            raise UsageError(f"--{option.replace('_', '-')} is for `vqss live`; leave it out")
    if arguments.connect:
        remote = RemoteControl(*host_and_port(arguments.connect))
        remote.start()
        return _show(remote, song, arguments.music, f"engine at {remote.host}:{remote.port}")
    return _with_engine(arguments, song)


def _with_engine(arguments: argparse.Namespace, song: Path | None) -> int:
    """Start an engine, show it, and end it."""
    from bridge.engine_child import EngineChild, free_port
    from bridge.osc_client import RemoteControl
    from bridge.osc_sockets import host_and_port

    host, port = host_and_port(arguments.osc) if arguments.osc else ("127.0.0.1", free_port())
    music = arguments.music or _music_folder(song)
    near = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    remote = RemoteControl(near, port)
    options = [*_live_options(arguments), f"--osc={host}:{port}", f"--music={music}"]
    kept: dict[str, Any] = {}

    def settings() -> dict[str, str]:
        kept.update({path: remote.get(path) for path in _TRANSPORT})
        return _changed_settings(remote)

    def give_back_song() -> None:
        remote.set_many(kept)

    child = EngineChild(options, settings, remote.telemetry.report, give_back_song)
    remote.start()
    try:
        return _show(remote, song, music, f"engine at {near}:{port}")
    finally:
        child.close()


def _show(remote: RemoteControl, song: Path | None, music: Path | None, name: str) -> int:
    from gui.app import show

    try:
        return show(remote, services_for(music, name), song)
    finally:
        remote.close()


def _music_folder(song: Path | None) -> Path:
    """The folder that the window may play from: the home folder, or where a song outside of it lies."""
    home = Path.home()
    if song is None or song.resolve().is_relative_to(home.resolve()):
        return home
    return song.resolve().parent


def _live_options(arguments: argparse.Namespace) -> list[str]:
    """The options that the engine is given as they are."""
    options = []
    for name, value in vars(arguments).items():
        if name not in _OWN and value is not None:
            options.append(f"--{name.replace('_', '-')}={value}")
    return [*options, *(f"--set={path}={value}" for path, value in arguments.settings)]


def _changed_settings(remote: RemoteControl) -> dict[str, str]:
    """What differs from the defaults of a fresh engine, as text for --set; transport, views and effects aside."""
    changed = {}
    for parameter in remote.parameters():
        value = remote.get(parameter.path)
        aside = parameter.view_of or parameter.path in _TRANSPORT or "/fx/" in parameter.path
        if not aside and value != parameter.default:
            changed[parameter.path] = str(int(value)) if isinstance(value, bool) else str(value)
    return changed


def services_for(music: Path | None, name: str) -> Services:
    """What the window may ask for."""
    from gui.services import Services

    root = music.resolve() if music else None

    def open_song(path: Path) -> str:
        if root is None:
            raise VQSSError("the engine's music folder is not known here; give it with --music")
        if not path.resolve().is_relative_to(root):
            raise VQSSError(f"{path.name} lies outside {root}; start `vqss gui` with it, or with --music")
        return str(path.resolve().relative_to(root))

    def song_path(source: str) -> Path | None:
        path = root / source if root else None
        return path if path is not None and path.is_file() else None

    return Services(read_overview, open_song, song_path, _export_command, name)


def _export_command(song: Path, folder: Path) -> list[str]:
    return [sys.executable, "-m", "bridge", "separate", str(song), "-o", str(folder), "--overwrite"]


def read_overview(path: Path) -> Overview:
    """Extremes of a song, of all channels, in at most 8192 columns; raises VQSSError."""
    import numpy as np

    from bridge.audio_files import AudioReader
    from gui.services import Overview

    lows, highs, frames = [], [], 0
    step = 256
    with AudioReader(path) as reader:
        for block in reader.blocks(_BLOCK_FRAMES):
            starts = np.arange(0, block.shape[1], step)
            lows.append(np.minimum.reduceat(block.min(axis=0), starts))
            highs.append(np.maximum.reduceat(block.max(axis=0), starts))
            frames += block.shape[1]
        rate_hz = reader.sample_rate
    low, high = np.concatenate(lows or [np.zeros(1)]), np.concatenate(highs or [np.zeros(1)])
    starts = np.unique(np.linspace(0, len(low), _OVERVIEW_COLUMNS, endpoint=False).astype(int))
    extremes = np.stack((np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts))).astype(np.float32)
    return Overview(np.clip(extremes, -1.0, 1.0), frames / rate_hz)
