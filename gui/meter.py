"""Level meters: rms as a bar, peak above it, the highest peak held for a while, and a clip light that stays."""

from __future__ import annotations

import math

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PyQt6.QtWidgets import QWidget

from gui import theme

LOW_DBFS, HIGH_DBFS = -60.0, 3.0
CLIP_DBFS = 0.0
_HOLD_S, _FALL_DB_PER_S = 1.5, 24.0
_LAMP, _TOP = 8, 10
_TEXT, _QUIET = QColor(theme.TEXT), QColor(theme.TEXT_QUIET)
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
    """One column. A click puts out the clip light.

    The column is drawn once per size, dim and lit; a level only chooses how much of each is copied.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setToolTip(f"{name}: rms bar, peak, held peak; click to clear the clip light")
        self.setMinimumSize(8, 70)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.clipped = False
        self.dimmed = False
        self.rms_dbfs = self.peak_dbfs = -120.0
        self._hold = PeakHold()
        self._drawn: tuple[int, int, int] = (0, 0, 0)
        self._layers: tuple[QPixmap, QPixmap, QPixmap] | None = None

    def sizeHint(self) -> QSize:
        return QSize(14, 260)

    def show_levels(self, rms_dbfs: float, peak_dbfs: float, now_s: float) -> None:
        """Show levels in dBFS of this moment; repaints only what can be seen to change."""
        self.rms_dbfs, self.peak_dbfs = rms_dbfs, peak_dbfs
        held = self._hold.update(peak_dbfs, now_s)
        if peak_dbfs > CLIP_DBFS and not self.clipped:
            self.clipped = True
            self.update()
        heights = self._heights(held)
        if heights != self._drawn:
            old, self._drawn = self._drawn, heights
            changed = [pair for pair in zip(old, heights) if pair[0] != pair[1]]
            low, high = min(map(min, changed)), max(map(max, changed))
            self.update(0, self.height() - high - 3, self.width(), high - low + 5)

    def _heights(self, held_dbfs: float) -> tuple[int, int, int]:
        """How far up rms, peak and held peak stand, in pixels."""
        way, rms, peak = self.height() - _TOP - 1, height_of(self.rms_dbfs), height_of(self.peak_dbfs)
        return round(rms * way), round(peak * way), round(height_of(held_dbfs) * way)

    def clear_clip(self) -> None:
        """Put out the light."""
        self.clipped = False
        self.update()

    def set_dimmed(self, dimmed: bool) -> None:
        """Draw without colour."""
        if dimmed != self.dimmed:
            self.dimmed, self._layers = dimmed, None
            self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        self.clear_clip()
        super().mousePressEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._layers = None
        self._drawn = self._heights(self._hold.level_dbfs)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if self._layers is None or self._layers[0].devicePixelRatio() != self.devicePixelRatioF():
            self._layers = self._draw_layer(1.0), self._draw_layer(0.62), self._draw_layer(0.0)
        empty, dim, lit = self._layers
        painter = QPainter(self)
        (rms, peak, hold), ratio = self._drawn, empty.devicePixelRatio()
        bottom, width = self.height() - 1, empty.width()
        if event is not None:       # a layer may begin or end within a pixel of the screen
            painter.fillRect(event.rect(), QColor(theme.STRIP))
        painter.drawPixmap(0, 0, empty)
        for layer, height in ((dim, peak), (lit, rms)):
            if height:
                top = bottom - height
                painter.drawPixmap(QPointF(0, top), layer, QRectF(0, top * ratio, width, height * ratio))
        if hold > 1:
            painter.fillRect(0, bottom - hold - 1, self.width(), 2, _QUIET if self.dimmed else _TEXT)
        if self.clipped:
            self._paint_lamp(painter)

    def _paint_lamp(self, painter: QPainter) -> None:
        """The clip light, with an exclamation mark."""
        painter.fillRect(0, 0, self.width(), _LAMP, QColor(theme.ALERT))
        painter.fillRect(QRectF(self.width() / 2 - 1, 1, 2, 4), QColor(theme.INK))
        painter.fillRect(QRectF(self.width() / 2 - 1, 5.5, 2, 1.5), QColor(theme.INK))

    def _draw_layer(self, toward_well: float) -> QPixmap:
        """The whole column in its colours, mixed with so much of the well."""
        ratio = self.devicePixelRatioF()
        layer = QPixmap(max(1, math.ceil(self.width() * ratio)), max(1, math.ceil(self.height() * ratio)))
        layer.setDevicePixelRatio(ratio)
        layer.fill(QColor(theme.STRIP))
        painter = QPainter(layer)
        bottom, way = self.height() - 1, self.height() - _TOP - 1
        painter.fillRect(0, 0, self.width(), _LAMP, QColor(theme.WELL))
        start = 0
        for upto_dbfs, color in _ZONES:
            end = round(height_of(upto_dbfs) * way)
            shade = theme.mixed(theme.UNHEARD if self.dimmed else color, theme.WELL, toward_well)
            painter.fillRect(0, bottom - end, self.width(), end - start, shade)
            start = end
        painter.end()
        return layer
