"""One effect of a chain: its name, on and off, its place, and the rows of its parameters."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.parameter_row import ParameterRow
from gui.switch import SwitchButton


class EffectCard(QFrame):
    """An effect in its chain. `moved(by)`, `removed()`, `switched(on)` tell what the user wants."""

    moved = pyqtSignal(int)
    removed = pyqtSignal()
    switched = pyqtSignal(bool)

    def __init__(self, number: int, title: str, on: bool, editable: bool, last: bool) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAccessibleName(f"Effect {number + 1}: {title}")
        self.title = title
        self.rows: dict[str, ParameterRow] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(8, 6, 8, 8)
        self._layout.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(4)
        label = QLabel(f"{number + 1}  {title}")
        label.setFont(theme.font(9.5, bold=True))
        label.setEnabled(on)
        label.setMinimumWidth(20)
        self.on = SwitchButton("On" if on else "Off", "switch", f"Hear {title}")
        self.on.show_on(on)
        self.on.setFixedWidth(44)
        self.on.asked.connect(self.switched)
        head.addWidget(label, 1)
        head.addWidget(self.on)
        self.up = self._button("↑", f"Move {title} towards the beginning", lambda: self.moved.emit(-1))
        self.down = self._button("↓", f"Move {title} towards the end", lambda: self.moved.emit(1))
        self.remove = self._button("✕", f"Remove {title}", self.removed.emit)
        for button in (self.on, self.up, self.down, self.remove):
            button.setEnabled(editable)
            if button is not self.on:
                head.addWidget(button)
        self.up.setEnabled(editable and number > 0)
        self.down.setEnabled(editable and not last)
        self._layout.addLayout(head)

    def _button(self, text: str, name: str, act: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName("small")
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.setFixedSize(theme.TOUCH, theme.TOUCH)
        button.clicked.connect(lambda: act())
        return button

    def add_row(self, name: str, row: ParameterRow) -> None:
        """Put a parameter's row at the end."""
        self.rows[name] = row
        self._layout.addWidget(row)

    @property
    def controls(self) -> list[QWidget]:
        """All that can have the focus, in the order of reading."""
        rows = (control for row in self.rows.values() for control in row.controls)
        return [self.on, self.up, self.down, self.remove, *rows]

    def say(self, text: str) -> None:
        """Put a quiet line at the end."""
        label = QLabel(text)
        label.setObjectName("quiet")
        label.setWordWrap(True)
        self._layout.addWidget(label)
