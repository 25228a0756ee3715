"""Entries of menus that show names as they are."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QMenu, QWidget


def new_menu(parent: QWidget) -> QMenu:
    """A menu that goes when it is closed."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return menu


def add_action(menu: QMenu, text: str, act: Callable[[], object], before: QAction | None = None) -> QAction:
    """An entry that shows `text`, in which & is no mnemonic; the last one, or before another."""
    action = QAction(text.replace("&", "&&"), menu)
    action.triggered.connect(lambda _: act())
    menu.insertAction(before, action)
    return action
