"""The main strip: fader, meter, mute, bypass and the limiter with its light."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gui import theme
from gui.fader import Fader
from gui.fields import GainField
from gui.meter import Meter
from gui.model import MixerModel
from gui.spectrogram_view import SpectrogramRing, SpectrogramTile
from gui.strip import SwitchButton
from vqss_engine.control import Value

GAIN, MUTE, LIMITER, BYPASS = "/vqss/main/gain", "/vqss/main/mute", "/vqss/main/limiter", "/vqss/bypass"
_LIMITS_FROM_DBFS = -0.1


class MainStrip(QFrame):
    """Shows and moves the main output."""

    def __init__(self, model: MixerModel, ring: SpectrogramRing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.setObjectName("strip")
        self.setAccessibleName("Main strip")
        self.tile = SpectrogramTile(ring, 0, "Spectrogram of the mix")
        self.mute = SwitchButton("Mute", "mute", "Mute the main output")
        self.bypass = SwitchButton("Bypass", "bypass", "Hear the unseparated input, equally delayed")
        self.limiter = SwitchButton("Limiter", "limiter", "Safety limiter, acts above 0 dBFS only")
        self.fader = Fader("Gain of the main output")
        self.fader.color = theme.TEXT
        self.meter = Meter("Level of the main output")
        self.gain = GainField("Gain of the main output in dB")
        self.limiting = False
        self.light = QLabel("–")
        self._lay_out()
        self.fader.moved.connect(lambda gain_db, gesture: model.move({GAIN: gain_db}, gesture))
        self.gain.asked.connect(lambda gain_db: model.move({GAIN: gain_db}))
        self.gain.left.connect(self.fader.setFocus)
        for button, path in ((self.mute, MUTE), (self.bypass, BYPASS), (self.limiter, LIMITER)):
            button.asked.connect(lambda on, path=path: model.move({path: on}))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(5, 4, 5, 5)
        layout.setSpacing(4)
        title = QLabel("MAIN")
        title.setFont(theme.font(10.0, bold=True))
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title.setFixedHeight(24)
        self.light.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.light.setFixedHeight(22)
        self.light.setFont(theme.font(8.0, bold=True))
        self.light.setAccessibleName("Limiter light")
        self._show_light(False)
        travel = QHBoxLayout()
        travel.setSpacing(5)
        travel.addStretch(1)
        travel.addWidget(self.fader, 5)
        travel.addWidget(self.meter, 2)
        travel.addStretch(1)
        self.fader.setMaximumWidth(52)
        self.meter.setMaximumWidth(22)
        for widget in (title, self.bypass, self.tile, self.limiter, self.mute):
            layout.addWidget(widget)
        layout.addLayout(travel, 1)
        layout.addWidget(self.gain)
        layout.addWidget(self.light)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(104, 520)

    def show_value(self, path: str, value: Value) -> None:
        """Show one parameter of the main output."""
        if path == GAIN:
            self.fader.show_value(float(value))  # type: ignore[arg-type]
            self.gain.show_gain(self.fader.current)
        for button, own in ((self.mute, MUTE), (self.bypass, BYPASS), (self.limiter, LIMITER)):
            if path == own:
                button.show_on(bool(value))

    def show_levels(self, rms_dbfs: float, peak_dbfs: float, now_s: float) -> None:
        """Show the output's level, and whether the limiter holds it down."""
        self.meter.show_levels(rms_dbfs, peak_dbfs, now_s)
        limiting = peak_dbfs >= _LIMITS_FROM_DBFS and self.limiter.isChecked()
        if limiting != self.limiting:
            self._show_light(limiting)

    def _show_light(self, limiting: bool) -> None:
        self.limiting = limiting
        self.light.setText("LIMITING" if limiting else "–")
        color, ink = (theme.WARN, theme.INK) if limiting else ("transparent", theme.TEXT_QUIET)
        self.light.setStyleSheet(f"background: {color}; color: {ink}; border-radius: 4px;")

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.tile.setFixedHeight(theme.tile_height(self.height()))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.STRIP))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
