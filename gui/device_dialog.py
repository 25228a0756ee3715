"""The dialog of device and latency: what there is to choose, what each choice costs, and its application.

Threads: Qt's; in the background `devices` asks for the devices, which takes a second or so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QFrame,
    QGridLayout,
    QLabel,
    QLayout,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.buttons import closing_row
from gui.model import MixerModel
from gui.services import DeviceChoice, Profile, Services
from vqss_engine.control import vocabulary
from vqss_engine.errors import VQSSError

DEVICE = vocabulary.DEVICE
_TEXT_PX = 600
_RATES = (44100, 48000, 88200, 96000)
_BLOCKS = (64, 128, 256, 512, 1024, 2048)
_SPECIAL = (
    ("default", "The system's own (JACK where it runs)"), ("jack", "JACK or PipeWire"), ("none", "None: the clock"),
)  # fmt: skip
_TEXTS = {"low": "for playing along", "default": "for most machines", "safe": "for weak machines; separates best"}


@dataclass(frozen=True)
class Cost:
    """What a profile costs: samples, milliseconds, and part of a hop's time as far as it can be told."""

    latency_samples: int
    latency_ms: float
    hop: int
    hop_ms: float
    load: float


def cost_of(profile: Profile, rate_hz: float, load: float = 0.0, now: Profile | None = None) -> Cost:
    """The cost at a rate. Where an engine runs with profile `now` at `load`, its load tells how fast the machine is."""
    factor = load / now.load if now is not None and load > 0.0 else 1.0
    return Cost(
        profile.latency_samples, 1e3 * profile.latency_samples / rate_hz, profile.hop, 1e3 * profile.hop / rate_hz,
        profile.load * factor,
    )  # fmt: skip


def device_text(model: MixerModel) -> tuple[str, str]:
    """The device in use, and its rate, block and profile, as the engine tells them; empty where it does not."""
    facts = {name: model.find(DEVICE + name) for name in ("name", "profile", "sample_rate", "block")}
    if None in facts.values():
        return "", ""
    name = "no device" if facts["name"] == "none" else str(facts["name"])
    rate_khz = float(facts["sample_rate"]) / 1000  # type: ignore[arg-type]
    return name, f"{rate_khz:g} kHz · {facts['block']} · {facts['profile']}"


class DeviceDialog(QDialog):
    """Chooses device, rate, block and latency profile of the engine that this window started."""

    failed = pyqtSignal(str)

    def __init__(self, model: MixerModel, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._services = model, services
        self.setWindowTitle("Device and latency")
        self.setModal(False)
        self.source, self.target, self.rate, self.block = QComboBox(), QComboBox(), QComboBox(), QComboBox()
        self.profiles: dict[str, QRadioButton] = {}
        self.costs: dict[str, QLabel] = {}
        self.note, self.present = QLabel(), QLabel()
        self.apply = QPushButton("Apply and restart the engine")
        self.cancel = QPushButton("Close")
        self._lay_out()
        self.apply.setDefault(True)
        self.cancel.setAutoDefault(False)
        self.apply.clicked.connect(self._apply)
        self.cancel.clicked.connect(self.close)
        for box in (self.rate, self.block):
            box.currentIndexChanged.connect(lambda _: self.show_costs())
        self._choose_present()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(14)
        self.present.setFont(theme.font(9.5, bold=True))
        self.present.setWordWrap(True)
        layout.addWidget(self.present)
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        rows = (("Input", self.source), ("Output", self.target), ("Sample rate", self.rate), ("Block", self.block))
        for row, (name, box) in enumerate(rows):
            label = QLabel(name)
            label.setBuddy(box)
            box.setAccessibleName(name)
            box.setMinimumHeight(theme.TOUCH)
            form.addWidget(label, row, 0)
            form.addWidget(box, row, 1)
        form.setColumnStretch(1, 1)
        layout.addLayout(form)
        layout.addWidget(self._profile_table())
        self.note.setWordWrap(True)
        self.note.setObjectName("quiet")
        self.note.setFixedWidth(_TEXT_PX)
        layout.addWidget(self.note)
        layout.addLayout(closing_row(self.cancel, self.apply))

    def _profile_table(self) -> QFrame:
        frame = QFrame()
        frame.setObjectName("card")
        grid = QGridLayout(frame)
        grid.setContentsMargins(12, 10, 12, 10)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(8)
        self._choice = QButtonGroup(self)
        for row, profile in enumerate(sorted(self._services.profiles, key=lambda each: each.hop)):
            button = QRadioButton(profile.name)
            button.setAccessibleName(f"Latency profile {profile.name}, {_TEXTS.get(profile.name, '')}")
            button.setMinimumHeight(theme.TOUCH)
            cost = QLabel()
            cost.setFont(theme.font(9.0, figures=True))
            why = QLabel(_TEXTS.get(profile.name, ""))
            why.setObjectName("quiet")
            self._choice.addButton(button)
            self.profiles[profile.name], self.costs[profile.name] = button, cost
            for column, widget in enumerate((button, cost, why)):
                grid.addWidget(widget, row, column)
        grid.setColumnStretch(1, 1)
        return frame

    # Showing

    def _choose_present(self) -> None:
        """Select what the engine was started with."""
        setup = self._services.engine.setup if self._services.engine else None
        for box, key in ((self.source, setup.source if setup else "default"),
                         (self.target, setup.target if setup else "default")):  # fmt: skip
            _fill(box, _SPECIAL, key)
        rates = [("", "The device's own"), *((str(rate), f"{rate} Hz") for rate in _RATES)]
        _fill(self.rate, rates, str(setup.samplerate or "") if setup else "")
        blocks = [("0", "The device's own"), *((str(block), f"{block} frames") for block in _BLOCKS)]
        _fill(self.block, blocks, str(setup.blocksize) if setup else "0")
        profile = setup.profile if setup else "default"
        if profile in self.profiles:
            self.profiles[profile].setChecked(True)

    def showEvent(self, event: object) -> None:
        self._choose_present()
        engine = self._services.engine
        if engine is not None:
            self._model.background.run(
                "devices", engine.devices, self._take_devices, self.note.setText, "the devices could not be listed"
            )
        self.show_costs()

    def _take_devices(self, devices: Sequence[DeviceChoice]) -> None:
        for box, usable in ((self.source, [each for each in devices if each.inputs]),
                            (self.target, [each for each in devices if each.outputs])):  # fmt: skip
            _fill(box, [*_SPECIAL, *((each.key, each.text) for each in usable)], str(box.currentData()))

    def show_costs(self) -> None:
        """Show what each profile costs at the rate that is chosen, and what is used now."""
        now = self._model.mixer.levels()
        name, facts = device_text(self._model)
        device = f"{name} · {facts}" if name else "unknown device"
        self.present.setText(f"Now: {device}, {now.latency_ms:.1f} ms in all")
        present = next((each for each in self._services.profiles if facts.endswith(f"· {each.name}")), None)
        rate_hz = float(self.rate.currentData() or self._services.model_rate_hz)
        for profile in self._services.profiles:
            cost = cost_of(profile, rate_hz, now.load, present)
            self.costs[profile.name].setText(
                f"{cost.latency_samples} samples, {cost.latency_ms:.1f} ms · hop {cost.hop}, {cost.hop_ms:.1f} ms"
                f" · load about {100 * cost.load:.0f} %"
            )
        own = self._services.engine is not None
        for widget in (self.apply, self.source, self.target, self.rate, self.block, *self.profiles.values()):
            widget.setEnabled(own)
        self.note.setText(self._note(rate_hz) if own else (
            "This window is connected to an engine that it did not start: device and profile are chosen where that"
            " engine is started, with the options of `vqss live`."))  # fmt: skip

    def _note(self, rate_hz: float) -> str:
        block = int(self.block.currentData() or 0)
        text = (
            "Latency in all is that of the profile, of effects, of the device and its blocks. Applying takes some"
            " seconds without sound; mixer, effects and song go on as they are."
        )
        if not block:
            return text
        block_ms = 1e3 * block / rate_hz
        return f"A block of {block} frames is {block_ms:.1f} ms, waited for on the way in and out. {text}"

    # Being used

    def _apply(self) -> None:
        engine, chosen = self._services.engine, self._choice.checkedButton()
        if engine is None or chosen is None:
            return
        rate = self.rate.currentData()
        try:
            engine.restart(
                str(self.source.currentData()), str(self.target.currentData()), int(rate) if rate else None,
                int(self.block.currentData()), chosen.text(),
            )  # fmt: skip
        except VQSSError as error:
            self.failed.emit(str(error))
        self.close()


def _fill(box: QComboBox, entries: Sequence[tuple[str, str]], key: str) -> None:
    """Offer (key, text) pairs; `key` is chosen, and added where it is not among them."""
    blocked = box.blockSignals(True)
    box.clear()
    for own, text in entries:
        box.addItem(text, own)
    if box.findData(key) < 0:
        box.addItem(key, key)
    box.setCurrentIndex(box.findData(key))
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(24)
    box.blockSignals(blocked)


