"""The bar on top: undo and redo, scenes, presets, views."""

from __future__ import annotations

from collections.abc import Iterable

from PyQt6.QtCore import QRect, Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gui import theme
from gui.buttons import touch_button
from gui.model import MixerModel
from gui.preset_dialog import SaveDialog
from gui.preset_menu import PresetMenu
from gui.presets import Presets
from gui.scenes import NAMES, Scenes
from gui.switch import SwitchButton


class ToolBar(QWidget):
    """Buttons for what concerns the whole mixer."""

    spectra_wanted = pyqtSignal(bool)
    hide_unused_wanted = pyqtSignal(bool)
    effects_wanted = pyqtSignal()
    help_wanted = pyqtSignal()

    def __init__(
        self, model: MixerModel, scenes: Scenes, presets: Presets, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model, self._scenes, self._presets = model, scenes, presets
        self._asking = False    # which presets there are
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.undo = touch_button("↶ Undo", "Undo the last move (Ctrl+Z)")
        self.redo = touch_button("↷ Redo", "Redo (Ctrl+Shift+Z)")
        self.scenes = {name: SwitchButton(name, "scene", f"Scene {name} (T switches)") for name in NAMES}
        self.copy = touch_button("A → B", "Make the other scene like this one")
        self.presets = touch_button("Presets", "Load, save, rename or delete a preset")
        self.clear_solo = touch_button("Clear solos", "Solo nothing (Esc)")
        self.clear_solo.setObjectName("unsolo")
        self.effects = SwitchButton("Effects", "view", "Show the effects of the chosen strip (F)")
        self.spectra = SwitchButton("Spectra", "view", "Show the spectrograms of all clusters (V)")
        self.hide_unused = SwitchButton("Hide unused", "view", "Hide strips of clusters that hold nothing (H)")
        self.help = touch_button("?", "Keys (F1)")
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 5, 10, 5)
        layout.setSpacing(5)
        title = QLabel("VQSS")
        title.setFont(theme.font(12.0, bold=True))
        layout.addWidget(title)
        layout.addSpacing(12)
        for scene in self.scenes.values():
            scene.setFixedWidth(34)
        for switch, width in ((self.effects, 76), (self.spectra, 78), (self.hide_unused, 106)):
            switch.setFixedWidth(width)
        left = (self.undo, self.redo, None, *self.scenes.values(), self.copy, None, self.presets)
        for widget in left:
            if widget is None:
                layout.addSpacing(10)
            else:
                layout.addWidget(widget)
        layout.addStretch(1)
        for widget in (self.clear_solo, self.hide_unused, self.effects, self.spectra, self.help):
            layout.addWidget(widget)

    def _connect(self) -> None:
        self.undo.clicked.connect(lambda: self._model.undo())
        self.redo.clicked.connect(lambda: self._model.redo())
        for name, button in self.scenes.items():
            button.asked.connect(lambda _, name=name: self._switch(name))
        self.copy.clicked.connect(self._scenes.copy)
        self.presets.clicked.connect(self.open_presets)
        self.clear_solo.clicked.connect(self.unsolo)
        self.spectra.asked.connect(self.spectra_wanted)
        self.hide_unused.asked.connect(self.hide_unused_wanted)
        self.effects.asked.connect(lambda _: self.effects_wanted.emit())
        self.help.clicked.connect(self.help_wanted)
        self._scenes.changed.connect(self.refresh)
        self._model.history_changed.connect(self.refresh)

    def _switch(self, name: str) -> None:
        self._scenes.switch(name)
        self.refresh()

    def spots(self) -> list[QRect]:
        """Where something may lie over it for a while: between the buttons, over those to the right, over all."""
        left, right = self.presets.geometry().right() + 10, self.clear_solo.x() - 8
        sides = ((left, right), (left, self.width() - 8), (8, self.width() - 8))
        return [QRect(start, 2, end - start, self.height() - 4) for start, end in sides]

    def refresh(self) -> None:
        """Show what can be undone, and the scene that is heard."""
        self.undo.setEnabled(self._model.history.can_undo)
        self.redo.setEnabled(self._model.history.can_redo)
        for name, button in self.scenes.items():
            button.show_on(name == self._scenes.current)
        self.copy.setText("A → B" if self._scenes.current == "A" else "B → A")

    def show_soloed(self, soloed: bool) -> None:
        """Light up while a solo keeps others silent."""
        if bool(self.clear_solo.property("lit")) != soloed:
            self.clear_solo.setProperty("lit", soloed)
            theme.look_again(self.clear_solo)

    def unsolo(self) -> None:
        """Solo nothing."""
        self._model.move({f"/vqss/cluster/{k}/solo": False for k in range(self._model.clusters)})

    def open_presets(self) -> None:
        """Show the menu of presets, as soon as the engine has told which there are."""
        if not self._asking:
            self._asking = True
            self._presets.ask(self._show_presets, self._miss_presets)

    def _show_presets(self, names: Iterable[str]) -> None:
        self._asking = False
        PresetMenu(self._presets, names, self).popup(self.presets.mapToGlobal(self.presets.rect().bottomLeft()))

    def _miss_presets(self, text: str) -> None:
        self._asking = False
        self._presets.failed.emit(text)

    def save_preset(self) -> None:
        """Ask for a name and keep the mixer under it."""
        SaveDialog(self._presets, self).open()
