"""F6 and Shift+F6: from part to part of the window, to what had the focus there last."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QWidget

from gui.mixer_window import MixerWindow
from gui.services import EffectKind
from tests.gui_racks import bench
from tests.gui_windows import SHIFT, click, focus, key, settle
from vqss_engine.control import ControlSurface

F6 = Qt.Key.Key_F6


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(4)


def visited(window: MixerWindow, modifiers: Qt.KeyboardModifier, times: int) -> list[QWidget | None]:
    """What has the focus after each of so many presses."""
    found = []
    for _ in range(times):
        key(window, F6, modifiers)
        found.append(QApplication.focusWidget())
    return found


def test_f6_goes_round_in_both_directions_and_leaves_out_what_is_hidden(window: MixerWindow) -> None:
    transport, toolbar = window.transport, window.toolbar
    focus(toolbar.presets)
    first = next(one for one in (transport.play, transport.waveform) if one.isEnabled())
    parts = [window.row.strips[0].fader, window.main.fader, first, window.status.device, toolbar.presets]
    assert visited(window, Qt.KeyboardModifier.NoModifier, 5) == parts
    assert visited(window, SHIFT, 5) == [*reversed(parts[:-1]), toolbar.presets]
    window.dock.toggle()
    click(toolbar.spectra)
    focus(toolbar.presets)
    parts = [window.spectra, window.dock.panel.close_button, window.main.fader, first]
    assert visited(window, Qt.KeyboardModifier.NoModifier, 4) == parts      # nothing can be added here


def test_the_strips_are_entered_where_the_focus_was_unless_another_was_chosen_meanwhile(window: MixerWindow) -> None:
    for strip, back in ((2, window.row.strips[2].mute), (1, window.row.strips[1].fader)):
        focus(window.row.strips[2].mute)
        key(window, F6)
        assert window.main.isAncestorOf(QApplication.focusWidget())
        window.row.set_current(strip)
        key(window, F6, SHIFT)
        assert back.hasFocus() and window.row.current == strip


def test_a_joined_strip_is_entered_though_it_has_no_fader(window: MixerWindow, surface: ControlSurface) -> None:
    focus(window.toolbar.presets)
    surface.set("/vqss/cluster/0/group", 1)
    settle()
    key(window, F6)
    assert window.row.strips[0].chip.hasFocus()


def test_what_is_typed_is_taken_when_f6_leaves_it(window: MixerWindow, surface: ControlSurface) -> None:
    focus(window.row.strips[1].gain)
    window.row.strips[1].gain.setText("-6")
    window.row.strips[1].gain.setModified(True)
    key(window, F6)
    assert surface.get("/vqss/cluster/1/gain") == -6.0 and surface.get("/vqss/main/gain") == 0.0


def test_the_spectrograms_leave_keys_to_the_chosen_cluster(window: MixerWindow, surface: ControlSurface) -> None:
    focus(window.row.strips[0].mute)
    key(window, Qt.Key.Key_V)
    assert window.spectra.hasFocus()
    key(window, F6)
    key(window, Qt.Key.Key_Right)       # takes the focus from the main strip's fader, as among strips
    key(window, Qt.Key.Key_Up)
    assert window.spectra.hasFocus() and surface.state.gain[1] == 0.5 and surface.get("/vqss/main/gain") == 0.0
    key(window, Qt.Key.Key_V)
    assert window.row.strips[1].fader.hasFocus()


def test_effects_that_came_anew_or_went_are_no_place_to_return_to(tmp_path: Path) -> None:
    with bench(tmp_path) as mixer:
        for name in ("Delay", "Invert"):
            mixer.panel.add_effect(EffectKind(name, "built in", {"plugin": name}))
        mixer.ready()
        for remembered, back in ((True, mixer.panel.cards[1].remove), (False, mixer.panel.add)):
            focus(mixer.panel.cards[1].remove)
            key(mixer.window, F6)
            if not remembered:
                mixer.effects.remove_all()
                mixer.ready()
                settle()
            key(mixer.window, F6, SHIFT)
            assert back.hasFocus()
