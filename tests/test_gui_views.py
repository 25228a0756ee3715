"""What is drawn and told: contrast, sizes, meters, spectrograms, unused clusters, the limiter, status."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPoint
from PyQt6.QtGui import QColor
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLabel, QPushButton

from gui import theme
from gui.activity import Activity
from gui.meter import Meter, PeakHold
from gui.mixer_window import MixerWindow
from gui.playhead import Playhead
from gui.strip_menu import COLORS
from tests.gui_windows import LEFT, application, click, settle, window_on
from vqss_engine.control import ControlSurface, EngineState

ROOT = Path(__file__).resolve().parent.parent

BACKGROUNDS = (theme.WINDOW, theme.PANEL, theme.STRIP, theme.STRIP_CURRENT, theme.WELL, theme.CONTROL)
LIT = (theme.MUTE, theme.SOLO, theme.ALERT, theme.GOOD, theme.WARN, theme.FOCUS)


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(4)


def test_all_text_has_the_contrast_of_wcag_aa() -> None:
    assert theme.contrast("#ffffff", "#000000") == pytest.approx(21.0)
    for text, background in itertools.product((theme.TEXT, theme.TEXT_QUIET), BACKGROUNDS):
        assert theme.contrast(text, background) >= 4.5, (text, background)
    for lit in LIT:
        assert theme.contrast(theme.INK, lit) >= 4.5, lit
        assert theme.contrast(lit, theme.PANEL) >= 4.5, lit      # status texts
    for color in (*COLORS.values(), "#4038e6", "#808080"):
        assert theme.contrast(theme.ink_on(color), color) >= 4.5, color
    for background in (theme.STRIP, theme.PANEL):
        assert theme.contrast("#4a5362", background) >= 1.5      # the cap; its white line is far above 3


def test_labels_and_buttons_fit_what_they_say_in_the_smallest_window(window: MixerWindow) -> None:
    window.resize(900, 500)
    settle()
    for kind in (QLabel, QPushButton):
        for widget in window.findChildren(kind):
            if widget.isVisible() and widget.text():
                assert widget.fontMetrics().horizontalAdvance(widget.text()) <= widget.width(), widget.text()


def test_the_peak_is_held_and_then_falls() -> None:
    hold = PeakHold()
    assert hold.update(-6.0, 10.0) == -6.0
    assert hold.update(-40.0, 11.4) == -6.0
    assert hold.update(-40.0, 12.0) == pytest.approx(-6.0 - 24.0 * 0.5)
    assert hold.update(-3.0, 12.1) == -3.0


def test_a_meter_is_as_high_as_its_level_and_its_clip_light_stays() -> None:
    application()
    meter = Meter("level")
    meter.resize(12, 200)
    lit = []
    for now_s, level in enumerate((-90.0, -40.0, -20.0, -3.0)):
        meter.show_levels(level, level, 100.0 * now_s)
        image = meter.grab().toImage()
        dark = QColor(theme.WELL)
        lit.append(sum(image.pixelColor(6, y) != dark for y in range(12, 199)))
    assert lit == sorted(lit) and lit[0] == 0 and lit[3] > lit[2] + 30
    assert not meter.clipped
    meter.show_levels(-20.0, 0.5, 1000.0)
    meter.show_levels(-90.0, -90.0, 1010.0)
    assert meter.clipped
    QTest.mouseClick(meter, LEFT)
    assert not meter.clipped


def test_spectra_scroll_in_from_the_right_in_the_clusters_colour(window: MixerWindow, surface: ControlSurface) -> None:
    surface.set("/vqss/cluster/2/color", "#ff0000")
    settle()
    for frame in range(1, 6):
        levels = np.zeros((5, 64), np.uint8)
        levels[3, :8] = 180            # the third cluster's lowest bands
        surface.telemetry.spectra = (frame, levels.tobytes())
        window.advance(float(frame))
        window.advance(float(frame))   # the same frame again is no new column
    assert window.ring.count == 5
    assert (window.ring.newest(3)[:8] == 180).all() and not window.ring.newest(3)[8:].any()
    tile = window.row.strips[2].tile
    image = tile.grab().toImage()
    right, bottom = image.width() - 1, image.height() - 1
    pixel = image.pixelColor(right - 2, bottom)
    assert pixel.red() > 150 and pixel.green() < 60
    assert image.pixelColor(right - 2, 1) == QColor(theme.WELL) == image.pixelColor(1, bottom)


def test_spectra_of_another_size_are_left_alone(window: MixerWindow, surface: ControlSurface) -> None:
    for content in (b"", b"x" * 7, bytes(64 * 17)):
        surface.telemetry.spectra = (9, content)
        window.advance(1.0)
    assert window.ring.count == 0


def test_a_ring_that_went_round_still_shows_the_newest_at_the_right(window: MixerWindow) -> None:
    ring = window.ring
    for frame in range(2048 + 30):
        ring.push((frame, bytes([255 if frame >= 2048 + 20 else 0]) * (5 * 64)))
    image = window.row.strips[0].tile.grab().toImage()
    y = image.height() // 2
    bright = [image.pixelColor(x, y).lightness() > 200 for x in range(image.width())]
    assert all(bright[-10:]) and not any(bright[:-11])


def test_clusters_without_sound_dim_hide_and_come_back(window: MixerWindow, surface: ControlSurface) -> None:
    powers = surface.telemetry.rms_power
    powers[0], powers[1], powers[2], powers[3] = 0.01, 0.002, 0.0, 1e-9
    for tick in range(40):
        window.advance(tick * 0.3)
    unused = [strip.unused for strip in window.row.strips]
    assert unused == [False, False, True, True]
    click(window.toolbar.hide_unused)
    assert [strip.isHidden() for strip in window.row.strips] == unused
    powers[2] = 0.01
    window.advance(12.3)
    assert not window.row.strips[2].unused and not window.row.strips[2].isHidden()


def test_silence_makes_nobody_unused() -> None:
    activity = Activity(2)
    for tick in range(1000):
        activity.update((-90.0, -120.0), float(tick))
    assert not activity.unused(0) and not activity.unused(1)


def test_the_playhead_goes_on_stops_and_goes_round() -> None:
    head = Playhead()
    head.seek(2.0, 100.0)
    assert head.position(105.0) == 2.0
    head.play(True, 105.0)
    assert head.position(106.5) == pytest.approx(3.5)
    head.set_loop((1.0, 4.0), 106.5)
    assert head.position(107.5) == pytest.approx(1.5)
    assert head.position(110.5) == pytest.approx(1.5)
    head.play(False, 110.5)
    assert head.position(200.0) == pytest.approx(1.5)


def test_the_playhead_takes_over_a_start_that_was_told_while_it_settled() -> None:
    head = Playhead()
    head.seconds = 10.0
    head.play(True, 0.0)
    head.correct(9.9, 9.9)
    head.play(False, 10.0)      # the engine says that the song has ended, and soon where it is then
    for now_s in (10.05, 10.2, 10.4):
        head.correct(0.0, now_s)
    assert head.position(11.0) == 0.0


def test_the_limiter_lights_up_while_it_holds_the_output_down(window: MixerWindow, surface: ControlSurface) -> None:
    lit = []
    for limiter, peak in ((0, 1.0), (1, 0.25), (1, 1.0), (1, 0.25)):
        surface.set("/vqss/main/limiter", limiter)
        surface.telemetry.peak_power[4] = peak
        settle()
        window.advance(float(len(lit)))
        lit.append((window.main.limiting, window.main.limiter.text()))
    dark = (False, "Limiter")
    assert lit == [dark, dark, (True, "LIMITING"), dark]


@pytest.mark.parametrize("size", [(900, 500), (1400, 800), (3840, 2160)])
@pytest.mark.parametrize("effects", [False, True], ids=["plain", "effects"])
def test_switches_are_large_enough_to_touch_and_strips_stand_in_line(
    tmp_path: Path, size: tuple[int, int], effects: bool
) -> None:
    with window_on(ControlSurface(16), tmp_path) as window:
        window.resize(*size)
        if effects:
            window.dock.toggle()
        settle()
        strips = window.row.strips
        for button in (button for strip in strips for button in (strip.mute, strip.solo)):
            assert button.width() >= 32 and button.height() >= 32
        tops = {strip.fader.mapTo(window, QPoint()).y() for strip in (*strips, window.main)}
        assert len(tops) == 1
        assert strips[0].fader.height() >= 90
        if not effects:
            assert not window.row.horizontalScrollBar().isVisible()  # type: ignore[union-attr]


def test_status_and_errors_of_the_engine_are_shown(window: MixerWindow, surface: ControlSurface) -> None:
    telemetry = surface.telemetry
    telemetry.load, telemetry.misses, telemetry.xruns = 0.42, 3, 7
    telemetry.engine_latency_ms, telemetry.state = 17.44, EngineState.DEVICE_LOST
    telemetry.report("the device has gone")
    window.advance(1.0)
    status = window.status
    texts = [label.text() for label in (status.load_text, status.misses, status.xruns, status.latency)]
    assert texts == ["load 42 %", "misses 3", "xruns 7", "latency 17.4 ms"]
    assert "device lost" in status.state.text()
    assert window.errors.isVisible() and window.errors.label.text() == "the device has gone"


SCALED = """
from PyQt6.QtCore import QPoint
from PyQt6.QtGui import QColor, QImage, QRegion
from PyQt6.QtWidgets import QWidget
from gui.meter import Meter
from tests.gui_windows import application
application()
meter = Meter("level")
assert meter.devicePixelRatioF() == 1.5
for width in range(8, 23):
    meter.resize(width, 101)
    meter.show_levels(-10.0, -3.0, 0.0)
    image = QImage(-int(-width * 1.5 // 1), -int(-101 * 1.5 // 1), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(1.5)
    image.fill(QColor("#ff00ff"))
    meter.render(image, QPoint(), QRegion(), QWidget.RenderFlag(0))
    stale = {(x, y) for x in range(image.width()) for y in range(image.height())
             if image.pixelColor(x, y) == QColor("#ff00ff")}
    assert not stale, (width, len(stale))
"""


def test_a_meter_paints_every_pixel_of_a_scaled_screen() -> None:
    settings = {**os.environ, "QT_SCALE_FACTOR": "1.5", "QT_QPA_PLATFORM": "offscreen"}
    child = subprocess.run([sys.executable, "-c", SCALED], cwd=ROOT, env=settings, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
