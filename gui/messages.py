"""What the window has to tell: what went wrong, and whether the engine answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QRect, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QWidget

from gui.brief_label import BriefLabel
from gui.overlay import Overlay

_SHOWN_MS = 15_000
_LINES = 2
_LEFT_PX, _RIGHT_PX, _SPACING_PX = 12, 5, 10


class MessageBar(Overlay):
    """Tells something in two lines, the rest in its tip, and can be closed; later messages take its place and are
    counted.

    `left`: it goes with the focus in it.
    """

    left = pyqtSignal()

    def __init__(self, kind: str, closable: bool, bar: QWidget, spots: Callable[[], Sequence[QRect]]) -> None:
        super().__init__(bar, spots)
        self.setObjectName(kind)
        self._count = 0
        self.label, self.counter = BriefLabel(_LINES), QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(_LEFT_PX, 1, _RIGHT_PX, 1)
        layout.setSpacing(_SPACING_PX)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.counter)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SHOWN_MS)
        self._timer.timeout.connect(self.clear)
        self._closable = closable
        self.close_button = QPushButton("Close")
        self.close_button.setAccessibleName("Close the message")
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.close_button.clicked.connect(self.clear)
        self.close_button.setVisible(closable)
        layout.addWidget(self.close_button)

    def fits(self, spot: QRect) -> bool:
        beside = [widget for widget in (self.counter, self.close_button) if not widget.isHidden()]
        taken = sum(widget.sizeHint().width() + _SPACING_PX for widget in beside)
        return self.label.fits(spot.width() - taken - _LEFT_PX - _RIGHT_PX)

    def tell(self, text: str) -> None:
        """Show a message."""
        self._count += 1
        self.label.setText(text)
        self.counter.setText(f"{self._count} messages")
        self.counter.setVisible(self._count > 1)
        self.setAccessibleName(text)
        self.ensurePolished()       # in the type that it is measured in
        self.label.ensurePolished()
        self.place()
        self.show()
        if self._closable:
            self._timer.start()

    def clear(self) -> None:
        """Show nothing."""
        self._count = 0
        if self.isAncestorOf(QApplication.focusWidget()):
            self.left.emit()    # before the focus falls on what comes next
        self.hide()
