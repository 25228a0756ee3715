"""Scrolling log-mel spectrograms of the mix and of every cluster, from the engine's own masks.

All rows share one ring of pixels that images look into, so that a new column costs one small look-up and a repaint of
a row one or two image copies, whatever the window's size.
"""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gui import theme

BANDS = 64
COLUMNS = 2048
MIX_COLOR = "#c9d3df"
_WELL = QColor(theme.WELL)


class SpectrogramRing:
    """The last 2048 columns of K + 1 rows (the mix first) of 64 bands, oldest overwritten."""

    def __init__(self, clusters: int) -> None:
        self.rows = clusters + 1
        self.count = 0
        self._frame: int | None = None
        self._bytes = np.zeros((self.rows, BANDS, COLUMNS), np.uint8)
        self._pixels = np.zeros((self.rows, BANDS, COLUMNS), np.uint32)
        self._shades = np.tile(np.array(theme.spectrum_colors(MIX_COLOR), np.uint32), (self.rows, 1))
        self._every_row = np.arange(self.rows)[:, None]
        self._images = [self._image(row) for row in range(self.rows)]

    def _image(self, row: int) -> QImage:
        """A picture of a row's pixels, which live as long as this ring."""
        return QImage(self._pixels[row].data, COLUMNS, BANDS, 4 * COLUMNS, QImage.Format.Format_RGB32)

    def set_color(self, row: int, color: str) -> None:
        """Draw a row in shades of `color`."""
        shades = np.array(theme.spectrum_colors(color), np.uint32)
        if (shades != self._shades[row]).any():
            self._shades[row] = shades
            self._pixels[row] = shades[self._bytes[row]]

    def push(self, spectra: tuple[int, bytes]) -> bool:
        """Add a column from (frame, (K + 1) * 64 bytes); False where it is old, or of another size."""
        frame, levels = spectra
        if frame == self._frame or len(levels) != self.rows * BANDS:
            return False
        self._frame = frame
        column = np.frombuffer(levels, np.uint8).reshape(self.rows, BANDS)
        column, at = column[:, ::-1], self.count % COLUMNS      # high bands on top
        self._bytes[:, :, at] = column
        self._pixels[:, :, at] = self._shades[self._every_row, column]
        self.count += 1
        return True

    def newest(self, row: int) -> np.ndarray:
        """The newest column (64,) of a row, low bands first."""
        return self._bytes[row, ::-1, (self.count - 1) % COLUMNS]

    def paint(self, painter: QPainter, row: int, box: QRectF, columns: int) -> None:
        """Draw the last `columns` columns of a row into `box`, the newest at its right edge."""
        image, columns = self._images[row], min(columns, COLUMNS)
        shown = min(columns, self.count)
        if not shown:
            return
        pixel = box.width() / columns
        end = (self.count - 1) % COLUMNS + 1
        newest = min(shown, end)
        right = box.right()
        for start, width in ((end - newest, newest), (COLUMNS - (shown - newest), shown - newest)):
            if width:
                target = QRectF(right - width * pixel, box.top(), width * pixel, box.height())
                painter.drawImage(target, image, QRectF(start, 0, width, BANDS))
                right -= width * pixel


class SpectrogramTile(QWidget):
    """One row of the ring, a column `column_px` wide."""

    def __init__(self, ring: SpectrogramRing, row: int, name: str, column_px: int = 1) -> None:
        super().__init__()
        self._column_px = column_px
        self._ring, self._row = ring, row
        self._painted = -1
        self.dimmed = False
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setMinimumSize(20, 16)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(60, 48)

    def advance(self) -> None:
        """Repaint if there is a new column."""
        if self._painted != self._ring.count and self.isVisible():
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        columns = max(1, self.width() // self._column_px)
        if self.dimmed or self._ring.count < columns:
            painter.fillRect(self.rect(), _WELL)
        if self.dimmed:
            painter.setOpacity(0.45)
        self._ring.paint(painter, self._row, QRectF(self.rect()), columns)
        self._painted = self._ring.count


class _Row(QWidget):
    """A cluster's line; `pressed`: wherever it is clicked."""

    pressed = pyqtSignal()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        self.pressed.emit()


class SpectrogramView(QWidget):
    """All rows under the mix's: which cluster holds what, at a glance. `chosen(k)`: a cluster's row was clicked."""

    chosen = pyqtSignal(int)

    def __init__(self, ring: SpectrogramRing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("spectra")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)    # a click on a row chooses it and leaves the focus where it is
        self.setAccessibleName("Spectrograms of the mix and all clusters")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.setSpacing(3)
        self.tiles: list[SpectrogramTile] = []
        self._rows: list[QWidget] = []
        self._chips: list[QFrame] = []
        self._names: list[QLabel] = []
        self._marks: list[QLabel] = []
        self._texts: list[str] = []
        self._current = 1
        for row in range(ring.rows):
            name = "Spectrogram of the mix" if row == 0 else f"Spectrogram of cluster {row - 1}"
            layout.addWidget(self._row(SpectrogramTile(ring, row, name, 2), row), 2 if row == 0 else 1)

    def _row(self, tile: SpectrogramTile, row: int) -> QWidget:
        holder = _Row()
        if row:
            holder.pressed.connect(lambda: self.chosen.emit(row - 1))
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        chip = QFrame()
        chip.setFixedWidth(4)
        label = QLabel("Mix" if row == 0 else str(row - 1))
        label.setFont(theme.font(9.0, bold=row == 0))
        label.setFixedWidth(104)
        mark = QLabel()
        mark.setFont(theme.font(8.0, bold=True))
        mark.setFixedWidth(26)
        for widget in (chip, label, mark, tile):
            line.addWidget(widget)
        self.tiles.append(tile)
        self._rows.append(holder)
        self._chips.append(chip)
        self._names.append(label)
        self._marks.append(mark)
        self._texts.append("")
        self.set_row(row, "Mix" if row == 0 else str(row - 1), MIX_COLOR)
        return holder

    def set_row(self, row: int, name: str, color: str) -> None:
        """Name and colour of a row."""
        self._chips[row].setStyleSheet(f"background: {color}; border-radius: 2px;")
        self._texts[row] = name
        self._show_name(row)

    def _show_name(self, row: int) -> None:
        name, mark = self._texts[row], "▸ " if row == self._current else ""
        metrics = self._names[row].fontMetrics()
        self._names[row].setText(metrics.elidedText(mark + name, Qt.TextElideMode.ElideRight, 104))
        self._names[row].setToolTip(name)

    def set_current(self, k: int) -> None:
        """Mark the cluster that keys act on."""
        before, self._current = self._current, k + 1
        for row in (before, self._current):
            self._show_name(row)

    def set_dimmed(self, row: int, dimmed: bool, hidden: bool) -> None:
        """Dim a row that holds nothing, or hide it."""
        self.tiles[row].dimmed = dimmed
        self._names[row].setObjectName("quiet" if dimmed else "")
        self._names[row].setStyleSheet(f"color: {theme.TEXT_QUIET if dimmed else theme.TEXT};")
        self._rows[row].setVisible(not hidden)

    def set_switches(self, row: int, mute: bool, solo: bool) -> None:
        """Say beside the name whether the row is muted or soloed."""
        shown = [f'<span style="color: {color}">{letter}</span>'
                 for on, letter, color in ((mute, "M", theme.MUTE), (solo, "S", theme.SOLO)) if on]  # fmt: skip
        self._marks[row].setText(" ".join(shown))
        self._marks[row].setAccessibleName(", ".join(word for on, word in ((mute, "muted"), (solo, "soloed")) if on))

    def advance(self) -> None:
        """Repaint what has a new column."""
        for tile in self.tiles:
            tile.advance()
