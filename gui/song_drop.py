"""Songs that are dropped on the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QWidget


class SongDrop(QObject):
    """Takes files that are dropped anywhere on `window`, and hands them to `open_song`."""

    def __init__(self, window: QWidget, open_song: Callable[[Path], object]) -> None:
        super().__init__(window)
        self._open_song = open_song
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if isinstance(event, QDragEnterEvent):
            return self._enter(event)
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:      # moves are drops to Qt, too
            return self._drop(event)
        return False

    def _enter(self, event: QDragEnterEvent) -> bool:
        mime = event.mimeData()
        if mime is None or not any(url.isLocalFile() for url in mime.urls()):
            return False
        event.acceptProposedAction()
        return True

    def _drop(self, event: QDropEvent) -> bool:
        mime = event.mimeData()
        if mime is None or not mime.urls():
            return False
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._open_song(Path(mime.urls()[0].toLocalFile()))
        return True
