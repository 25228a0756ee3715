"""Hands that do not look: keys act on what has the focus, and nothing moves because something else came or went."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from gui.mixer_window import MixerWindow
from gui.services import EffectKind
from tests.gui_racks import bench
from tests.gui_windows import CONTROL, LEFT, NONE, SHIFT, click, focus, key, move, settle, type_into, wheel
from vqss_engine.control import ControlSurface

COMPRESSOR = EffectKind("Compressor", "built in", {"plugin": "Compressor"})
MAIN = "/vqss/main/gain"


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(6)


def gains(surface: ControlSurface) -> list[object]:
    return [surface.get(f"/vqss/cluster/{k}/gain") for k in range(surface.clusters)]


def test_enter_and_arrows_stay_with_the_main_fader(window: MixerWindow, surface: ControlSurface) -> None:
    focus(window.main.fader)
    key(window, Qt.Key.Key_Up)
    key(window, Qt.Key.Key_Return)
    assert QApplication.focusWidget() is window.main.gain
    key(window, Qt.Key.Key_PageDown)
    assert surface.get(MAIN) == -2.5 and gains(surface) == [0.0] * 6


def test_arrows_in_a_name_move_nothing(window: MixerWindow, surface: ControlSurface) -> None:
    focus(window.row.strips[2].name)
    for which in (Qt.Key.Key_Up, Qt.Key.Key_PageDown):
        key(window, which)
    assert gains(surface) == [0.0] * 6
    focus(window.row.strips[2].gain)
    key(window, Qt.Key.Key_Down)
    assert gains(surface) == [0.0, 0.0, -0.5, 0.0, 0.0, 0.0]


def test_the_effects_of_another_strip_are_shown_at_once(window: MixerWindow) -> None:
    for k, shown in ((1, True), (4, True), (4, False)):
        click(window.row.strips[k].fx)
        assert (window.dock.panel.isVisible(), window.dock.panel.key, window.row.current) == (shown, str(k), k)
    focus(window.row.strips[1].fader)
    click(window.row.strips[3].fx)
    assert window.row.current == 3 and window.row.strips[3].isAncestorOf(QApplication.focusWidget())


def test_what_is_closed_leaves_the_chosen_strip_as_it_is(window: MixerWindow, surface: ControlSurface) -> None:
    focus(window.row.strips[2].fader)
    window.errors.tell("something")
    settle()
    close = window.errors.close_button
    for by_key in (False, True):
        window.errors.tell("something")
        settle()
        if by_key:
            focus(close)
            key(window, Qt.Key.Key_Return)
        else:
            click(close)
        assert not window.errors.isVisible() and window.row.current == 2
    key(window, Qt.Key.Key_F)
    focus(window.dock.panel.close_button)
    key(window, Qt.Key.Key_Return)
    key(window, Qt.Key.Key_Return)
    assert QApplication.focusWidget() is window.row.strips[2].gain and surface.get("/vqss/bypass") is False


def test_a_joined_strip_is_left_after_its_name_was_typed(window: MixerWindow, surface: ControlSurface) -> None:
    surface.set("/vqss/cluster/2/group", 1)
    settle()
    window.row.set_current(2)
    key(window, Qt.Key.Key_F2)
    type_into(window.row.strips[2].name, "bass")
    key(window, Qt.Key.Key_M)
    assert surface.get("/vqss/cluster/2/name") == "bass" and surface.get("/vqss/cluster/1/mute") is True


def test_a_strip_that_is_needed_is_not_hidden_though_it_is_unused(window: MixerWindow, surface: ControlSurface) -> None:
    surface.set("/vqss/cluster/2/group", 1)
    window.row.set_current(3)
    settle()
    window.hide_unused(True)
    for k in (0, 1, 3, 4):
        window.row.set_unused(k, True)
    seen = [strip.k for strip in window.row.strips if not strip.isHidden()]
    assert seen == [1, 2, 5] and window.row.current == 2
    surface.set("/vqss/cluster/4/solo", True)
    settle()
    assert not window.row.strips[4].isHidden() and window.toolbar.clear_solo.property("lit")
    assert not window.spectra._rows[5].isHidden() and window.spectra._rows[1].isHidden()
    click(window.toolbar.clear_solo)
    assert window.row.strips[4].isHidden() and not window.toolbar.clear_solo.property("lit")


def test_the_chosen_cluster_is_marked_among_the_spectra(window: MixerWindow, surface: ControlSurface) -> None:
    window.show_spectra(True)
    settle()
    click(window.spectra.tiles[4])
    assert window.row.current == 3 and window.spectra._names[4].text().startswith("▸")
    key(window, Qt.Key.Key_M)
    assert surface.get("/vqss/cluster/3/mute") is True
    click(window.spectra.tiles[0])
    assert window.row.current == 3


def test_escape_puts_out_all_lights(window: MixerWindow) -> None:
    meters = (window.row.strips[2].meter, window.main.meter)
    for meter in meters:
        meter.show_levels(0.0, 1.0, 1.0)
    key(window, Qt.Key.Key_Escape)
    assert not any(meter.clipped for meter in meters)


def test_the_window_fits_the_screen(window: MixerWindow) -> None:
    screen = window.screen()
    assert screen is not None
    wanted = screen.availableSize().expandedTo(window.minimumSize())
    assert window.width() <= wanted.width() and window.height() <= wanted.height()


def test_a_long_device_name_leaves_the_rate_readable(window: MixerWindow) -> None:
    window.resize(900, 500)
    window.status.show_device("Scarlett 18i20 USB: Audio (hw:2,0), Analogue 1 to 20 of the front panel", "48 kHz · 128")
    text = window.status.device.text()
    assert text.endswith("48 kHz · 128") and "…" in text


def test_an_effects_value_is_typed_and_left(tmp_path: Path) -> None:
    with bench(tmp_path) as mixer:
        mixer.panel.add_effect(COMPRESSOR)
        mixer.ready()
        row = next(row for row in mixer.panel.cards[0].rows.values() if row.is_number)
        type_into(row.field, "-12")
        assert QApplication.focusWidget() is row.slider
        key(mixer.window, Qt.Key.Key_Return)
        assert QApplication.focusWidget() is row.field
        key(mixer.window, Qt.Key.Key_Escape)
        key(mixer.window, Qt.Key.Key_Z, CONTROL)
        assert mixer.surface.get(row_path(mixer.surface)) != -12.0
        focus(mixer.window.row.strips[1].fader)
        before = mixer.surface.get(row_path(mixer.surface))
        wheel(row.slider, -3)       # the list scrolls by
        assert mixer.surface.get(row_path(mixer.surface)) == before


@pytest.mark.parametrize("which", [Qt.Key.Key_2, Qt.Key.Key_S])
def test_solo_keys_do_not_ask_what_else_is_held(window: MixerWindow, surface: ControlSurface, which: Qt.Key) -> None:
    """On keyboards where digits need Shift, they are no less digits."""
    surface.set("/vqss/cluster/4/solo", True)
    window.row.set_current(2)
    settle()
    click(window.row.strips[2].meter, SHIFT)        # Qt holds Shift for pressed until it hears otherwise
    assert QApplication.keyboardModifiers() == SHIFT
    for shortcut in window.findChildren(QShortcut):
        if shortcut.key() == QKeySequence(which):
            shortcut.activated.emit()
    settle()
    assert surface.state.solo == (False, False, True, False, True, False)


def test_a_held_pan_key_is_one_step_of_undo(window: MixerWindow, surface: ControlSurface) -> None:
    for _ in range(4):
        key(window, Qt.Key.Key_BracketLeft)
    assert surface.get("/vqss/cluster/0/pan") == pytest.approx(-0.2)
    window.model.undo()
    assert surface.get("/vqss/cluster/0/pan") == 0.0


def test_another_button_does_not_end_a_drag(window: MixerWindow, surface: ControlSurface) -> None:
    fader, right = window.row.strips[1].fader, Qt.MouseButton.RightButton
    at = fader.rect().center()
    QTest.mousePress(fader, LEFT, NONE, at)
    QTest.mouseClick(fader, right, NONE, at)
    QTest.mouseDClick(fader, right, NONE, at)
    assert fader.held
    move(fader, at + QPoint(0, 40), NONE)
    assert surface.get("/vqss/cluster/1/gain") < 0.0       # type: ignore[operator]
    QTest.mouseRelease(fader, LEFT, NONE, at + QPoint(0, 40))
    assert not fader.held


def row_path(surface: ControlSurface) -> str:
    """The first number of the first effect of cluster 1."""
    own = (p for p in surface.parameters() if p.path.startswith("/vqss/cluster/1/fx/0/"))
    return next(p.path for p in own if p.kind == "float")
