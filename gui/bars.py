"""The bar at the bottom: how the engine fares."""

from __future__ import annotations

from PyQt6.QtCore import QRect, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from gui import theme
from vqss_engine.control import EngineState, TelemetrySnapshot

_WIDE_PX = 1150
_STATUS_PX, _SHORTEST_NAME_PX = 620, 60     # what stands beside the device
_STATES = {
    EngineState.STOPPED: ("○ stopped", theme.TEXT_QUIET),
    EngineState.RUNNING: ("● running", theme.GOOD),
    EngineState.BYPASSED: ("◐ bypassed", theme.WARN),
    EngineState.FALLBACK: ("◑ dry mix", theme.WARN),
    EngineState.DEVICE_LOST: ("✕ device lost", theme.ALERT),
}


class LoadBar(QWidget):
    """How much of a hop's time is spent computing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.load = 0.0
        self.setFixedSize(64, 8)

    def show_load(self, load: float) -> None:
        """Show a load, 0...1 and beyond."""
        if round(load * 64) != round(self.load * 64):
            self.update()
        self.load = load

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.WELL))
        color = theme.GOOD if self.load < 0.7 else theme.WARN if self.load < 1.0 else theme.ALERT
        painter.fillRect(QRectF(0, 0, self.width() * min(self.load, 1.0), self.height()), QColor(color))


class StatusLine(QWidget):
    """State, load, misses, xruns, latency, the device, and where the engine is."""

    device_wanted = pyqtSignal()

    def __init__(self, engine_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Status")
        self.setFixedHeight(30)
        self.state, self.load_text, self.load = QLabel(), QLabel(), LoadBar()
        self.misses, self.xruns, self.latency = QLabel(), QLabel(), QLabel()
        self.engine = QLabel(engine_name)
        self._device = ("", "")
        self.device = QPushButton("Device…")
        self.device.setObjectName("flat")
        self.device.clicked.connect(self.device_wanted)
        self.show_device("", "")
        for label in (self.load_text, self.misses, self.xruns, self.latency):
            label.setFont(theme.font(9.0, figures=True))
        for figure, text in (
            (self.load, "Load: how much of a hop's time the engine takes"),
            (self.load_text, "Load: how much of a hop's time the engine takes"),
            (self.misses, "Misses: hops that came too late, in whose place the input was heard"),
            (self.xruns, "Xruns: blocks that the device says it lost"),
            (self.latency, "Latency: from input to output, the device's own included"),
            (self.state, "What the engine does"),
        ):
            figure.setToolTip(text)
        self.state.setFixedWidth(92)
        self.load_text.setFixedWidth(74)
        self.engine.setObjectName("quiet")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(14)
        for widget in (self.state, self.load, self.load_text, self.misses, self.xruns, self.latency):
            layout.addWidget(widget)
        layout.addWidget(self.device)
        layout.addStretch(1)
        layout.addWidget(self.engine)
        self._shown: tuple[object, ...] = ()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.engine.setHidden(self.width() < _WIDE_PX)
        self._fit_device()

    def spots(self) -> list[QRect]:
        """Where something may lie over it for a while: beside the device, or where that is too narrow over it."""
        free = self.rect().adjusted(self.device.x(), 1, -6, -1)
        beside = free.adjusted(self.device.width() + 10, 0, 0, 0)
        return [beside, free]

    def show_snapshot(self, now: TelemetrySnapshot) -> None:
        """Show how the engine fares."""
        self.load.show_load(now.load)
        shown = (now.state, round(now.load * 100), now.misses, now.xruns, round(now.latency_ms, 1))
        if shown == self._shown:
            return
        self._shown = shown
        text, color = _STATES[now.state]
        self.state.setText(text)
        self.state.setStyleSheet(f"color: {color};")
        self.load_text.setText(f"load {now.load * 100:.0f} %")
        self._show_count(self.misses, "misses", now.misses)
        self._show_count(self.xruns, "xruns", now.xruns)
        self.latency.setText(f"latency {now.latency_ms:.1f} ms")

    def show_device(self, name: str, facts: str) -> None:
        """Show the device and how it runs; '' where they are not known."""
        self._device = (name, facts)
        text = f"Device and latency (D): {f'{name} · {facts}' if name else 'not known'}"
        self.device.setAccessibleName(text)
        self.device.setToolTip(text)
        self._fit_device()

    def _fit_device(self) -> None:
        """Shorten the name where there is no room, never the rate, the block and the profile behind it."""
        name, facts = self._device
        if not name:
            self.device.setText("Device…")
            return
        metrics = self.device.fontMetrics()
        room = max(self.width() - _STATUS_PX - metrics.horizontalAdvance(facts), _SHORTEST_NAME_PX)
        self.device.setText(f"{metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)} · {facts}")

    def _show_count(self, label: QLabel, what: str, count: int) -> None:
        label.setText(f"{what} {count}")
        label.setStyleSheet(f"color: {theme.WARN};" if count else "")
