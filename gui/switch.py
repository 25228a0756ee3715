"""A button that shows a switch of the mixer."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QPushButton, QSizePolicy, QWidget

from gui import theme


class SwitchButton(QPushButton):
    """Shows a switch; `asked(on)` tells what the user wants."""

    asked = pyqtSignal(bool)

    def __init__(self, text: str, kind: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setObjectName(kind)
        self.setCheckable(True)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setMinimumSize(18, theme.TOUCH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.asked)

    def show_on(self, on: bool) -> None:
        """Show a state; tells nobody."""
        self.setChecked(on)
