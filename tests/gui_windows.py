"""A mixer window on a real surface, with real events, for the tests of the screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from PyQt6.QtCore import QEvent, QPoint, QPointF, QSettings, Qt, QTimer
from PyQt6.QtGui import QMouseEvent, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QMessageBox, QWidget

from gui import theme
from gui.main_strip import BYPASS, GAIN, LIMITER, MUTE
from gui.mixer_window import MixerWindow
from gui.services import Services
from vqss_engine.control import ControlSurface, Value

LEFT = Qt.MouseButton.LeftButton
NONE, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier,
)  # fmt: skip
PATIENCE_S = 90.0


@cache
def application() -> QApplication:
    """The one application, dressed, kept until the end."""
    made = QApplication(["vqss"])
    theme.apply(made)
    return made


@contextmanager
def window_on(
    surface: ControlSurface, folder: Path, services: Services | None = None
) -> Iterator[MixerWindow]:
    """A visible window; its settings live in `folder`."""
    app = application()
    window = MixerWindow(surface, services, QSettings(str(folder / "gui.ini"), QSettings.Format.IniFormat))
    window.clock.stop()         # levels are shown when a test says so
    window.show()
    window.activateWindow()
    app.processEvents()
    try:
        yield window
    finally:
        window.export.end()  # where a test failed amid one, the question would wait for an answer for ever
        window.close()
        window.deleteLater()
        app.processEvents()


@contextmanager
def answering(label: str) -> Iterator[list[str]]:
    """Press the button of that label in every question that comes meanwhile; the questions are noted."""
    asked: list[str] = []

    def press() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            asked.append(box.text())
            found = [button for button in box.buttons() if button.text() == label]
            click((found or [box.escapeButton()])[0])
            assert found, f"no button '{label}' below: {box.text()}"

    clock = QTimer()
    clock.timeout.connect(press)
    clock.start(20)
    try:
        yield asked
    finally:
        clock.stop()


def settle() -> None:
    """Let everything that waits happen."""
    application().processEvents()


def wait_until(happened: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Let the window live until something has come about."""
    deadline = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        QTest.qWait(10)


def focus(widget: QWidget) -> None:
    """Let a widget have the focus."""
    widget.setFocus()
    settle()


def key(window: QWidget, which: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Press a key where the focus is."""
    QTest.keyClick(QApplication.focusWidget() or window, which, modifiers)
    settle()


def click(widget: QWidget, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.mouseClick(widget, LEFT, modifiers)
    settle()


def drag(widget: QWidget, by: QPoint, modifiers: Qt.KeyboardModifier = NONE, steps: int = 4) -> None:
    """Press in the middle, move there in steps, release."""
    at = widget.rect().center()
    QTest.mousePress(widget, LEFT, modifiers, at)
    for step in range(1, steps + 1):
        move(widget, at + by * step / steps, modifiers)
    QTest.mouseRelease(widget, LEFT, modifiers, at + by)
    settle()


def move(widget: QWidget, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
    """Move the pressed mouse; QTest's own moves carry no modifiers."""
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(at), QPointF(widget.mapToGlobal(at)), Qt.MouseButton.NoButton, LEFT, modifiers
    )
    QApplication.sendEvent(widget, event)


def wheel(widget: QWidget, notches: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Turn the wheel over the middle of a widget."""
    at = QPointF(widget.rect().center())
    event = QWheelEvent(
        at, QPointF(widget.mapToGlobal(at.toPoint())), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton,
        modifiers, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
    settle()


def turn(slider: QWidget, notches: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Turn the wheel over what only turns with the focus."""
    slider.setFocus()
    wheel(slider, notches, modifiers)


def type_into(field: QWidget, text: str) -> None:
    """Give a text field the focus, replace what it holds, and press Enter."""
    field.setFocus()
    settle()
    QTest.keyClick(field, Qt.Key.Key_A, CONTROL)
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
    settle()


def shown(window: MixerWindow) -> dict[str, Value]:
    """What the window shows of each parameter of the mixer."""
    values: dict[str, Value] = {}
    for strip in window.row.strips:
        base = f"/vqss/cluster/{strip.k}/"
        values |= {
            base + "gain": strip.fader.current, base + "pan": strip.pan.current, base + "mute": strip.mute.isChecked(),
            base + "solo": strip.solo.isChecked(), base + "name": strip.name.value, base + "color": strip.color,
        }  # fmt: skip
    main = window.main
    return values | {
        GAIN: main.fader.current, MUTE: main.mute.isChecked(), BYPASS: main.bypass.isChecked(),
        LIMITER: main.limiter.isChecked(),
    }  # fmt: skip


def assert_agreement(window: MixerWindow, surface: ControlSurface) -> None:
    """The window shows what the surface holds, groups included."""
    settle()
    values = shown(window)
    assert values == {path: surface.get(path) for path in values}
    for strip in window.row.strips:
        assert strip.leader == surface.state.strip(strip.k)
        assert strip.fader.isHidden() == (strip.leader != strip.k)
