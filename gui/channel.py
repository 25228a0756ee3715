"""What every strip of the mixer has, a cluster's and the main one: title, name row, spectrogram, two rows of switches,
fader and meter side by side, gain, effects. The rows of all strips stand in line, whatever the window's size."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PyQt6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gui import theme
from gui.fader import Fader
from gui.fields import GainField
from gui.meter import Meter
from gui.spectrogram_view import SpectrogramTile

_FADER_PX = 54
_ROW_PX, _SHORT_ROW_PX = 26, 22
_STACKED_BELOW_PX = 2 * theme.TOUCH + 11


class EffectsButton(QPushButton):
    """Opens the effects of a strip, and says how many there are and whether they are passed by."""

    def __init__(self, what: str) -> None:
        super().__init__("FX")
        self.setObjectName("fx")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)    # a click must not choose the strip before it is looked at
        self._what = what
        self.show_effects(0, False)

    def show_effects(self, count: int, bypassed: bool) -> None:
        """Show how many effects there are, and whether they are passed by."""
        self.setText("FX" if not count else f"FX {count}" if not bypassed else "FX off")
        state = f"{count} loaded{', passed by' if bypassed else ''}" if count else "none"
        name = f"Effects on {self._what}: {state}"
        self.setAccessibleName(name)
        self.setToolTip(name)
        lit = "off" if not count else "bypassed" if bypassed else "on"
        if self.property("effects") != lit:
            self.setProperty("effects", lit)
            theme.look_again(self)


class Channel(QFrame):
    """One strip. Subclasses put their own widgets into the rows, and connect what is moved."""

    effects_wanted = pyqtSignal()
    arranged = pyqtSignal(bool)

    def __init__(self, what: str, tile: SpectrogramTile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self.tile = tile
        self.fader = Fader(f"Gain of {what}")
        self.meter = Meter(f"Level of {what}")
        self.gain = GainField(f"Gain of {what} in dB")
        self.fx = EffectsButton(what)
        self.gain.left.connect(self.fader.setFocus)
        self.gain.stepped.connect(self.fader.step_by)
        self.fx.clicked.connect(self.effects_wanted)
        self.narrow = False

    def build(self, title: QWidget, name: QWidget, upper: QWidget, switches: tuple[QWidget, ...],
              below: QWidget | None = None) -> None:  # fmt: skip
        """Put the rows together; `upper` stands above the `switches`, `below` beside or above the effects."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 5)
        layout.setSpacing(4)
        self.meter.setMinimumWidth(8)
        self._rows = (title, name, upper, self.gain)
        self.switches = QWidget()
        self._switches = _line(self.switches, 4, switches)
        travel = QHBoxLayout()
        travel.setSpacing(4)
        travel.addStretch(0)
        travel.addWidget(self.fader, 6)
        travel.addWidget(self.meter, 1)
        travel.addStretch(0)
        self.fader.setMaximumWidth(_FADER_PX)
        for widget in (title, name, self.tile, upper, self.switches):
            layout.addWidget(widget)
        layout.addLayout(travel, 1)
        layout.addWidget(self.gain)
        self.footer = QWidget()
        _line(self.footer, 4, (self.fx, below) if below else (self.fx,))
        for button in (self.fx, below):
            if button is not None:
                button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        layout.addWidget(self.footer)
        self._below = below

    @property
    def fill(self) -> str:
        """The colour of the strip."""
        return theme.STRIP

    @property
    def edge(self) -> tuple[str, float]:
        """Colour and width of the line around it."""
        return self.fill, 1.0

    def sizeHint(self) -> QSize:
        return QSize(84, 520)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        short = self.height() < theme.SHORT_PX
        self.tile.setFixedHeight(theme.tile_height(self.height()))
        for row in self._rows:
            row.setFixedHeight(_SHORT_ROW_PX if short else _ROW_PX)
        self.footer.setFixedHeight(_SHORT_ROW_PX + 2 if short else theme.TOUCH - 4)
        self.arrange(self.width() < _STACKED_BELOW_PX)

    def arrange(self, narrow: bool) -> None:
        """Put switches above each other where they would be too small to touch side by side."""
        self.narrow = narrow
        column, row = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._switches.setDirection(column if narrow else row)
        self.switches.setFixedHeight(2 * theme.TOUCH + 4 if narrow else theme.TOUCH)
        if self._below is not None:
            self._below.setHidden(narrow)
        self.arranged.emit(narrow)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(self.fill))
        color, width = self.edge
        painter.setPen(QPen(QColor(color), width))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)


def _line(holder: QWidget, spacing: int, widgets: tuple[QWidget, ...]) -> QHBoxLayout:
    line = QHBoxLayout(holder)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(spacing)
    for widget in widgets:
        widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        line.addWidget(widget)
    holder.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    return line
