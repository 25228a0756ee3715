"""Buttons that a finger hits: as high as `theme.TOUCH`, with one name for the tip and for screen readers."""

from __future__ import annotations

from PyQt6.QtWidgets import QHBoxLayout, QPushButton

from gui import theme


def touch_button(text: str, name: str) -> QPushButton:
    """A button that shows `text` and is called `name`."""
    button = QPushButton(text)
    button.setAccessibleName(name)
    button.setToolTip(name)
    button.setMinimumHeight(theme.TOUCH)
    return button


def closing_row(*buttons: QPushButton) -> QHBoxLayout:
    """The buttons that end a dialog, at its right; each is called what it shows."""
    row = QHBoxLayout()
    row.addStretch(1)
    for button in buttons:
        button.setMinimumHeight(theme.TOUCH)
        button.setAccessibleName(button.text())
        row.addWidget(button)
    return row
