"""What hands do with the presets of a window, for the tests of the screen."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QMenu

from gui.mixer_window import MixerWindow
from gui.preset_dialog import NameDialog
from tests.gui_windows import click, settle, wait_until


def open_presets(window: MixerWindow) -> QMenu:
    """Press the button, and wait for the menu."""
    click(window.toolbar.presets)
    wait_until(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def entries(menu: QMenu) -> list[str]:
    """What a menu offers, without submenus."""
    return [action.text() for action in menu.actions() if action.text() and action.menu() is None]


def pick(menu: QMenu, text: str) -> None:
    """Choose an entry."""
    action = next(action for action in menu.actions() if action.text() == text)
    menu.close()
    action.trigger()
    settle()


def dialogs(window: MixerWindow) -> list[NameDialog]:
    """Those that ask for a name."""
    return [dialog for dialog in window.findChildren(NameDialog) if dialog.isVisible()]


def dialog_of(window: MixerWindow) -> NameDialog:
    """The dialog that is open."""
    (found,) = dialogs(window)
    return found


def give(dialog: NameDialog, name: str) -> None:
    """Type a name in place of what is there, and press Enter."""
    dialog.field.selectAll()
    QTest.keyClicks(dialog.field, name)
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    settle()
