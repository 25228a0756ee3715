"""Every control of the window moves its parameter, and follows when somebody else moves it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QAbstractButton, QLineEdit, QSlider

from gui.mixer_window import MixerWindow
from tests.gui_windows import (
    CONTROL,
    LEFT,
    SHIFT,
    assert_agreement,
    click,
    drag,
    key,
    settle,
    type_into,
    wheel,
)
from vqss_engine.control import ControlSurface, db_to_fader

CLUSTERS = 4


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(CLUSTERS, ["bass", "", "voice", ""])


Gesture = Callable[[MixerWindow], object]
MOVES: dict[str, tuple[Gesture, str, object]] = {
    "wheel on the fader": (lambda w: wheel(w.row.strips[1].fader, 2), "cluster/1/gain", 1.0),
    "fine wheel": (lambda w: wheel(w.row.strips[1].fader, -1, SHIFT), "cluster/1/gain", -0.05),
    "typed gain": (lambda w: type_into(w.row.strips[2].gain, "-7.5"), "cluster/2/gain", -7.5),
    "typed silence": (lambda w: type_into(w.row.strips[2].gain, "-inf"), "cluster/2/gain", -70.0),
    "typed too much": (lambda w: type_into(w.row.strips[2].gain, "99"), "cluster/2/gain", 12.0),
    "mute": (lambda w: click(w.row.strips[3].mute), "cluster/3/mute", True),
    "solo": (lambda w: click(w.row.strips[3].solo), "cluster/3/solo", True),
    "wheel on pan": (lambda w: wheel(w.row.strips[0].pan, -3), "cluster/0/pan", -0.15),
    "name": (lambda w: type_into(w.row.strips[1].name, "snare"), "cluster/1/name", "snare"),
    "main gain": (lambda w: wheel(w.main.fader, -4), "main/gain", -2.0),
    "typed main gain": (lambda w: type_into(w.main.gain, "3 dB"), "main/gain", 3.0),
    "main mute": (lambda w: click(w.main.mute), "main/mute", True),
    "bypass": (lambda w: click(w.main.bypass), "bypass", True),
    "limiter": (lambda w: click(w.main.limiter), "main/limiter", True),
}


@pytest.mark.parametrize("move", MOVES)
def test_controls_move_their_parameter_and_undo_takes_it_back(
    window: MixerWindow, surface: ControlSurface, move: str
) -> None:
    gesture, leaf, value = MOVES[move]
    before = surface.values()
    gesture(window)
    assert surface.get(f"/vqss/{leaf}") == pytest.approx(value) if not isinstance(value, str) else value
    changed = {path for path, now in surface.values().items() if now != before[path]}
    assert changed <= {f"/vqss/{leaf}", f"/vqss/{leaf.replace('gain', 'fader')}"}
    assert_agreement(window, surface)
    click(window.toolbar.undo)
    assert surface.values() == before
    assert_agreement(window, surface)


FOLLOWED = {
    "cluster/2/gain": -33.25, "cluster/1/mute": True, "cluster/3/solo": True, "cluster/0/pan": 0.4,
    "cluster/1/name": "keys", "cluster/2/color": "#123456", "main/gain": 6.0, "main/mute": True,
    "main/limiter": True, "bypass": True, "cluster/3/group": 1,
}  # fmt: skip


@pytest.mark.parametrize("leaf", FOLLOWED)
def test_controls_follow_what_another_thread_sets(window: MixerWindow, surface: ControlSurface, leaf: str) -> None:
    other = threading.Thread(target=surface.set, args=(f"/vqss/{leaf}", FOLLOWED[leaf], "somebody"))
    other.start()
    other.join()
    assert_agreement(window, surface)
    assert not window.model.history.can_undo        # what others do is not ours to undo


def test_a_drag_moves_by_the_way_of_the_mouse_and_is_one_step_of_undo(
    window: MixerWindow, surface: ControlSurface
) -> None:
    fader = window.row.strips[1].fader
    way = -fader.way_px()
    drag(fader, QPoint(0, 60), steps=10)
    assert surface.get("/vqss/cluster/1/fader") == pytest.approx(0.75 - 60 / way, abs=0.001)
    window.model.undo()
    assert surface.get("/vqss/cluster/1/gain") == 0.0
    window.model.redo()
    drag(fader, QPoint(0, -60), SHIFT)              # ten times as fine
    assert surface.get("/vqss/cluster/1/fader") == pytest.approx(0.75 - 54 / way, abs=0.002)


def test_a_press_does_not_move_and_a_double_click_goes_to_unity(window: MixerWindow, surface: ControlSurface) -> None:
    surface.set("/vqss/cluster/0/gain", -20.0)
    settle()
    fader = window.row.strips[0].fader
    QTest.mouseClick(fader, LEFT, pos=QPoint(5, 5))
    assert surface.get("/vqss/cluster/0/gain") == -20.0
    QTest.mouseDClick(fader, LEFT)
    assert surface.get("/vqss/cluster/0/gain") == 0.0
    assert_agreement(window, surface)


def test_the_cap_stands_where_the_taper_says(window: MixerWindow) -> None:
    fader = window.row.strips[0].fader
    bottom, top = fader.y_of(-70.0), fader.y_of(12.0)
    for gain_db in (-70.0, -50.0, -12.0, 0.0, 12.0):
        assert (bottom - fader.y_of(gain_db)) / (bottom - top) == pytest.approx(db_to_fader(gain_db))


def test_text_that_is_no_gain_changes_nothing(window: MixerWindow, surface: ControlSurface) -> None:
    before = surface.values()
    for text in ("loud", "nan", "", "--3"):
        type_into(window.row.strips[0].gain, text)
    assert surface.values() == before
    assert window.row.strips[0].gain.text() == "0.0"


@pytest.mark.parametrize("modifier", [CONTROL, SHIFT], ids=["ctrl", "shift"])
def test_exclusive_solo(window: MixerWindow, surface: ControlSurface, modifier: Qt.KeyboardModifier) -> None:
    surface.set_many({"/vqss/cluster/0/solo": 1, "/vqss/cluster/3/solo": 1})
    click(window.row.strips[1].solo, modifier)
    assert surface.state.solo == (False, True, False, False)
    click(window.row.strips[1].solo, modifier)
    assert surface.state.solo == (False,) * CLUSTERS
    assert_agreement(window, surface)


def test_keys(window: MixerWindow, surface: ControlSurface) -> None:
    key(window, Qt.Key.Key_2)
    assert surface.state.solo[2]
    key(window, Qt.Key.Key_Escape)
    assert not any(surface.state.solo)
    key(window, Qt.Key.Key_Right)
    key(window, Qt.Key.Key_M)
    assert window.row.current == 1 and surface.state.mute[1]
    key(window, Qt.Key.Key_Up)
    key(window, Qt.Key.Key_Up, SHIFT)
    assert surface.state.gain[1] == pytest.approx(0.55)
    key(window, Qt.Key.Key_End)
    assert surface.state.gain[1] == -70.0
    key(window, Qt.Key.Key_Z, CONTROL)
    key(window, Qt.Key.Key_Z, CONTROL)
    assert surface.state.gain[1] == 0.0
    key(window, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert surface.state.gain[1] == pytest.approx(0.55)
    key(window, Qt.Key.Key_B)
    assert surface.state.bypass
    assert_agreement(window, surface)


def test_keys_on_a_joined_strip_move_what_it_follows(window: MixerWindow, surface: ControlSurface) -> None:
    surface.set("/vqss/cluster/3/group", 1)
    settle()
    key(window, Qt.Key.Key_3)
    assert surface.state.solo == (False, True, False, False)
    window.row.set_current(3)
    window.setFocus()
    for which in (Qt.Key.Key_M, Qt.Key.Key_Up, Qt.Key.Key_BracketRight):
        key(window, which)
    key(window, Qt.Key.Key_S, SHIFT)            # it is alone already: solo nothing
    state = surface.state
    assert (state.mute[1], state.gain[1], state.pan[1], state.solo[1]) == (True, 0.5, 0.05, False)
    assert (state.mute[3], state.gain[3], state.pan[3], state.solo[3]) == (False, 0.0, 0.0, False)
    assert_agreement(window, surface)
    key(window, Qt.Key.Key_Return)
    assert window.row.strips[1].gain.hasFocus()
    window.row.set_current(2)
    window.row.step(1)                          # as the arrows do: the focus is on the joined strip's chip
    key(window, Qt.Key.Key_Return)
    assert window.row.strips[1].gain.hasFocus()


def test_letters_typed_into_a_name_are_no_commands(window: MixerWindow, surface: ControlSurface) -> None:
    before = surface.state
    type_into(window.row.strips[0].name, "mbs 12 tgch")
    assert surface.get("/vqss/cluster/0/name") == "mbs 12 tgch"
    assert surface.state == before


def test_every_control_has_a_name_for_screen_readers(window: MixerWindow) -> None:
    for kind in (QAbstractButton, QLineEdit, QSlider):
        for control in window.findChildren(kind):
            if control.window() is window and not control.objectName().startswith("qt_"):
                assert control.accessibleName(), control


def test_a_refused_value_is_told_and_what_is_shown_stays_true(window: MixerWindow, surface: ControlSurface) -> None:
    assert not window.model.move({"/vqss/cluster/0/gain": 40.0})
    settle()
    assert window.errors.isVisible() and "40" in window.errors.label.text()
    assert_agreement(window, surface)
