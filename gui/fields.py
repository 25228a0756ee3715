"""Text fields of a strip: a gain in dB, and a name."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PyQt6.QtWidgets import QApplication, QLineEdit, QWidget

from gui import theme
from gui.fader import MAXIMUM_DB, SILENCE_DB
from gui.own_keys import claimed

_SILENCE = ("-inf", "-∞", "−∞", "∞", "off")
_STEPS = {
    int(Qt.Key.Key_Up): 1, int(Qt.Key.Key_Down): -1, int(Qt.Key.Key_PageUp): 6, int(Qt.Key.Key_PageDown): -6,
}  # fmt: skip
_OWN_KEYS = (int(Qt.Key.Key_Return), int(Qt.Key.Key_Enter), int(Qt.Key.Key_Escape), *_STEPS)


def gain_text(gain_db: float) -> str:
    """`+1.5`, `0.0`, `−12.0`, `−∞`."""
    if gain_db <= SILENCE_DB:
        return "−∞"
    shown = f"{gain_db:+.1f}"
    return "0.0" if shown in ("+0.0", "-0.0") else shown.replace("-", "−")


def read_gain(text: str) -> float | None:
    """The gain that a text means, put on the nearest bound; None for what is no number."""
    text = text.strip().lower().removesuffix("db").strip().replace("−", "-").replace(",", ".")
    if text in _SILENCE:
        return SILENCE_DB
    try:
        value = float(text)
    except ValueError:
        return None
    return None if value != value else min(max(value, SILENCE_DB), MAXIMUM_DB)


class Field(QLineEdit):
    """A line whose text is told when it is done (`entered`), and goes back with Escape.

    Up and Down (`stepped`, how far, and whether fine) are for the value in it, whatever strip other keys act on.
    The press that gives it the focus chooses the whole text, as keys do.
    """

    entered = pyqtSignal(str)
    left = pyqtSignal()
    stepped = pyqtSignal(int, bool)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFrame(False)
        self.setMinimumWidth(20)
        self._shown = ""
        self._pressed_into: QPointF | None = None
        self.setAcceptDrops(False)      # a file that is dropped is a song for the window, and no text
        self.editingFinished.connect(self._finish)

    @property
    def value(self) -> str:
        """The whole text that is shown, which may not fit."""
        return self._shown

    def show_text(self, text: str) -> None:
        """Show a text; what is being typed is left alone."""
        self._shown = text
        self._fill()

    def _fill(self) -> None:
        if self.hasFocus():
            if not self.isModified():
                self.setText(self._shown)
            return
        fits = self.fontMetrics().elidedText(self._shown, Qt.TextElideMode.ElideRight, max(self.width() - 4, 8))
        self.setText(fits)
        self.setToolTip(f"{self.accessibleName()}: {self._shown}" if self._shown else self.accessibleName())
        self.setCursorPosition(0)

    def _finish(self) -> None:
        typed = self.text()
        if self.isModified() and typed != self._shown:
            self.setModified(False)
            self.entered.emit(typed)
        self.setModified(False)
        self._fill()

    def event(self, event: QEvent | None) -> bool:
        return claimed(event, _OWN_KEYS) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_Escape:
            self.setModified(False)
            self._fill()
            self.left.emit()
            return
        if event is not None and event.key() in _STEPS:
            self.stepped.emit(_STEPS[event.key()], bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            return
        super().keyPressEvent(event)
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        super().focusInEvent(event)
        self._fill()
        self.selectAll()
        by_mouse = event is not None and event.reason() == Qt.FocusReason.MouseFocusReason
        self._pressed_into = QPointF() if by_mouse else None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        super().mousePressEvent(event)
        if event is not None and self._pressed_into is not None:
            self._pressed_into = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        super().mouseReleaseEvent(event)
        came_at, self._pressed_into = self._pressed_into, None
        if event is None or came_at is None:
            return
        if (event.position() - came_at).manhattanLength() < QApplication.startDragDistance():
            self.selectAll()        # the press has put the cursor somewhere; a drag chooses a part

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        self.selectAll()        # a sign and a point would end what Qt takes for a word

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        super().focusOutEvent(event)
        self._fill()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fill()


class GainField(Field):
    """A gain in dB; `asked(dB)` when one was typed, `refused(text)` when that was none."""

    asked = pyqtSignal(float)
    refused = pyqtSignal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self.setFont(theme.font(8.5, figures=True))
        self.entered.connect(self._read)

    def show_gain(self, gain_db: float) -> None:
        """Show a gain."""
        self.show_text(gain_text(gain_db))

    def _read(self, text: str) -> None:
        gain_db = read_gain(text)
        if gain_db is not None:
            self.asked.emit(gain_db)
        elif text.strip():
            self.refused.emit(f"'{text}' is no gain; type a number of dB, such as -6, or -inf")


class NameField(Field):
    """A strip's name; shows `empty` while it has none."""

    def __init__(self, name: str, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self.setMaxLength(64)
        self.setPlaceholderText(empty)
        self._named, self._unnamed = theme.font(8.5, bold=True), theme.font(8.0)
        self.setFont(self._unnamed)

    def show_text(self, text: str) -> None:
        self.setFont(self._named if text else self._unnamed)
        super().show_text(text)
