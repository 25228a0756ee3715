"""Songs that are dropped on the window, and what it shows while one hovers over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QEvent, QMimeData, QObject, QRectF, Qt
from PyQt6.QtGui import QColor, QDragEnterEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QWidget

from gui import theme

_FRAME_PX, _ROUND_PX, _PAD_PX = 3.0, 6.0, 18


class DropHint(QWidget):
    """A frame around all of `window`, and what a drop would do."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.text = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)      # the drop is for what lies below
        self.hide()

    def tell(self, text: str) -> None:
        """Show it, over everything."""
        self.text = text
        self.setGeometry(self.parentWidget().rect())  # type: ignore[union-attr]
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.FOCUS), _FRAME_PX))
        inset = _FRAME_PX / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), _ROUND_PX, _ROUND_PX)
        painter.setFont(theme.font(12.0, bold=True))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(self.text, Qt.TextElideMode.ElideMiddle, self.width() - 4 * _PAD_PX)
        box = QRectF(0, 0, metrics.horizontalAdvance(text) + 2 * _PAD_PX, metrics.height() + _PAD_PX)
        box.moveCenter(QRectF(self.rect()).center())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.FOCUS))
        painter.drawRoundedRect(box, _ROUND_PX, _ROUND_PX)
        painter.setPen(QColor(theme.INK))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


class SongDrop(QObject):
    """Takes a file that is dropped anywhere on `window`, and hands it to `open_song`. Any file is taken, so that it is
    told what is wrong with one; only what `may_open` is promised by the hint."""

    def __init__(
        self, window: QWidget, open_song: Callable[[Path], object], may_open: Callable[[Path], bool]
    ) -> None:
        super().__init__(window)
        self._open_song, self._may_open = open_song, may_open
        self.hint = DropHint(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if isinstance(event, QDragEnterEvent):
            return self._enter(event)
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:      # moves are drops to Qt, too
            return self._drop(event)
        if event is not None and event.type() == QEvent.Type.DragLeave:
            self.hint.hide()
        return False

    def _enter(self, event: QDragEnterEvent) -> bool:
        file = _file(event.mimeData())
        if file is None:
            return False
        if self._may_open(file):
            self.hint.tell(f"Drop to play {file.name}")
        event.acceptProposedAction()
        return True

    def _drop(self, event: QDropEvent) -> bool:
        self.hint.hide()
        file = _file(event.mimeData())
        if file is None:
            return False
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._open_song(file)
        return True


def _file(what: QMimeData | None) -> Path | None:
    """The first file of this machine among what is dragged."""
    files = [url.toLocalFile() for url in what.urls() if url.isLocalFile()] if what else []
    return Path(files[0]) if files else None
