"""The dialog of device and latency: what it offers, what a choice costs, and that it restarts only its own engine."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt

from bridge.commands.gui_services import services_for
from bridge.gui_engine import Setup
from gui.device_dialog import cost_of
from gui.services import DeviceChoice, Services
from tests.gui_windows import click, key, settle, wait_until, window_on
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import ModelConfig
from vqss_engine.control import Argument, ControlSurface, Parameter

FACTS = {"name": "Scarlett 2i2", "profile": "default", "sample_rate": 48000.0, "block": 128}


@dataclass
class Recorded:
    """Takes the part of the program that starts engines, and notes what is asked of it."""

    setup: Setup = field(default_factory=Setup)
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def devices(self) -> list[DeviceChoice]:
        return [DeviceChoice("Scarlett 2i2", "Scarlett 2i2  (ALSA, 48000 Hz)", 2, 2),
                DeviceChoice("HDMI", "HDMI  (ALSA, 48000 Hz)", 0, 8)]  # fmt: skip

    def restart(self, *asked: object) -> None:
        self.asked.append(asked)


@pytest.fixture
def surface() -> ControlSurface:
    surface = ControlSurface(4)
    for name, value in FACTS.items():
        argument = (Argument(name, "string", maximum=99) if isinstance(value, str)
                    else Argument(name, "float" if isinstance(value, float) else "int", 0, 1e6))  # fmt: skip
        surface.register([Parameter(f"/vqss/device/{name}", (argument,), value, name)])  # type: ignore[arg-type]
    return surface


def services_of(surface: ControlSurface, engine: Recorded | None) -> Services:
    profiles = services_for(surface, None, "engine").profiles  # type: ignore[arg-type]
    return Services(engine_name="engine", engine=engine, profiles=profiles)


def test_the_device_is_in_the_status_line_and_every_profile_tells_its_cost(
    surface: ControlSurface, tmp_path: Path
) -> None:
    surface.telemetry.load = 0.38           # twice of what the default takes elsewhere
    with window_on(surface, tmp_path, services_of(surface, Recorded())) as window:
        assert window.status.device.text() == "Scarlett 2i2 · 48 kHz · 128 · default"
        key(window, Qt.Key.Key_D)
        dialog = window.devices
        assert dialog is not None and dialog.isVisible() and not dialog.isModal()
        texts = {name: label.text() for name, label in dialog.costs.items()}
        assert list(texts) == ["low", "default", "safe"]
        assert texts["default"] == "512 samples, 11.6 ms · hop 256, 5.8 ms · load about 38 %"
        assert texts["low"].startswith("256 samples, 5.8 ms · hop 128, 2.9 ms") and "62 %" in texts["low"]
        dialog.rate.setCurrentIndex(dialog.rate.findData("48000"))
        assert "10.7 ms" in dialog.costs["default"].text()


def test_applying_asks_for_what_was_chosen(surface: ControlSurface, tmp_path: Path) -> None:
    engine = Recorded()
    with window_on(surface, tmp_path, services_of(surface, engine)) as window:
        window.show_devices()
        dialog = window.devices
        assert dialog is not None
        wait_until(lambda: dialog.target.findData("HDMI") >= 0)
        assert dialog.source.findData("HDMI") < 0 and dialog.source.findData("Scarlett 2i2") > 0
        dialog.source.setCurrentIndex(dialog.source.findData("Scarlett 2i2"))
        dialog.target.setCurrentIndex(dialog.target.findData("HDMI"))
        dialog.block.setCurrentIndex(dialog.block.findData("64"))
        assert "A block of 64 frames is 1.5 ms" in dialog.note.text()
        dialog.profiles["low"].setChecked(True)
        click(dialog.apply)
        assert engine.asked == [("Scarlett 2i2", "HDMI", None, 64, "low")]
        assert dialog.isHidden()


def test_a_foreign_engine_is_not_restarted_from_here(surface: ControlSurface, tmp_path: Path) -> None:
    with window_on(surface, tmp_path, services_of(surface, None)) as window:
        click(window.status.device)
        settle()
        dialog = window.devices
        assert dialog is not None and dialog.isVisible()
        assert not dialog.apply.isEnabled() and not dialog.source.isEnabled()
        assert "did not start" in dialog.note.text()


def test_an_estimate_without_a_running_engine_is_the_typical_load(surface: ControlSurface) -> None:
    for profile in services_for(surface, None, "engine").profiles:  # type: ignore[arg-type]
        assert cost_of(profile, 44100.0).load == profile.load > 0.0
        assert cost_of(profile, 44100.0).latency_ms == pytest.approx(1e3 * profile.latency_samples / 44100)


def test_the_windows_process_loads_nothing_of_the_engine() -> None:
    code = (
        "import sys, gui.app, bridge.commands.gui, bridge.commands.gui_services, bridge.osc_client\n"
        "print([name for name in ('numba', 'torch', 'sounddevice', 'pedalboard', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_costs_are_told_for_the_rate_of_the_model(surface: ControlSurface, tmp_path: Path) -> None:
    config = ModelConfig(width=16, layers=1, recurrent_width=16, band_hidden=16, sample_rate=48000)
    ModelBundle.random(config).save(tmp_path / "model")
    for model, rate_hz in ((None, 44100), (tmp_path / "model", 48000), (tmp_path / "none", 44100)):
        services = services_for(surface, None, "engine", model=model)  # type: ignore[arg-type]
        assert services.model_rate_hz == rate_hz
