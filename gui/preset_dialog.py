"""The dialogs that ask for the name of a preset: they stay, with what was typed, until the engine has taken it."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDialog, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.buttons import closing_row
from gui.confirm import agreed
from gui.presets import Presets
from vqss_engine.control import check_preset_name
from vqss_engine.errors import VQSSError

_WIDTH_PX = 420
_NOTE_LINES = 3


class NameDialog(QDialog):
    """Asks for a name; `wish`, which subclasses have, tells what becomes of it by `take` or `refuse`."""

    def __init__(self, presets: Presets, title: str, verb: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._presets, self._waits = presets, False
        self.setWindowTitle(title)
        self.field = QLineEdit()
        self.field.setAccessibleName("Name of the preset")
        self.note = QLabel()
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setWordWrap(True)
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.cancel, self.agree = QPushButton("Cancel"), QPushButton(verb)
        self.agree.setDefault(True)
        self._lay_out()
        self.agree.clicked.connect(self._ask)
        self.cancel.clicked.connect(self.reject)
        self.finished.connect(self._leave)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 14, 18, 14)
        layout.setSpacing(8)
        label = QLabel("Name of the preset")
        label.setBuddy(self.field)
        self.field.setMinimumHeight(theme.TOUCH)
        self.note.setFixedWidth(_WIDTH_PX)
        # Nothing moves when it tells something.
        self.note.setMinimumHeight(_NOTE_LINES * self.note.fontMetrics().lineSpacing())
        for widget in (label, self.field, self.note):
            layout.addWidget(widget)
        layout.addLayout(closing_row(self.cancel, self.agree))

    def wish(self, name: str) -> None:
        """Ask the engine to use this name."""
        raise NotImplementedError

    def take(self) -> None:
        """The name is taken: go."""
        self._wait(False)
        if self.isHidden():     # it was left while the engine thought
            self.deleteLater()
        else:
            self.accept()

    def refuse(self, reason: str) -> None:
        """The name is not taken: tell why, here as long as the dialog is open."""
        self._wait(False)
        if self.isHidden():
            self._presets.failed.emit(reason)
            self.deleteLater()
            return
        self._tell(reason)
        self.field.setFocus()

    def _ask(self) -> None:
        name = self.field.text().strip()
        try:
            check_preset_name(name)
        except VQSSError as error:
            self.refuse(str(error))
            return
        self._wait(True)
        self._tell("Waiting for the engine…")
        self.wish(name)

    def _wait(self, waits: bool) -> None:
        self._waits = waits
        self.agree.setEnabled(not waits)
        self.field.setReadOnly(waits)

    def _tell(self, text: str) -> None:
        self.note.setText(text)
        self.field.setAccessibleDescription(text)

    def _leave(self) -> None:
        if not self._waits:
            self.deleteLater()


class SaveDialog(NameDialog):
    """Saves the mixer as a preset; what has that name already is not replaced unasked."""

    def __init__(self, presets: Presets, parent: QWidget) -> None:
        super().__init__(presets, "Save a preset", "Save", parent)

    def wish(self, name: str) -> None:
        self._presets.ask(partial(self._save, name), self.refuse)

    def _save(self, name: str, names: Collection[str]) -> None:
        if self.isHidden():     # then nothing is wanted any more
            self.take()
        elif name in names and not self._may_replace(name):
            self.refuse("")
        else:
            self._presets.save(name, self.take, self.refuse)

    def _may_replace(self, name: str) -> bool:
        return agreed(self, f"There is a preset “{name}”. Replace it?", "Replace", "Keep the old one")

class RenameDialog(NameDialog):
    """Gives a preset another name, which no other has."""

    def __init__(self, presets: Presets, parent: QWidget, name: str) -> None:
        super().__init__(presets, f"Rename the preset “{name}”", "Rename", parent)
        self._name = name
        self.field.setText(name)
        self.field.selectAll()

    def wish(self, name: str) -> None:
        if name == self._name:
            self.take()
        else:
            self._presets.rename(self._name, name, self.take, self.refuse)
