"""`vqss gui`: the mixer window, on an engine of its own or on one that runs already.

Threads: the caller's shows the window; `window-tried` waits for a process that tries Qt, and the caller for it.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.commands import live
from bridge.console import say
from bridge.doctor import window_fault
from vqss_engine.errors import UsageError, VQSSError
from vqss_engine.stop_signals import end_if_asked, ending_signals

if TYPE_CHECKING:
    from bridge.osc_client import RemoteControl
    from gui.services import Services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("song", nargs="?", type=Path, metavar="SONG", help="play this song")
    parser.add_argument("--connect", metavar="HOST:PORT", help="show an engine that runs already, here or elsewhere")
    live.add_arguments(
        parser,
        osc="default 127.0.0.1:9000, or any free port where that is taken",
        racks="default: a folder of its own",
        freewheel=argparse.SUPPRESS,
    )


def run(arguments: argparse.Namespace) -> int:
    song = arguments.song or arguments.source
    if song is not None and not song.is_file():
        raise VQSSError(f"there is no file '{song}'; check the path")
    if arguments.osc == live.NO_OSC:
        raise UsageError("the mixer window needs OSC to reach its engine; leave --osc none out")
    if arguments.freewheel:
        raise UsageError("--freewheel is for `vqss live`; leave it out")
    if arguments.connect and (arguments.json or arguments.measure_latency):
        raise UsageError("--json and --measure-latency are for an engine that starts here; leave out --connect or them")
    if arguments.measure_latency:
        return live.run(arguments)      # which needs no window
    with _window_tried():
        from gui.app import show  # meanwhile
    with _foreign_engine(arguments) if arguments.connect else own_engine(arguments, song) as (remote, services):
        end_if_asked()      # while Qt was imported, say
        return show(remote, services, song, lambda: _painted(arguments), (signal.SIGINT, *ending_signals()))


@contextmanager
def _window_tried() -> Iterator[None]:
    """Try in another process whether a window can open: Qt ends one where it cannot. Raises VQSSError."""
    with ThreadPoolExecutor(1, "window-tried") as pool:
        fault = pool.submit(window_fault)
        yield
    if text := fault.result():
        raise VQSSError(text)


def _painted(arguments: argparse.Namespace) -> None:
    """What begins once the window shows."""
    from PyQt6.QtCore import QCoreApplication, QTimer

    if arguments.seconds is not None:
        QTimer.singleShot(round(1000 * arguments.seconds), QCoreApplication.exit)
    if arguments.debug:
        _tell_start()


def _tell_start() -> None:
    """Say how long it took from the start of this process to here."""
    import psutil

    took_s = time.time() - psutil.Process().create_time()
    say(f"mixer painted {took_s:.2f} s after the start, {time.process_time():.2f} s of them computing")


@contextmanager
def _foreign_engine(arguments: argparse.Namespace) -> Iterator[tuple[RemoteControl, Services]]:
    """The mixer of an engine that runs already, and what a window on it may ask for."""
    from bridge.commands.gui_services import services_for
    from bridge.osc_client import RemoteControl
    from bridge.osc_sockets import address_text, host_and_port

    remote = RemoteControl(*host_and_port(arguments.connect))
    remote.start()
    try:
        name = f"engine at {address_text(remote.host, remote.port)}"
        yield remote, services_for(remote, arguments.music, name, model=arguments.model)
    finally:
        remote.close()


@contextmanager
def own_engine(arguments: argparse.Namespace, song: Path | None) -> Iterator[tuple[RemoteControl, Services]]:
    """The mixer of an engine that is started here and ended at the end, and what a window on it may ask for."""
    from platformdirs import user_config_path

    from bridge.commands.gui_services import services_for
    from bridge.gui_engine import OwnEngine
    from bridge.osc_client import RemoteControl
    from bridge.osc_sockets import address_text
    from bridge.rack_store import RackStore

    music = arguments.music or _music_folder(song)
    folder = arguments.racks or user_config_path("vqss") / "racks"
    with nullcontext(_place_at(arguments.osc)) if arguments.osc else _place_of_its_own() as (host, port):
        near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        remote = RemoteControl(near, port)
        racks = RackStore(remote, folder, f".window-{port}.json", arguments.rack, arguments.preset)
        engine = OwnEngine(arguments, remote, address_text(host, port), music, racks)
        try:
            remote.start()
            name = f"engine at {address_text(near, port)}"
            yield remote, services_for(remote, music, name, racks, engine, arguments.model)
        finally:
            remote.close()
            engine.close()
    if arguments.json:
        _print_report(engine.report)


def _place_at(text: str) -> tuple[str, int]:
    """Host and port as they were asked for, any port for 0. Raises VQSSError where another has that port: the window
    would show what runs there as its own."""
    from bridge.osc_sockets import host_and_port, untaken_port

    host, port = host_and_port(text)
    return host, untaken_port(host, port)


@contextmanager
def _place_of_its_own() -> Iterator[tuple[str, int]]:
    """Host and port for the engine, which no other window takes while this one is open, however soon it follows."""
    from PyQt6.QtCore import QLockFile

    from bridge.osc_sockets import DEFAULT_HOST, DEFAULT_PORT, free_port

    port = free_port(first=DEFAULT_PORT)
    while not (lock := QLockFile(str(Path(tempfile.gettempdir()) / f"vqss-window-{port}.lock"))).tryLock():
        if lock.error() != QLockFile.LockError.LockFailedError:
            break       # a folder that nobody can write to keeps no window from opening
        port = free_port()
    try:
        yield DEFAULT_HOST, port
    finally:
        lock.unlock()


def _print_report(report: str) -> None:
    """Print what the engine told of its run; raises VQSSError where it ended otherwise."""
    if not report:
        raise VQSSError("the engine ended without a report of its run; try `vqss live --json`")
    print(report, end="")


def _music_folder(song: Path | None) -> Path:
    """The folder that the window may play from: the home folder, or where a song outside of it lies."""
    home = Path.home()
    if song is None or song.resolve().is_relative_to(home.resolve()):
        return home
    return song.resolve().parent
