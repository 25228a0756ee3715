"""Racks on a running engine: loaded, swapped, and open to control.

Threads: `load`, `install` and parameter changes come on any thread that controls (OSC, a screen, the main one); they
may block, and the audio never waits for them. VST3 and AU can be loaded on a process's main thread only, so a load
asked for elsewhere waits until the main thread calls `poll`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any

from bridge.osc_files import file_within
from bridge.rack import BuiltRack, ClusterRack, PluginLatency
from bridge.rack_controls import RackControls
from bridge.rack_file import read_rack
from vqss_engine.engine import Engine
from vqss_engine.errors import VQSSError

RACK_LOAD = "/vqss/rack/load"

_LOAD_TIMEOUT_S = 30.0
_KEPT_RACKS = 3


class RackHost:
    """Puts racks on `engine` and their parameters on its control surface; answers /vqss/rack/load.

    folder: where racks may be loaded from by name, as over the network; None refuses all.
    deadline_s: how long plug-ins from outside pedalboard may take for a hop before their cluster is played
    unprocessed; default one hop; None, for an engine that may be late (freewheeling, files), waits. sample_rate: in
    Hz, where the engine runs at another than the model's.
    """

    def __init__(
        self,
        engine: Engine,
        folder: Path | None = None,
        deadline_s: float | None = -1.0,
        sample_rate: float | None = None,
    ) -> None:
        self._engine, self._folder = engine, folder
        self._sample_rate = engine.sample_rate if sample_rate is None else sample_rate
        self._deadline_s = engine.hop / self._sample_rate if deadline_s is not None and deadline_s < 0 else deadline_s
        self._changing = threading.Lock()
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._controls = RackControls(engine.surface)
        self._past: list[ClusterRack] = []
        self.rack: ClusterRack | None = None
        self.latencies: tuple[PluginLatency, ...] = ()
        engine.surface.on_action(RACK_LOAD, self._load_by_name)

    def load(self, path: str | Path) -> tuple[PluginLatency, ...]:
        """Read a rack file and let it replace the present rack; returns how late each plug-in is.

        Raises VQSSError naming the entry at fault, and then nothing changes.
        """
        source = read_rack(Path(path))
        if source.needs_main_thread and threading.current_thread() is not threading.main_thread():
            return self._on_main_thread(lambda: self.install(ClusterRack.from_source(source)))
        return self.install(ClusterRack.from_source(source))

    def install(self, rack: ClusterRack | None) -> tuple[PluginLatency, ...]:
        """Let `rack` (None: no effects) replace the present one, with a crossfade if the engine runs."""
        with self._changing:
            engine = self._engine
            built = BuiltRack({}, ())
            if rack is not None:
                built = rack.build(self._sample_rate, engine.channels, engine.hop, engine.clusters, self._deadline_s)
            engine.set_inserts(built.inserts)
            self._controls.publish(rack, engine.bypass_insert)
            if self.rack is not None:
                self._past.append(self.rack)
            self.rack, self.latencies = rack, built.latencies
            return self.latencies

    def poll(self) -> None:
        """Do what waits for the main thread; to be called there, some times a second."""
        # Plug-ins are freed on the main thread too, once the engine has surely let go of them.
        del self._past[:-_KEPT_RACKS]
        while True:
            try:
                future, job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except Exception as error:  # whatever it is, whoever waits for the result is told
                future.set_exception(error)

    def _on_main_thread(self, job: Callable[[], Any]) -> Any:
        future: Future[Any] = Future()
        self._jobs.put((future, job))
        try:
            return future.result(_LOAD_TIMEOUT_S)
        except FutureTimeout:
            if not future.cancel():
                return future.result()
            raise VQSSError(
                f"the main thread did not load the plug-ins within {_LOAD_TIMEOUT_S:g} s; try again"
            ) from None

    def _load_by_name(self, name: str, origin: object = None) -> str:
        """Answer to /vqss/rack/load: '' removes all effects."""
        if not name:
            self.install(None)
            return name
        self.load(file_within(self._folder, name))
        return name
