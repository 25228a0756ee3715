"""Random user actions on a mixer window: what a hand may do, from a seed. `python -m tests.gui_actions 10000`."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication

from gui.chains import chain_of, is_on
from gui.mixer_window import MixerWindow
from gui.services import EffectKind
from gui.strip_menu import build_menu
from tests.gui_racks import rack_services
from tests.gui_windows import (
    CONTROL,
    NONE,
    SHIFT,
    assert_agreement,
    click,
    drag,
    key,
    settle,
    shown,
    turn,
    type_into,
    wheel,
    window_on,
)
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import ModelConfig, StreamConfig
from vqss_engine.control import ControlSurface, bypass_path, chain_path
from vqss_engine.engine import Engine

PATIENCE_S = 60.0
KEYS = [
    getattr(Qt.Key, f"Key_{name}")
    for name in ("0", "1", "3", "M", "S", "B", "T", "C", "G", "H", "V", "Left", "Right", "Up", "Down", "PageUp",
                 "PageDown", "Home", "End", "Escape", "BracketLeft", "BracketRight", "Space", "F", "D")
]  # fmt: skip
MODIFIERS = (NONE, NONE, NONE, SHIFT, CONTROL)
EFFECTS = ("Gain", "Compressor", "Invert", "Delay", "Nothing")
TEXTS = ("-6", "3.5", "-inf", "x", "", "1e9", "nan", "drums", "two words", "0")


class Hand:
    """Does one random thing after the other to a window and, now and then, to its surface from elsewhere."""

    def __init__(self, window: MixerWindow, surface: ControlSurface, seed: int) -> None:
        self._window, self._surface = window, surface
        self._random = random.Random(seed)
        self._things: tuple[Callable[[], object], ...] = (
            self._wheel, self._wheel, self._drag, self._click, self._click, self._key, self._key, self._type,
            self._menu, self._undo, self._remote, self._levels, self._tool, self._resize, self._panel, self._effect,
            self._effect, self._dialog,
        )  # fmt: skip

    def act(self) -> None:
        """Do one thing."""
        self._random.choice(self._things)()

    def _strip(self):  # type: ignore[no-untyped-def]
        return self._random.choice(self._window.row.strips)

    def _modifiers(self) -> Qt.KeyboardModifier:
        return self._random.choice(MODIFIERS)

    def _slider(self):  # type: ignore[no-untyped-def]
        strip = self._strip()
        return self._random.choice((strip.fader, strip.fader, strip.pan, self._window.main.fader))

    def _wheel(self) -> None:
        wheel(self._slider(), self._random.randint(-30, 30), self._modifiers())

    def _drag(self) -> None:
        by = QPoint(self._random.randint(-80, 80), self._random.randint(-400, 400))
        drag(self._slider(), by, self._modifiers(), self._random.randint(1, 4))

    def _click(self) -> None:
        strip, main = self._strip(), self._window.main
        click(self._random.choice((strip.mute, strip.solo, strip.meter, main.mute, main.limiter, strip.tile)),
              self._modifiers())  # fmt: skip
        if self._random.random() < 0.3:
            click(strip.chip, CONTROL)

    def _key(self) -> None:
        key(self._window, self._random.choice(KEYS), self._modifiers())

    def _type(self) -> None:
        strip = self._strip()
        type_into(self._random.choice((strip.gain, strip.name, self._window.main.gain)), self._random.choice(TEXTS))

    def _menu(self) -> None:
        strip = self._strip()
        menu = build_menu(strip.k, self._window.model, self._window)
        actions = [action for action in menu.actions() if action.menu() is None]
        for below in (action.menu() for action in menu.actions()):
            actions += below.actions() if below is not None else []
        self._random.choice(actions).trigger()
        menu.close()

    def _undo(self) -> None:
        for _ in range(self._random.randint(1, 4)):
            self._random.choice((self._window.model.undo, self._window.model.redo))()

    def _remote(self) -> None:
        base = f"/vqss/cluster/{self._random.randrange(self._surface.clusters)}"
        value = self._random.choice(
            (("gain", self._random.uniform(-70, 12)), ("mute", self._random.random() < 0.5), ("pan", 0.3),
             ("group", self._random.randrange(-1, self._surface.clusters)), ("name", "theirs"), ("fader", 0.6))
        )  # fmt: skip
        self._surface.set(f"{base}/{value[0]}", value[1], "somebody")

    def _levels(self) -> None:
        telemetry = self._surface.telemetry
        for k in range(self._surface.clusters + 1):
            telemetry.rms_power[k] = self._random.choice((0.0, 1e-9, 0.01, 2.0))
            telemetry.peak_power[k] = 2 * telemetry.rms_power[k]
        rows = (self._surface.clusters + 1) * 64
        telemetry.spectra = (self._random.randrange(10**6), self._random.randbytes(rows))
        self._window.advance(self._random.uniform(0, 1e5))

    def _tool(self) -> None:
        bar = self._window.toolbar
        click(self._random.choice((bar.undo, bar.redo, bar.copy, bar.clear_solo, bar.spectra, bar.hide_unused,
                                   *bar.scenes.values())))  # fmt: skip

    def _panel(self) -> None:
        dock = self._window.dock
        self._random.choice((
            dock.toggle, lambda: dock.show("main"), lambda: dock.show(str(self._strip().k)),
            lambda: click(self._strip().fx), lambda: click(self._window.main.fx),
        ))()  # fmt: skip

    def _effect(self) -> None:
        """Something in the panel of effects; loading goes on while other things are done."""
        panel, effects = self._window.dock.panel, self._window.dock.effects
        if panel.isHidden():
            return
        what = self._random.random()
        if what < 0.25 and effects.editable and len(panel.cards) < 3:
            panel.add_effect(EffectKind("", "", {"plugin": self._random.choice(EFFECTS)}))
        elif what < 0.45:
            click(panel.bypass)
        elif panel.cards:
            card = self._random.choice(panel.cards)
            buttons = [card.up, card.down, card.on, card.on, card.remove]
            rows = [row for row in card.rows.values() if hasattr(row, "slider")]
            if rows and what < 0.75:
                row = self._random.choice(rows)
                turn(row.slider, self._random.randint(-9, 9), self._modifiers())
                type_into(row.field, self._random.choice(TEXTS))
            else:
                click(self._random.choice(buttons))

    def _dialog(self) -> None:
        self._window.show_devices()
        settle()
        assert self._window.devices is not None
        self._window.devices.close()

    def _resize(self) -> None:
        self._window.resize(self._random.randint(900, 2400), self._random.randint(500, 1400))
        settle()


def play(
    window: MixerWindow, surface: ControlSurface, actions: int, seed: int, tick: Callable[[], object]
) -> set[str]:
    """Do so many things, and compare window and surface all along; returns the paths that ever changed.

    `tick` is called all the time, as the main thread of an engine does.
    At the end nothing is on its way, and the panel shows the effects that the engine has.
    """
    hand, first, changed = Hand(window, surface, seed), shown(window), set()
    for step in range(actions):
        hand.act()
        tick()
        if step % 20 == 0 or step == actions - 1:
            assert_agreement(window, surface)
            changed |= {path for path, value in shown(window).items() if value != first[path]}
    deadline = time.monotonic() + PATIENCE_S
    while window.dock.effects.busy:
        assert time.monotonic() < deadline, "a rack is stuck"
        settle()
    assert_agreement(window, surface)
    assert_effects(window, surface)
    return changed


def assert_effects(window: MixerWindow, surface: ControlSurface) -> None:
    """Every chain on the screen is the one in the engine, with its values."""
    dock = window.dock
    dock.panel.show()
    for chain in ("main", *(str(k) for k in range(surface.clusters))):
        dock.panel.show_chain(chain)
        settle()
        running = [entry for entry in chain_of(dock.effects.chains, chain) if is_on(entry)]
        assert bool(running) == (bypass_path(chain) in surface)
        rows = {path: row for path, row in dock.panel._rows.items() if hasattr(row, "slider")}
        assert {path: row.slider.current for path, row in rows.items()} == {path: surface.get(path) for path in rows}
        assert {path for path in rows} == {
            parameter.path for parameter in surface.parameters()
            if parameter.path.startswith(chain_path(chain) + "/") and parameter.kind == "float"
        }  # fmt: skip


def main() -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    actions = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    failures: list[object] = []
    sys.excepthook = lambda kind, error, trace: (failures.append(error), sys.__excepthook__(kind, error, trace))
    config = ModelConfig(width=16, layers=1, recurrent_width=16, band_hidden=16)
    engine = Engine(ModelBundle.random(config), StreamConfig.named("default"), 2)
    surface = engine.surface
    with tempfile.TemporaryDirectory() as folder:
        host, services = rack_services(engine, Path(folder))
        with window_on(surface, Path(folder), services) as window:
            changed = play(window, surface, actions, seed, host.poll)
            print(f"{actions} actions, seed {seed}: {len(changed)} parameters moved, {len(failures)} exceptions")
    QApplication.closeAllWindows()
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
