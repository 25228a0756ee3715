"""A row for one parameter of an effect: its name, a slider or what else fits it, and its value with the unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen, QWheelEvent
from PyQt6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from gui import theme
from gui.drag import DragControl
from gui.fields import Field
from gui.own_keys import claimed
from gui.switch import SwitchButton
from vqss_engine.control import Parameter, Value

_LABEL_PX, _FIELD_PX = 92, 76
_LOGARITHMIC = ("Hz",)
_CUBIC = ("ms", "s")
_SETTLED_MS = 350
_WALK = tuple(
    int(key) for key in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
                         Qt.Key.Key_Home, Qt.Key.Key_End)
)  # fmt: skip


def value_text(value: float, unit: str) -> str:
    """`-20.0 dB`, `1.25 s`, `440 Hz`, `0.50`, `0.0004`."""
    size = abs(value)
    if 0 < size < 0.01 and unit != "dB":
        return f"{value:.2g} {unit}".rstrip().replace("-", "−")
    digits = 0 if size >= 1000 else 1 if size >= 20 or unit == "dB" else 2
    return f"{value:.{digits}f} {unit}".rstrip().replace("-", "−")


def read_value(text: str, unit: str) -> float | None:
    """The number in a text, with or without its unit, `k` for thousands; None for what is none."""
    text = text.strip().lower().replace("−", "-").replace(",", ".").removesuffix(unit.lower()).strip()
    factor = 1000.0 if text.endswith("k") else 1.0
    try:
        value = float(text.removesuffix("k")) * factor
    except ValueError:
        return None
    return value if math.isfinite(value) else None


class ValueSlider(DragControl):
    """A number between two bounds; frequencies and times have more room where they are small."""

    def __init__(self, name: str, low: float, high: float, default: float, unit: str) -> None:
        self._logarithmic = unit in _LOGARITHMIC and high > 0
        self._floor = max(low, high * 1e-4)
        self._power = 3.0 if unit in _CUBIC or (low == 1.0 and high >= 100) else 1.0
        span = high - low
        super().__init__(low, high, default, 1.0 if unit == "dB" or span <= 0 else span / 100)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setAccessibleName(name)
        self.setMinimumSize(60, 24)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(120, 24)

    def told(self, value: float) -> int:
        return round(1000 * min(self.to_travel(value), 1.0))        # a plug-in's bounds may be beyond Qt's numbers

    def to_travel(self, value: float) -> float:
        if self.high <= self.low:
            return 0.0
        if self._logarithmic:
            return max(math.log(max(value, self._floor) / self._floor) / math.log(self.high / self._floor), 0.0)
        part = (value - self.low) / (self.high - self.low)
        return max(part, 0.0) ** (1.0 / self._power)

    def from_travel(self, travel: float) -> float:
        if self._logarithmic:
            return self.low if travel <= 0.0 else float(self._floor * (self.high / self._floor) ** travel)
        return self.low + travel**self._power * (self.high - self.low)

    def nudge(self, change: float, fine: bool) -> None:
        if self._logarithmic or self._power != 1.0:     # steps of the way, not of the value
            travel = self.to_travel(self.current) + change / self.step * (0.001 if fine else 0.01)
            self.ask(self.from_travel(min(max(travel, 0.0), 1.0)))
            self._pause.start()
        else:
            super().nudge(change, fine)

    def way_px(self) -> float:
        return float(self.width() - 14)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Not while the list of effects only scrolls by."""
        if event is not None and self.hasFocus():
            super().wheelEvent(event)
        elif event is not None:
            event.ignore()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, at = self.height() / 2, 7 + self.to_travel(self.current) * self.way_px()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.WELL))
        painter.drawRoundedRect(QRectF(2, middle - 2.5, self.width() - 4, 5), 2.5, 2.5)
        painter.setBrush(QColor(theme.FOCUS))
        start = 7 + self.to_travel(0.0) * self.way_px() if self.low < 0 < self.high else 2.0
        painter.drawRoundedRect(QRectF(min(start, at), middle - 1.5, abs(at - start), 3), 1.5, 1.5)
        lit = self.underMouse() or self.held
        painter.setBrush(QColor("#5a6475" if lit else "#4a5362"))
        painter.setPen(QPen(QColor(theme.FOCUS if self.hasFocus() else theme.WELL), 1.5 if self.hasFocus() else 1.0))
        painter.drawRoundedRect(QRectF(at - 6, middle - 9, 12, 18), 3, 3)
        painter.setPen(QPen(QColor(theme.TEXT), 1.5))
        painter.drawLine(round(at), round(middle - 5), round(at), round(middle + 5))


class ChoiceBox(QComboBox):
    """One of several texts; keys that walk through them are its own while it has the focus."""

    def event(self, event: QEvent | None) -> bool:
        return claimed(event, _WALK) or super().event(event)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None and self.hasFocus():
            super().wheelEvent(event)
        elif event is not None:
            event.ignore()


class ParameterRow(QWidget):
    """A parameter with its range and unit; `asked(value, gesture)`: what the user wants, `refused(text)`: why not."""

    asked = pyqtSignal(object, object)
    refused = pyqtSignal(str)

    def __init__(self, title: str, owner: str, parameter: Parameter | None, argument: Mapping[str, Any]) -> None:
        """Of a parameter of the mixer, or of an argument as a rack's catalogue describes it."""
        super().__init__()
        self._waits = parameter is None
        self._pause: QTimer | None = None
        self._kind = parameter.kind if parameter else "choice" if "choices" in argument else "float"
        self._kind = "file" if argument.get("file") else self._kind
        self.unit = parameter.unit if parameter else str(argument.get("unit", ""))
        low, high = (parameter.minimum, parameter.maximum) if parameter else (
            argument.get("minimum", 0.0), argument.get("maximum", 1.0))  # fmt: skip
        self._low, self._high = float(low or 0.0), float(1.0 if high is None else high)
        name = f"{title} of {owner}"
        bounds = f"{value_text(self._low, '')} to {value_text(self._high, self.unit)}"
        self.setToolTip(f"{name}: {bounds}" if self._kind in ("float", "int") else name)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        label = QLabel(title)
        label.setFixedWidth(_LABEL_PX)
        label.setText(label.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, _LABEL_PX))
        line.addWidget(label)
        self._controls: list[QWidget] = []
        build = {"switch": self._build_switch, "string": self._build_text, "choice": self._build_choice,
                 "file": self._build_file}.get(self._kind, self._build_number)  # fmt: skip
        build(name, parameter.default if parameter else argument.get("default"), argument)
        for control in self._controls:
            line.addWidget(control)

    def _build_number(self, name: str, default: object, argument: Mapping[str, Any]) -> None:
        start = float(default) if isinstance(default, int | float) else self._low
        self.slider = ValueSlider(name, self._low, self._high, start, self.unit)
        self.slider.setToolTip(f"{self.toolTip()}\nDrag, wheel or arrows; Shift for fine, double-click for {start:g}")
        self.field = Field(f"{name} as a number")
        self.field.setFixedWidth(_FIELD_PX)
        self.field.setFont(theme.font(8.5, figures=True))
        if self._waits:
            pause = self._pause = QTimer(self)
            pause.setSingleShot(True)
            pause.setInterval(_SETTLED_MS)
            pause.timeout.connect(lambda: self._ask_settled(pause))
            self.slider.moved.connect(lambda value, gesture: self._wait(value, pause))
        else:
            self.slider.moved.connect(lambda value, gesture: self.asked.emit(self._whole(value), gesture))
        self.field.entered.connect(self._read)
        self.field.left.connect(self.slider.setFocus)
        self.field.stepped.connect(self.slider.step_by)
        self._controls = [self.slider, self.field]

    @property
    def controls(self) -> tuple[QWidget, ...]:
        """What it is set with, from left to right."""
        return tuple(self._controls)

    @property
    def is_number(self) -> bool:
        """Whether it has a slider, and a field for typing."""
        return self._kind in ("float", "int")

    @property
    def in_hand(self) -> bool:
        """Whether it was moved and has not asked yet."""
        return self._pause is not None and self._pause.isActive()

    def _wait(self, value: float, pause: QTimer) -> None:
        """What loading sets is asked for once the hand rests."""
        self.show_value(value)
        pause.start()

    def _ask_settled(self, pause: QTimer) -> None:
        if self.slider.held:
            pause.start()
        else:
            self.asked.emit(self.slider.current, None)

    def _build_switch(self, name: str, default: object, argument: Mapping[str, Any]) -> None:
        self.switch = SwitchButton("off", "switch", name)
        self.switch.asked.connect(lambda on: self.asked.emit(on, None))
        self._controls = [self.switch]

    def _build_text(self, name: str, default: object, argument: Mapping[str, Any]) -> None:
        self.field = Field(name)
        self.field.entered.connect(lambda text: self.asked.emit(text, None))
        self.field.left.connect(self.field.clearFocus)
        self._controls = [self.field]

    def _build_choice(self, name: str, default: object, argument: Mapping[str, Any]) -> None:
        self.choice = ChoiceBox()
        self.choice.setAccessibleName(name)
        self.choice.addItems([str(choice) for choice in argument["choices"]])
        self.choice.textActivated.connect(lambda text: self.asked.emit(text, None))
        self._controls = [self.choice]

    def _build_file(self, name: str, default: object, argument: Mapping[str, Any]) -> None:
        self.button = QPushButton("Choose…")
        self.button.setAccessibleName(name)
        self.button.clicked.connect(self._choose_file)
        self._controls = [self.button]

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose a file")
        if path:
            self.asked.emit(path, None)

    def _whole(self, value: float) -> float:
        return float(round(value)) if self._kind == "int" else value

    def _read(self, text: str) -> None:
        value = read_value(text, self.unit)
        if value is not None:
            self.asked.emit(self._whole(min(max(value, self._low), self._high)), None)
        elif text.strip():
            name, example = self.slider.accessibleName(), value_text(self.slider.default, self.unit)
            self.refused.emit(f"'{text}' is no number for {name}; type one, such as {example}")

    def show_value(self, value: Value) -> None:
        """Show a value; tells nobody."""
        if self._kind == "switch":
            self.switch.show_on(bool(value))
            self.switch.setText("on" if value else "off")
        elif self._kind == "choice":
            self.choice.setCurrentText(str(value))
        elif self._kind == "file":
            self.button.setText(Path(str(value)).name or "Choose…")
        elif self._kind == "string":
            self.field.show_text(str(value))
        elif isinstance(value, int | float):
            self.slider.show_value(float(value))
            self.field.show_text(value_text(float(value), self.unit))
