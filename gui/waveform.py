"""A song's outline with playhead and loop: a click seeks, a drag with Shift (or the right button) marks a loop.

Threads: Qt's; in the background `overview` reads a song.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PyQt6.QtWidgets import QWidget

from gui import theme
from gui.background import Background
from gui.own_keys import claimed
from gui.services import Overview, Services

_SHORTEST_LOOP_S = 0.05
_NO_SONG = "Drop a song here, or open one with Ctrl+O"
_SEEKS_S = {
    int(Qt.Key.Key_Left): -5.0, int(Qt.Key.Key_Right): 5.0,
    int(Qt.Key.Key_Home): -math.inf, int(Qt.Key.Key_End): math.inf,
}  # fmt: skip


class Waveform(QWidget):
    """Shows one song; tells where the user wants to be, and what to loop (seconds)."""

    seek_wanted = pyqtSignal(float)
    loop_wanted = pyqtSignal(float, float)
    failed = pyqtSignal(str)
    unreadable = pyqtSignal(object)

    def __init__(self, services: Services, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._services, self._background = services, background
        self._path: Path | None = None
        self.overview: Overview | None = None
        self._state = _NO_SONG
        self.position_s = 0.0
        self.loop_s = (0.0, 0.0)
        self._drag_from_s: float | None = None
        self._picture: QPixmap | None = None
        self.setAccessibleName("Song overview and position")
        self.setToolTip("Click to seek, arrows for 5 s; drag with Shift to loop a part")
        self.setMinimumSize(120, 40)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return QSize(600, 52)

    @property
    def seconds(self) -> float:
        """The song's length, 0 while unknown."""
        return self.overview.seconds if self.overview else 0.0

    def open(self, path: Path | None) -> None:
        """Show another song, as soon as it is read; None for no song."""
        if path == self._path:
            return
        self._path, self.overview, self._picture = path, None, None
        self._state = "reading the song…" if path else _NO_SONG
        self.update()
        read = self._services.read_overview
        if path is not None and read is not None:
            self._background.run(
                "overview", partial(read, path), partial(self._take, path), partial(self._refuse, path),
                f"{path.name} could not be read",
            )  # fmt: skip

    def _take(self, path: Path, overview: Overview) -> None:
        if path == self._path:      # no other song was opened meanwhile
            self.overview, self._picture = overview, None
            self.update()

    def _refuse(self, path: Path, text: str) -> None:
        if path == self._path:
            self._state = "this file could not be read"
            self.update()
            self.unreadable.emit(path)
            self.failed.emit(text)

    def show_position(self, seconds: float) -> None:
        """Move the playhead."""
        if abs(self._x(seconds) - self._x(self.position_s)) >= 0.25:
            self.update()
        self.position_s = seconds

    def show_loop(self, start_s: float, end_s: float) -> None:
        """Show what is looped; nothing where the end is not after the start."""
        self.loop_s = (start_s, end_s)
        self.update()

    def _x(self, seconds: float) -> float:
        return self.width() * min(seconds / self.seconds, 1.0) if self.seconds else 0.0

    def _seconds_at(self, x: float) -> float:
        return min(max(x / max(self.width(), 1), 0.0), 1.0) * self.seconds

    # Being used

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is None or not self.seconds:
            return
        at_s = self._seconds_at(event.position().x())
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or event.button() == Qt.MouseButton.RightButton:
            self._drag_from_s = at_s
        else:
            self.seek_wanted.emit(at_s)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and self._drag_from_s is not None:
            low, high = sorted((self._drag_from_s, self._seconds_at(event.position().x())))
            self.show_loop(low, high)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and self._drag_from_s is not None:
            low, high = sorted((self._drag_from_s, self._seconds_at(event.position().x())))
            self._drag_from_s = None
            self.loop_wanted.emit(*((low, high) if high - low >= _SHORTEST_LOOP_S else (0.0, 0.0)))

    def event(self, event: QEvent | None) -> bool:
        return bool(self.seconds and claimed(event, _SEEKS_S)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        step_s = _SEEKS_S.get(event.key())
        if step_s is None or not self.seconds:
            super().keyPressEvent(event)
        else:
            self.seek_wanted.emit(min(max(self.position_s + step_s, 0.0), self.seconds))

    # Drawing

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.WELL))
        if self.overview is None:
            painter.setPen(QColor(theme.TEXT_QUIET))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._state)
            return
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.deviceIndependentSize().toSize() != self.size():
            self._picture = self._draw_song(self.overview, ratio)
        painter.drawPixmap(0, 0, self._picture)
        start_s, end_s = self.loop_s
        if end_s > start_s:
            box = QRectF(self._x(start_s), 0, self._x(end_s) - self._x(start_s), self.height())
            shade = QColor(theme.SOLO)
            shade.setAlpha(30)
            painter.fillRect(box, shade)
            painter.fillRect(QRectF(box.left(), 0, 2, box.height()), QColor(theme.SOLO))
            painter.fillRect(QRectF(box.right() - 2, 0, 2, box.height()), QColor(theme.SOLO))
        at = self._x(self.position_s)
        shade = QColor(theme.WELL)
        shade.setAlpha(120)
        painter.fillRect(QRectF(0, 0, at, self.height()), shade)
        painter.fillRect(QRectF(at - 1, 0, 2, self.height()), QColor(theme.TEXT))
        if self.hasFocus():
            painter.setPen(QColor(theme.FOCUS))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _draw_song(self, overview: Overview, ratio: float) -> QPixmap:
        """The outline at this size."""
        width = max(1, round(self.width() * ratio))
        picture = QPixmap(width, max(1, round(self.height() * ratio)))
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(theme.WELL))
        painter = QPainter(picture)
        painter.setPen(QColor("#7f9cb8"))
        edges = np.linspace(0, overview.extremes.shape[1], width + 1).astype(int)
        starts = np.minimum(edges[:-1], overview.extremes.shape[1] - 1)
        low = np.minimum.reduceat(overview.extremes[0], starts)
        high = np.maximum.reduceat(overview.extremes[1], starts)
        middle, reach = self.height() / 2, self.height() / 2 - 2
        for x in range(width):
            painter.drawLine(
                QPointF(x / ratio, middle - float(high[x]) * reach), QPointF(x / ratio, middle - float(low[x]) * reach)
            )
        painter.end()
        return picture
