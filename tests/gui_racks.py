"""A mixer window on a small engine that plays real effects, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.commands.gui_services import services_for
from bridge.rack_host import RackHost
from bridge.rack_store import RackStore
from gui.mixer_window import MixerWindow
from gui.services import Services
from tests.gui_windows import settle, window_on
from tests.streams import small_engine
from vqss_engine.engine import Engine

PATIENCE_S = 90.0


class Bench:
    """The engine, the host of its effects, and a window on both."""

    def __init__(self, engine: Engine, host: RackHost, window: MixerWindow) -> None:
        self.engine, self.host, self.window = engine, host, window
        self.surface, self.effects, self.panel = engine.surface, window.dock.effects, window.dock.panel

    def names(self, key: int | str) -> list[str]:
        """What the engine really plays a chain through."""
        rack = self.host.rack
        return [type(item).__name__ for item in rack.chains.get(key, [])] if rack else []

    def ready(self) -> None:
        """Wait until what was asked for is loaded."""
        deadline = time.monotonic() + PATIENCE_S
        settle()
        while self.effects.busy or self.window.presets.busy:
            assert time.monotonic() < deadline, "the rack was not loaded"
            settle()
        settle()


def rack_services(engine: Engine, folder: Path) -> tuple[RackHost, Services]:
    """Effects for an engine of this process, with racks in `folder`."""
    host = RackHost(engine, folder)
    store = RackStore(engine.surface, folder, "window.json")
    return host, services_for(engine.surface, None, "this engine", store)  # type: ignore[arg-type]


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """A window whose panel of effects is open at cluster 1."""
    engine = small_engine()
    host, services = rack_services(engine, folder)
    with window_on(engine.surface, folder, services) as window:
        window.dock.show("1")
        made = Bench(engine, host, window)
        yield made
        made.ready()
