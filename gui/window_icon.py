"""The picture of the program in task bars and title bars: the bars of a mixer, drawn from the window's colours."""

from __future__ import annotations

import math

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPixmap

from gui import theme

_SIZES_PX = (16, 20, 24, 32, 48, 64, 128, 256)
_BARS, _FEW_BARS, _ALL_FROM_PX = 16, 4, 64
_SHADES = (theme.FOCUS, theme.GOOD, theme.SOLO, theme.MUTE)


def window_icon() -> QIcon:
    """All sizes that task bars ask for; the small ones have fewer bars, so that each is whole pixels wide."""
    icon = QIcon()
    for size in _SIZES_PX:
        icon.addPixmap(picture(size, _BARS if size >= _ALL_FROM_PX else _FEW_BARS))
    return icon


def picture(size_px: int, bars: int) -> QPixmap:
    """That many bars in a square."""
    made = QPixmap(size_px, size_px)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.STRIP))
    corner = size_px / 6
    painter.drawRoundedRect(QRectF(0, 0, size_px, size_px), corner, corner)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    step_px = max((size_px * 7 // 8) // bars, 2)
    wide_px = step_px - max(step_px // 3, 1)
    left_px = (size_px - step_px * bars + step_px - wide_px) // 2
    for bar in range(bars):
        high_px = round(size_px * 0.72 * _height(bar / (bars - 1)))
        box = QRectF(left_px + bar * step_px, (size_px - high_px) // 2, wide_px, high_px)
        painter.fillRect(box, _shade(bar / (bars - 1)))
    painter.end()
    return made


def _height(at: float) -> float:
    """How high the bar at 0...1 is, as part of the highest: louder in the middle, and uneven, as sound is."""
    return 0.3 + 0.7 * math.sin(math.pi * (0.1 + 0.8 * at)) * abs(math.cos(7.5 * (at - 0.42)))


def _shade(at: float) -> QColor:
    """The colour at 0...1."""
    place = at * (len(_SHADES) - 1)
    first = min(int(place), len(_SHADES) - 2)
    return theme.mixed(_SHADES[first], _SHADES[first + 1], place - first)
