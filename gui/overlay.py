"""What lies over a bar of the window for a while and takes no room of its own, so that nothing moves under a hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QEvent, QObject, QRect
from PyQt6.QtWidgets import QFrame, QWidget


class Overlay(QFrame):
    """Lies over a part of `bar`. `spots()` are the parts that it may take, best first; the last for what fits none."""

    def __init__(self, bar: QWidget, spots: Callable[[], Sequence[QRect]]) -> None:
        super().__init__(bar)
        self._spots = spots
        bar.installEventFilter(self)
        self.hide()

    def fits(self, spot: QRect) -> bool:
        """Whether all that it shows is seen there."""
        return True

    def place(self) -> None:
        """Take a part of the bar."""
        spots = self._spots()
        self.setGeometry(next((spot for spot in spots if self.fits(spot)), spots[-1]))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self.place()
        return False
