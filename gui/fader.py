"""A long-throw fader on the mixer taper, with its dB scale, and a pan slider."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QWidget

from gui import theme
from gui.drag import DragControl
from vqss_engine.control import db_to_fader, fader_to_db

SILENCE_DB, MAXIMUM_DB = fader_to_db(0.0), fader_to_db(1.0)
MARKS_DB = (12.0, 6.0, 0.0, -6.0, -12.0, -20.0, -30.0, -50.0)
_CAP_HEIGHT, _CAP_WIDTH = 30.0, 26.0
_SCALE_WIDTH = 19.0


class Fader(DragControl):
    """Gain in dB, -70 (silence)...12; three quarters of the way is 0 dB."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(SILENCE_DB, MAXIMUM_DB, 0.0, 0.5, parent)
        self.setOrientation(Qt.Orientation.Vertical)
        self.setAccessibleName(name)
        self.setToolTip(f"{name}\nDrag, wheel or arrows; Shift for fine, double-click for 0 dB")
        self.color = theme.FOCUS
        self.heard = True
        self.setMinimumSize(30, 70)

    def sizeHint(self) -> QSize:
        return QSize(48, 260)

    def to_travel(self, value: float) -> float:
        return db_to_fader(value)

    def from_travel(self, travel: float) -> float:
        return round(fader_to_db(travel), 2)

    def way_px(self) -> float:
        return -(self.height() - _CAP_HEIGHT)

    def y_of(self, gain_db: float) -> float:
        """Where the cap's middle stands for a gain, in pixels from the top."""
        return self.height() - _CAP_HEIGHT / 2 + self.to_travel(gain_db) * self.way_px()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        has_scale = self.width() >= _SCALE_WIDTH + _CAP_WIDTH
        middle = self.width() - _CAP_WIDTH / 2 - 1 if has_scale else self.width() / 2
        self._paint_marks(painter, middle, has_scale)
        self._paint_slot(painter, middle)
        self._paint_cap(painter, middle)

    def _paint_marks(self, painter: QPainter, middle: float, labelled: bool) -> None:
        painter.setFont(theme.font(7.0, figures=True))
        free_above = -100.0
        for gain_db in MARKS_DB:
            y = self.y_of(gain_db)
            unity = gain_db == 0.0
            painter.setPen(QPen(QColor(theme.TEXT if unity else theme.LINE), 1.5 if unity else 1.0))
            painter.drawLine(QPointF(middle - 10, y), QPointF(middle + 10, y))
            if labelled and (y - free_above >= 11 or unity):
                free_above = y
                painter.setPen(QColor(theme.TEXT if unity else theme.TEXT_QUIET))
                box = QRectF(0, y - 7, middle - _CAP_WIDTH / 2 + 1, 14)
                right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(box, right, f"{abs(gain_db):.0f}" if gain_db <= 0 else f"+{gain_db:.0f}")

    def _paint_slot(self, painter: QPainter, middle: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.WELL))
        top, bottom = self.y_of(MAXIMUM_DB), self.y_of(SILENCE_DB)
        painter.drawRoundedRect(QRectF(middle - 2.5, top - 4, 5, bottom - top + 8), 2.5, 2.5)
        color = QColor(self.color if self.heard and self.isEnabled() else theme.LINE)
        painter.setBrush(color)
        at = self.y_of(self.current)
        painter.drawRoundedRect(QRectF(middle - 1.5, at, 3, bottom - at + 3), 1.5, 1.5)

    def _paint_cap(self, painter: QPainter, middle: float) -> None:
        cap = QRectF(middle - _CAP_WIDTH / 2, self.y_of(self.current) - _CAP_HEIGHT / 2, _CAP_WIDTH, _CAP_HEIGHT)
        cap.adjust(1, 1, -1, -1)
        lit = self.underMouse() or self.held
        painter.setBrush(QColor("#5a6475" if lit else "#4a5362"))
        edge = theme.FOCUS if self.hasFocus() else "#0b0d10"
        painter.setPen(QPen(QColor(edge), 2.0 if self.hasFocus() else 1.0))
        painter.drawRoundedRect(cap, 4, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(255, 255, 255, 26))
        painter.drawRoundedRect(QRectF(cap.left() + 2, cap.top() + 2, cap.width() - 4, 8), 3, 3)
        painter.setBrush(QColor(theme.TEXT))
        painter.drawRect(QRectF(cap.left() + 3, cap.center().y() - 1, cap.width() - 6, 2))


class Pan(DragControl):
    """Balance, -1 left...1 right; the bar grows from the centre."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(-1.0, 1.0, 0.0, 0.05, parent)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setAccessibleName(name)
        self.setToolTip(f"{name}\nDrag, wheel or arrows; Shift for fine, double-click for the centre")
        self.color = theme.FOCUS
        self.setMinimumSize(30, 20)

    def sizeHint(self) -> QSize:
        return QSize(60, 24)

    def from_travel(self, travel: float) -> float:
        value = round(super().from_travel(travel), 2)
        return 0.0 if abs(value) < 0.03 else value      # the centre is easy to find again

    def way_px(self) -> float:
        return float(self.width() - 12)

    def pan_text(self) -> str:
        """`C`, `L30`, `R100`."""
        percent = round(abs(self.current) * 100)
        return f"{'L' if self.current < 0 else 'R'}{percent}" if percent else "C"

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(0.5, 0.5, self.width() - 1, self.height() - 1)
        painter.setBrush(QColor(theme.WELL))
        painter.setPen(QPen(QColor(theme.FOCUS if self.hasFocus() else theme.WELL), 1.0))
        painter.drawRoundedRect(box, 4, 4)
        middle, at = self.width() / 2, 6 + self.to_travel(self.current) * self.way_px()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.color))
        rail = self.height() - 6.0
        painter.drawRoundedRect(QRectF(min(middle, at) - 1, rail, abs(at - middle) + 2, 3), 1.5, 1.5)
        painter.setBrush(QColor(theme.TEXT))
        painter.drawRoundedRect(QRectF(at - 2, rail - 2.5, 4, 7), 1.5, 1.5)
        painter.setPen(QColor(theme.TEXT if self.current else theme.TEXT_QUIET))
        painter.setFont(theme.font(7.5, figures=True))
        painter.drawText(QRectF(0, 0, self.width(), rail - 1), Qt.AlignmentFlag.AlignCenter, self.pan_text())
