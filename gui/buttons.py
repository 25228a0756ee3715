"""Buttons that a finger hits: as high as `theme.TOUCH`, with one name for the tip and for screen readers."""

from __future__ import annotations

from PyQt6.QtWidgets import QPushButton

from gui import theme


def touch_button(text: str, name: str) -> QPushButton:
    """A button that shows `text` and is called `name`."""
    button = QPushButton(text)
    button.setAccessibleName(name)
    button.setToolTip(name)
    button.setMinimumHeight(theme.TOUCH)
    return button
