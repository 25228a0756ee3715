"""Keys go to the control that has the focus where they are its own, and to the window where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt

from gui.mixer_window import MixerWindow
from gui.parameter_row import ParameterRow
from gui.services import EffectKind, Overview, Services
from tests.gui_racks import bench
from tests.gui_windows import CONTROL, assert_agreement, focus, key, settle, wait_until, window_on
from vqss_engine.control import ControlSurface

MODE = {"name": "mode", "choices": ["LPF12", "HPF12", "BPF12"], "default": "LPF12"}


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(4)


@pytest.fixture
def window(surface: ControlSurface, tmp_path: Path) -> Iterator[MixerWindow]:
    wave = np.zeros((2, 100), np.float32)
    services = Services(lambda path: Overview(wave, 60.0), lambda path: path.name, lambda source: tmp_path / source)
    with window_on(surface, tmp_path, services) as made:
        yield made


def test_arrows_seek_in_the_overview_and_walk_through_strips_without_a_song(
    window: MixerWindow, surface: ControlSurface
) -> None:
    focus(window.transport.waveform)
    key(window, Qt.Key.Key_Right)
    assert window.row.current == 1
    surface.set("/vqss/source", "song.wav")
    settle()
    wait_until(lambda: window.transport.waveform.seconds)
    focus(window.transport.waveform)
    key(window, Qt.Key.Key_Right)
    assert surface.get("/vqss/transport/position") == 5.0 and window.row.current == 1


def test_home_and_end_in_the_overview_are_the_ends_of_the_song(window: MixerWindow, surface: ControlSurface) -> None:
    surface.set("/vqss/source", "song.wav")
    settle()
    wait_until(lambda: window.transport.waveform.seconds)
    focus(window.transport.waveform)
    for which, second in ((Qt.Key.Key_End, 60.0), (Qt.Key.Key_Home, 0.0)):
        key(window, which)
        assert surface.get("/vqss/transport/position") == second and surface.state.gain[0] == 0.0


@pytest.mark.parametrize("which", ["main fader", "pan"])
def test_home_and_end_move_the_focused_control_alone(window: MixerWindow, surface: ControlSurface, which: str) -> None:
    control, path, low = {
        "main fader": (window.main.fader, "/vqss/main/gain", -70.0),
        "pan": (window.row.strips[0].pan, "/vqss/cluster/0/pan", -1.0),
    }[which]
    focus(control)
    before = surface.values()
    key(window, Qt.Key.Key_Up)
    key(window, Qt.Key.Key_End)
    assert surface.get(path) == low and surface.get("/vqss/cluster/0/gain") == 0.0
    key(window, Qt.Key.Key_Z, CONTROL)
    assert surface.get(path) == control.step        # a step of its own
    key(window, Qt.Key.Key_Home)
    assert surface.values() == before
    assert_agreement(window, surface)


def test_a_list_is_walked_through_with_arrows(window: MixerWindow, surface: ControlSurface) -> None:
    row = ParameterRow("mode", "Ladder filter", None, MODE)
    window.dock.panel.layout().addWidget(row)       # type: ignore[union-attr]
    window.dock.show("0")
    row.show_value("LPF12")
    chosen: list[object] = []
    row.asked.connect(lambda value, _: chosen.append(value))
    focus(row.choice)
    for which in (Qt.Key.Key_Down, Qt.Key.Key_End, Qt.Key.Key_Up):
        key(window, which)
    assert chosen == ["HPF12", "BPF12", "HPF12"] and surface.state.gain[0] == 0.0


def test_the_focus_stays_on_a_card_that_is_made_anew(tmp_path: Path) -> None:
    """Every change of a rack makes the cards anew; the keys that follow go to what is in the place of what had them."""
    ladder = EffectKind("Ladder", "built in", {"plugin": "LadderFilter"}, (MODE,))
    with bench(tmp_path) as mixer:
        mixer.effects.kinds = [ladder]
        for kind in (ladder, EffectKind("Delay", "built in", {"plugin": "Delay"})):
            mixer.panel.add_effect(kind)
        mixer.ready()
        focus(mixer.panel.cards[0].rows["mode"].choice)
        for _ in range(2):
            key(mixer.window, Qt.Key.Key_Down)
        mixer.ready()
        assert mixer.host.rack.chains[1][0].mode.name == "BPF12" and mixer.surface.state.gain[1] == 0.0
        focus(mixer.panel.cards[0].down)
        key(mixer.window, Qt.Key.Key_Return)
        mixer.ready()
        assert mixer.names(1) == ["Delay", "LadderFilter"] and mixer.panel.cards[1].up.hasFocus()


def test_tab_leads_through_the_cards_and_the_focus_stays_where_one_was_removed(tmp_path: Path) -> None:
    with bench(tmp_path) as mixer:
        for name in ("Delay", "Invert"):
            mixer.panel.add_effect(EffectKind(name, "built in", {"plugin": name}))
        mixer.ready()
        wanted = [control for card in mixer.panel.cards for control in card.controls if control.isEnabled()]
        focus(mixer.panel.more)
        for control in wanted:
            key(mixer.window, Qt.Key.Key_Tab)
            assert control.hasFocus(), control.accessibleName()
        focus(mixer.panel.cards[0].remove)
        key(mixer.window, Qt.Key.Key_Return)
        mixer.ready()
        assert mixer.names(1) == ["Invert"] and mixer.panel.cards[0].remove.hasFocus()
        key(mixer.window, Qt.Key.Key_Return)
        mixer.ready()
        assert mixer.names(1) == [] and mixer.panel.add.hasFocus()


def test_the_focus_stays_on_one_of_two_effects_of_a_kind(tmp_path: Path) -> None:
    delay = EffectKind("Delay", "built in", {"plugin": "Delay"})
    with bench(tmp_path) as mixer:
        for _ in range(2):
            mixer.panel.add_effect(delay)
        mixer.ready()
        focus(mixer.panel.cards[1].on)
        for wanted in (["Delay"], ["Delay", "Delay"]):
            key(mixer.window, Qt.Key.Key_Return)
            mixer.ready()
            assert mixer.names(1) == wanted
            assert mixer.panel.cards[0].on.isChecked() and mixer.panel.cards[1].on.hasFocus()
