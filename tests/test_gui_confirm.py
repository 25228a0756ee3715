"""Questions before something is lost: what the buttons say, and what keys mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QLabel, QMessageBox, QWidget

from gui.confirm import agreed
from tests.gui_windows import answering, application


def asked_while(do: Callable[[QMessageBox], object], question: str = "Replace it?") -> bool:
    """The answer, when that is done to the dialog."""
    application()
    parent = QWidget()

    def act() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        do(box)

    QTimer.singleShot(100, act)
    return agreed(parent, question, "Replace", "Keep")


@pytest.mark.parametrize("which", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_keys_that_are_pressed_without_reading_lose_nothing(which: Qt.Key) -> None:
    assert asked_while(lambda box: QTest.keyClick(QApplication.focusWidget() or box, which)) is False


def test_a_dialog_that_is_closed_loses_nothing() -> None:
    assert asked_while(lambda box: box.close()) is False


@pytest.mark.parametrize(("label", "answer"), [("Replace", True), ("Keep", False)])
def test_buttons_say_what_they_do(label: str, answer: bool) -> None:
    application()
    with answering(label) as asked:
        assert agreed(QWidget(), "Replace it?", "Replace", "Keep") is answer
    assert asked == ["Replace it?"]


def test_a_name_that_looks_like_markup_is_shown_as_it_is() -> None:
    formats: list[object] = []

    def look(box: QMessageBox) -> None:
        label = box.findChild(QLabel, "qt_msgbox_label")
        assert label is not None
        formats.append((label.text(), label.textFormat()))
        box.close()

    asked_while(look, "Replace “<b>loud</b>”?")
    assert formats == [("Replace “<b>loud</b>”?", Qt.TextFormat.PlainText)]
