"""What faders and pans share: relative dragging, fine with Shift, wheel, keys, double-click to the default."""

from __future__ import annotations

import math

from PyQt6.QtCore import QEvent, QPointF, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PyQt6.QtWidgets import QSlider, QWidget

from gui.own_keys import claimed

_FINE = 0.1
_SAME_GESTURE_MS = 800
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_STEPS = {
    int(Qt.Key.Key_Up): 1, int(Qt.Key.Key_Down): -1, int(Qt.Key.Key_Plus): 1, int(Qt.Key.Key_Minus): -1,
    int(Qt.Key.Key_PageUp): 6, int(Qt.Key.Key_PageDown): -6,
}  # fmt: skip
_HOME, _END = int(Qt.Key.Key_Home), int(Qt.Key.Key_End)


class DragControl(QSlider):
    """A value between `low` and `high`; `moved(value, gesture)` tells what the user wants.

    It shows what `show_value` gave it last and nothing else: whoever listens to `moved` answers with `show_value`.
    A press never makes the value jump. Built on QSlider for what screen readers are told.
    """

    moved = pyqtSignal(float, object)
    grabbed = pyqtSignal()

    def __init__(self, low: float, high: float, default: float, step: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.low, self.high, self.default, self.step = low, high, default, step
        self.current = default
        self._digits = 3 + max(0, -math.floor(math.log10(high - low))) if high > low else 3
        self._travel = 0.0
        self._last: QPointF | None = None
        self._gesture: object = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_SAME_GESTURE_MS)
        self._pause.timeout.connect(self._end_gesture)
        self.setRange(self.told(low), self.told(high))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.show_value(default)

    # To be given by subclasses

    def to_travel(self, value: float) -> float:
        """Where on its way 0...1 the handle stands for `value`."""
        return (value - self.low) / (self.high - self.low)

    def from_travel(self, travel: float) -> float:
        """The value where the handle stands at `travel`."""
        return self.low + travel * (self.high - self.low)

    def told(self, value: float) -> int:
        """What screen readers are told of a value: hundredths."""
        return round(value * 100)

    def way_px(self) -> float:
        """How many pixels the handle can travel; negative where up is more."""
        return float(self.width())

    @property
    def held(self) -> bool:
        """Whether the mouse holds it."""
        return self._last is not None

    # Showing

    def show_value(self, value: float) -> None:
        """Show a value; tells nobody."""
        self.current = value
        blocked = self.blockSignals(True)
        self.setValue(self.told(value))
        self.blockSignals(blocked)
        self.update()

    # Being moved

    def ask(self, value: float) -> None:
        """Let listeners know that the user wants `value`."""
        if self._gesture is None:
            self._gesture = object()
        self.moved.emit(round(min(max(value, self.low), self.high), self._digits), self._gesture)

    def _end_gesture(self) -> None:
        if self._last is None:
            self._gesture = None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._gesture, self._last = object(), event.globalPosition()
        self._travel = self.to_travel(self.current)
        self.grabbed.emit()
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None or self._last is None:
            return
        at = event.globalPosition()     # the control itself may be moved, by a message or by scrolling
        moved, self._last = at - self._last, at
        way = self.way_px()
        pixels = moved.y() if way < 0 else moved.x()
        scale = _FINE if event.modifiers() & _SHIFT else 1.0
        self._travel = min(max(self._travel + scale * pixels / way, 0.0), 1.0)
        self.ask(self.from_travel(self._travel))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() != Qt.MouseButton.LeftButton:
            return
        self._last = None
        self._end_gesture()
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() != Qt.MouseButton.LeftButton:
            return
        self._last, self._gesture = None, object()
        self.ask(self.default)
        self._end_gesture()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is None:
            return
        turned = event.angleDelta().y() or event.angleDelta().x()
        self.nudge(turned / 120 * self.step, fine=bool(event.modifiers() & _SHIFT))
        event.accept()

    def event(self, event: QEvent | None) -> bool:
        return claimed(event, (_HOME, _END)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        if event.key() in _STEPS:
            self.step_by(_STEPS[event.key()], bool(event.modifiers() & _SHIFT))
        elif event.key() in (_HOME, _END):
            self.ask_once(self.default if event.key() == _HOME else self.low)
        else:
            event.ignore()      # arrows left and right walk through the strips

    def step_by(self, steps: int, fine: bool) -> None:
        """Ask for a change by some steps."""
        self.nudge(steps * self.step, fine)

    def ask_once(self, value: float) -> None:
        """Ask for a value as a step of its own."""
        self._gesture = None
        self.ask(value)
        self._end_gesture()

    def nudge(self, change: float, fine: bool) -> None:
        """Ask for a change of the value; several in a short time are one step of undo."""
        self.ask(self.current + change * (_FINE if fine else 1.0))
        self._pause.start()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        self._gesture = None if self._last is None else self._gesture
        super().focusOutEvent(event)
        self.update()
