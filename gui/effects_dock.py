"""The effects beside the strips: which chain the panel shows, and what the strips' FX buttons say."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QApplication

from gui.chains import MAIN
from gui.effects_model import EffectsModel
from gui.effects_panel import EffectsPanel
from gui.main_strip import MainStrip
from gui.model import MixerModel
from gui.services import Racks
from gui.strip_row import StripRow
from vqss_engine.control import Value, bypass_path, place_of


class EffectsDock(QObject):
    """Holds the panel, joined to the strips of `row` and to `main`. `shown(on)`: it came or went."""

    shown = pyqtSignal(bool)

    def __init__(
        self, model: MixerModel, racks: Racks | None, row: StripRow, main: MainStrip, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.effects = EffectsModel(model, racks, self)
        self.panel = EffectsPanel(model, self.effects)
        self._row, self._main = row, main
        self._counts: dict[str, int] = {}
        self.effects.changed.connect(self.refresh)
        self.panel.closed.connect(self.toggle)
        row.current_changed.connect(self._follow)
        for key, strip in ((MAIN, main), *((str(strip.k), strip) for strip in row.strips)):
            strip.effects_wanted.connect(lambda key=key: self.show(key))

    def show(self, key: str) -> None:
        """Show the effects of a cluster, which is chosen, or of the main output; hide them where they are shown."""
        hide = not self.panel.isHidden() and self.panel.key == key
        if hide and self.panel.isAncestorOf(QApplication.focusWidget()):
            self._row.rest()      # else the focus falls on what comes next, and keys act on that
        if key != MAIN:
            self._row.choose(int(key))
        self.panel.show_chain(key)
        self.panel.setVisible(not hide)
        self.shown.emit(not hide)

    def toggle(self) -> None:
        """Show the effects of the chosen strip, or hide those that are shown."""
        self.show(str(self._row.current) if self.panel.isHidden() else self.panel.key)

    def _follow(self, k: int) -> None:
        if not self.panel.isHidden() and self.panel.key != str(k):
            self.panel.show_chain(str(k))

    def refresh(self) -> None:
        """Show on all strips what effects they have."""
        now = self.effects.now()
        for key in (MAIN, *(str(strip.k) for strip in self._row.strips)):
            self._counts[key] = now.count(key)
            self._show_count(key)

    def show_value(self, path: str, value: Value) -> bool:
        """Show a parameter, if it is an effect's."""
        place = place_of(path)
        if place is None:
            return False
        self.panel.show_value(path, value)
        if path == bypass_path(place.chain):
            self._show_count(place.chain)
        return True

    def _show_count(self, key: str) -> None:
        strip = self._main if key == MAIN else self._row.strips[int(key)]
        strip.fx.show_effects(self._counts.get(key, 0), self.effects.bypassed(key))
