"""Keys that a focused control wants for itself, though they are shortcuts of the window."""

from __future__ import annotations

from collections.abc import Container

from PyQt6.QtCore import QEvent
from PyQt6.QtGui import QKeyEvent


def claimed(event: QEvent | None, keys: Container[int]) -> bool:
    """Whether `event` offers one of `keys` before the window's shortcuts get it; then it is accepted."""
    if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.ShortcutOverride or event.key() not in keys:
        return False
    event.accept()
    return True
