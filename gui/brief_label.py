"""A label that never asks for more room: what does not fit into its lines is cut, and told whole in the tip."""

from __future__ import annotations

from PyQt6.QtCore import QRect, QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent, QTextLayout, QTextOption
from PyQt6.QtWidgets import QLabel, QWidget


class BriefLabel(QLabel):
    """Shows at most `lines` lines of its text; the last ends in … where there is more."""

    def __init__(self, lines: int = 1, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines = lines
        self.setTextFormat(Qt.TextFormat.PlainText)

    def setText(self, text: str | None) -> None:
        super().setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.fontMetrics().height())

    def fits(self, width: int) -> bool:
        """Whether a label of that width shows all of its text."""
        return len(self._wrapped(width)) <= self._lines

    def shown(self, width: int) -> list[str]:
        """The lines that a label of that width shows."""
        lines = self._wrapped(width)
        if len(lines) <= self._lines:
            return lines
        rest = " ".join(lines[self._lines - 1 :])
        return [*lines[: self._lines - 1], self.fontMetrics().elidedText(rest, Qt.TextElideMode.ElideRight, width)]

    def _wrapped(self, width: int) -> list[str]:
        """The text in as many lines as it needs."""
        text = " ".join(self.text().splitlines())
        layout, option = QTextLayout(text, self.font()), QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        units, lines = text.encode("utf-16-le"), []     # in which Qt counts
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(width, 1))
            end = line.textStart() + line.textLength()
            lines.append(units[2 * line.textStart() : 2 * end].decode("utf-16-le").strip())
        layout.endLayout()
        return lines

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        lines, spacing = self.shown(self.width()), self.fontMetrics().lineSpacing()
        top = (self.height() - spacing * len(lines)) // 2
        for index, line in enumerate(lines):
            box = QRect(0, top + index * spacing, self.width(), spacing)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, line)
