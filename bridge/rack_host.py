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

from bridge.osc_answers import LOAD_TIMEOUT_S
from bridge.osc_files import file_within
from bridge.rack import BuiltRack, ClusterRack, PluginLatency
from bridge.rack_controls import RackControls
from bridge.rack_file import RackSource, read_rack
from vqss_engine.engine import Engine
from vqss_engine.errors import VQSSError
from vqss_engine.vocabulary import RACK_LOAD

_KEPT_RACKS = 3


class RackHost:
    """Puts racks on `engine` and their parameters on its control surface; answers /vqss/rack/load.

    folder: where racks may be loaded from by name, as over the network; None refuses all. sample_rate: that of the
    samples the engine is given, in Hz, where it is another than the model's; see `run_at`. A plug-in that takes longer
    than the engine's `insert_deadline` leaves its cluster unprocessed.
    """

    def __init__(self, engine: Engine, folder: Path | None = None, sample_rate: float | None = None) -> None:
        self._engine, self._folder = engine, folder
        self._sample_rate = engine.sample_rate if sample_rate is None else sample_rate
        self._changing = threading.Lock()
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._controls = RackControls(engine.surface)
        self._past: list[ClusterRack] = []
        self.rack: ClusterRack | None = None
        self.source: RackSource | None = None
        self.latencies: tuple[PluginLatency, ...] = ()
        engine.surface.on_action(RACK_LOAD, self._load_by_name)

    def load(self, path: str | Path) -> tuple[PluginLatency, ...]:
        """Read a rack file and let it replace the present rack; returns how late each plug-in is.

        Raises VQSSError naming the entry at fault, and then nothing changes.
        """
        return self.load_source(read_rack(Path(path)))

    def load_source(self, source: RackSource) -> tuple[PluginLatency, ...]:
        """The same with a rack that was read already; it stays known as `source`."""
        if source.needs_main_thread and threading.current_thread() is not threading.main_thread():
            return self._on_main_thread(lambda: self.install(ClusterRack.from_source(source), source))
        return self.install(ClusterRack.from_source(source), source)

    def install(self, rack: ClusterRack | None, source: RackSource | None = None) -> tuple[PluginLatency, ...]:
        """Let `rack` (None: no effects) replace the present one, with a crossfade if the engine runs.

        source: what the rack was made from, if it was read.
        """
        with self._changing:
            built = self._built(rack)
            self._engine.set_inserts(built.inserts)
            self._controls.publish(rack, self._engine.bypass_insert)
            if self.rack is not None:
                self._past.append(self.rack)
            self.rack, self.source, self.latencies = rack, source, built.latencies
            return self.latencies

    def run_at(self, sample_rate: float) -> None:
        """The engine is given samples at `sample_rate` (Hz) from now on: tune plug-ins and deadline to it.

        Only while the engine does not run. A rack that does not work at that rate is reported, and not heard.
        """
        with self._changing:
            if sample_rate == self._sample_rate:
                return
            self._sample_rate = sample_rate
            engine = self._engine
            if engine.insert_deadline.seconds is not None:
                engine.insert_deadline.seconds = engine.hop / sample_rate
            try:
                built = self._built(self.rack)
            except VQSSError as error:
                engine.telemetry.report(f"{error} (at {sample_rate:g} Hz)")
                built = BuiltRack({}, ())
            engine.set_inserts(built.inserts, at_once=True)
            self._controls.pass_by_again()
            self.latencies = built.latencies

    def _built(self, rack: ClusterRack | None) -> BuiltRack:
        engine = self._engine
        if rack is None:
            return BuiltRack({}, ())
        return rack.build(self._sample_rate, engine.channels, engine.hop, engine.clusters, engine.insert_deadline)

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
            return future.result(LOAD_TIMEOUT_S)
        except FutureTimeout:
            if not future.cancel():
                return future.result()
            raise VQSSError(
                f"the main thread did not load the plug-ins within {LOAD_TIMEOUT_S:g} s; try again"
            ) from None

    def _load_by_name(self, name: str, origin: object = None) -> str:
        """Answer to /vqss/rack/load: '' removes all effects."""
        if not name:
            self.install(None)
            return name
        self.load(file_within(self._folder, name))
        return name
