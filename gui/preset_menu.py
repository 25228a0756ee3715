"""The menu of presets: what there is to load, rename and delete, and saving."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QMenu, QWidget

from gui.confirm import agreed
from gui.menus import add_action
from gui.preset_dialog import RenameDialog, SaveDialog
from gui.presets import Presets


class PresetMenu(QMenu):
    """Begins with `names`, and follows what comes and goes while it is open. `asker` is what its dialogs belong to."""

    def __init__(self, presets: Presets, names: Iterable[str], asker: QWidget) -> None:
        super().__init__(asker)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._presets, self._asker = presets, asker
        self._entries: list[QAction] = []
        self._rest = self.addSeparator()
        add_action(self, "Save as…", partial(_open, SaveDialog, presets, asker))
        self.rename, self.delete = QMenu("Rename", self), QMenu("Delete", self)
        for menu in (self.rename, self.delete):
            self.addMenu(menu)
        presets.listed.connect(self.show_names)
        self.show_names(names)

    def show_names(self, names: Iterable[str]) -> None:
        """Offer these presets."""
        for entry in self._entries:
            for menu in (self, self.rename, self.delete):
                menu.removeAction(entry)
            entry.deleteLater()
        self._entries = [entry for name in names for entry in self._offer(name)]
        for menu in (self.rename, self.delete):
            menu.setEnabled(bool(self._entries))

    def _offer(self, name: str) -> tuple[QAction, ...]:
        presets, asker = self._presets, self._asker
        return (
            add_action(self, name, partial(presets.load, name), self._rest),
            add_action(self.rename, f"{name}…", partial(_open, RenameDialog, presets, asker, name)),
            add_action(self.delete, f"{name}…", partial(_delete, presets, asker, name)),
        )


def _open(kind: Callable[..., SaveDialog | RenameDialog], *arguments: object) -> None:
    kind(*arguments).open()


def _delete(presets: Presets, asker: QWidget, name: str) -> None:
    if agreed(asker, f"Delete the preset “{name}”? It cannot be brought back.", "Delete", "Keep it"):
        presets.delete(name)
