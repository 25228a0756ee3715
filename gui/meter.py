"""Level meters: rms as a bar, peak above it, the highest peak held for a while, and a clip light that stays."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from gui import theme

LOW_DBFS, HIGH_DBFS = -60.0, 3.0
CLIP_DBFS = 0.0
_HOLD_S, _FALL_DB_PER_S = 1.5, 24.0
_LAMP = 8
_ZONES = ((-12.0, theme.GOOD), (-3.0, theme.WARN), (HIGH_DBFS, theme.ALERT))


def height_of(level_dbfs: float) -> float:
    """How far up a meter, 0...1, a level stands: even in dB, twice as fine above -24 dBFS as below."""
    level = min(max(level_dbfs, LOW_DBFS), HIGH_DBFS)
    knee, at_knee = -24.0, 0.4
    if level < knee:
        return at_knee * (level - LOW_DBFS) / (knee - LOW_DBFS)
    return at_knee + (1.0 - at_knee) * (level - knee) / (HIGH_DBFS - knee)


class PeakHold:
    """The highest level of the last 1.5 s, which then falls by 24 dB a second."""

    def __init__(self) -> None:
        self.level_dbfs = -120.0
        self._until_s = self._at_s = 0.0

    def update(self, peak_dbfs: float, now_s: float) -> float:
        """Take a peak at a time; returns the level to show."""
        fallen = self.level_dbfs - _FALL_DB_PER_S * max(0.0, now_s - max(self._until_s, self._at_s))
        if peak_dbfs >= fallen:
            self.level_dbfs, self._until_s = peak_dbfs, now_s + _HOLD_S
        elif now_s > self._until_s:
            self.level_dbfs = fallen
        self._at_s = now_s
        return self.level_dbfs


class Meter(QWidget):
    """One column. A click puts out the clip light."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setToolTip(f"{name}: rms bar, peak, held peak; click to clear the clip light")
        self.setMinimumSize(8, 80)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.clipped = False
        self.dimmed = False
        self.rms_dbfs = self.peak_dbfs = -120.0
        self._hold = PeakHold()
        self._drawn: tuple[int, int, int, bool] = (0, 0, 0, False)

    def sizeHint(self) -> QSize:
        return QSize(14, 260)

    def show_levels(self, rms_dbfs: float, peak_dbfs: float, now_s: float) -> None:
        """Show levels in dBFS of this moment; repaints only what can be seen to change."""
        self.rms_dbfs, self.peak_dbfs = rms_dbfs, peak_dbfs
        self._hold.update(peak_dbfs, now_s)
        self.clipped = self.clipped or peak_dbfs > CLIP_DBFS
        heights = self._heights()
        if heights != self._drawn:
            self._drawn = heights
            self.update()

    def _heights(self) -> tuple[int, int, int, bool]:
        """rms, peak and hold in half pixels, and the light."""
        way = 2 * (self.height() - _LAMP - 3)
        levels = (self.rms_dbfs, self.peak_dbfs, self._hold.level_dbfs)
        rms, peak, hold = (round(height_of(level) * way) for level in levels)
        return rms, peak, hold, self.clipped

    def clear_clip(self) -> None:
        """Put out the light."""
        self.clipped = False
        self.update()

    def set_dimmed(self, dimmed: bool) -> None:
        """Draw without colour."""
        if dimmed != self.dimmed:
            self.dimmed = dimmed
            self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        self.clear_clip()
        super().mousePressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.STRIP))
        rms, peak, hold, clipped = self._heights()
        width = self.width()
        painter.fillRect(0, 0, width, _LAMP, QColor(theme.ALERT if clipped else theme.WELL))
        if clipped:
            painter.fillRect(QRectF(width / 2 - 1, 1, 2, 4), QColor(theme.INK))     # an exclamation mark
            painter.fillRect(QRectF(width / 2 - 1, 5.5, 2, 1.5), QColor(theme.INK))
        top, bottom = _LAMP + 2, self.height() - 1
        painter.fillRect(0, top, width, bottom - top, QColor(theme.WELL))
        self._paint_zones(painter, peak / 2, theme.WELL, 0.62)
        self._paint_zones(painter, rms / 2, theme.WELL, 0.0)
        if hold > 2:
            color = QColor(theme.TEXT_QUIET if self.dimmed else theme.TEXT)
            painter.fillRect(QRectF(0, bottom - hold / 2, width, 1.5), color)

    def _paint_zones(self, painter: QPainter, height: float, toward: str, part: float) -> None:
        """The bar from the bottom to `height` px, its colours mixed with `part` of `toward`."""
        bottom, way, start = self.height() - 1.0, self.height() - _LAMP - 3.0, 0.0
        for upto_dbfs, color in _ZONES:
            end = min(height, height_of(upto_dbfs) * way)
            if end > start:
                shade = theme.mixed(theme.TEXT_QUIET if self.dimmed else color, toward, part)
                painter.fillRect(QRectF(0, bottom - end, self.width(), end - start), shade)
            start = max(start, end)
