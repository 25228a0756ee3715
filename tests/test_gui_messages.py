"""Messages and the bar of an export: nothing of the mixer moves for them, and all of them can be read and reached."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QPoint, QRect, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QWidget

from gui.mixer_window import MixerWindow
from gui.services import ExportJob
from tests.gui_windows import LEFT, NONE, click, key, settle, wait_until, window_on
from vqss_engine.control import ControlSurface

LONG = "the device cannot be opened because another program holds it; " * 6
WAITING = "import time; print(0.4, flush=True); time.sleep(100)"


@pytest.fixture(params=[(900, 500), (1400, 800)], ids=["small", "large"])
def window(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MixerWindow]:
    with window_on(ControlSurface(16), tmp_path) as made:
        made.resize(*request.param)
        for _ in range(3):      # heights follow from heights
            settle()
        yield made
        made.export.end()


def places(window: MixerWindow) -> dict[QWidget, QRect]:
    """Where in the window all stands that is touched."""
    touched = [strip.fader for strip in window.row.strips] + [window.main.fader, window.transport.play, window.pages]
    return {widget: QRect(widget.mapTo(window, QPoint()), widget.size()) for widget in touched}


def test_nothing_moves_under_a_hand_when_messages_and_exports_come(window: MixerWindow) -> None:
    before, fader = places(window), window.row.strips[1].fader
    QTest.mousePress(fader, LEFT, NONE, fader.rect().center())
    window.notice.tell("No answer from the engine; trying again…")
    window.errors.tell(LONG)
    window.export.begin(ExportJob([sys.executable, "-c", WAITING], "the stems of " + LONG, Path("stems")))
    settle()
    assert window.notice.isVisible() and window.errors.isVisible() and window.export.isVisible()
    assert places(window) == before
    for bar in (window.notice, window.errors, window.export):
        box = QRect(bar.mapTo(window, QPoint()), bar.size())
        assert window.rect().contains(box) and not any(box.intersects(place) for place in before.values())
        parent = bar.parentWidget()
        assert parent is not None and parent.rect().contains(bar.geometry())
    QTest.mouseRelease(fader, LEFT, NONE, fader.rect().center())


def test_a_long_message_takes_two_lines_and_is_whole_in_its_tip(window: MixerWindow) -> None:
    window.errors.tell("short")
    assert window.errors.label.shown(window.errors.label.width()) == ["short"]
    narrow = window.errors.width()
    window.errors.tell(LONG)
    settle()
    label = window.errors.label
    lines = label.shown(label.width())
    assert len(lines) == 2 and lines[1].endswith("…") and LONG.startswith(lines[0])
    assert label.toolTip() == LONG and window.errors.accessibleName() == LONG
    assert 2 * label.fontMetrics().lineSpacing() <= label.height()
    assert window.errors.width() > narrow and window.errors.counter.text() == "2 messages"
    window.errors.tell("🎚 " * 400)
    assert label.shown(label.width())[1].endswith("…")


def test_a_message_is_reached_by_tab_and_closed_by_a_key(window: MixerWindow) -> None:
    window.errors.tell("something")
    window.toolbar.help.setFocus()
    key(window, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is window.errors.close_button
    key(window, Qt.Key.Key_Return)
    assert not window.errors.isVisible() and QApplication.focusWidget() is window.row.strip.fader
    window.errors.tell("something")
    key(window, Qt.Key.Key_Escape)
    assert not window.errors.isVisible()


def test_an_export_is_cancelled_in_the_status_line(window: MixerWindow) -> None:
    window.export.begin(ExportJob([sys.executable, "-c", WAITING], "the stems", Path("stems")))
    window.status.device.setFocus()
    key(window, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is window.export.stop
    click(window.export.stop)
    wait_until(lambda: not window.export.running)
    assert not window.export.isVisible()
