"""Undo, redo, scenes and groups, in a window on a real surface."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import Qt

from bridge.osc_client import RemoteControl
from gui.history import DEPTH, History
from gui.mixer_window import MixerWindow
from gui.strip_menu import build_menu
from tests.gui_windows import CONTROL, SHIFT, assert_agreement, click, key, settle, wait_until, wheel, window_on
from tests.osc_peers import serve
from vqss_engine.control import ControlSurface


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(6)


def test_moves_of_one_gesture_are_one_step_and_others_are_not() -> None:
    history, gesture = History(), object()
    for step in range(5):
        history.add({"a": step}, {"a": step + 1}, gesture)
    history.add({"a": 5, "b": 0}, {"a": 6, "b": 1})
    history.add({"b": 1}, {"b": 1})             # nothing changed
    assert history.undo() == {"a": 5, "b": 0}
    assert history.undo() == {"a": 0}
    assert history.undo() is None
    assert history.redo() == {"a": 5}
    history.add({"c": 0}, {"c": 1}, gesture)    # does not continue what was taken back
    assert history.undo() == {"c": 0} and history.redo() == {"c": 1} and not history.can_redo


def test_history_forgets_what_is_too_long_ago() -> None:
    history = History()
    for step in range(DEPTH + 10):
        history.add({"a": step}, {"a": step + 1})
    taken = [history.undo() for _ in range(DEPTH + 10)]
    assert taken[DEPTH - 1] == {"a": 10} and taken[DEPTH] is None


def test_every_move_can_be_taken_back_and_done_again(window: MixerWindow, surface: ControlSurface) -> None:
    states = [surface.values()]
    row = window.row.strips
    moves = (
        lambda: wheel(row[0].fader, -3), lambda: click(row[1].mute), lambda: wheel(row[0].fader, 1),
        lambda: click(row[2].solo, CONTROL), lambda: wheel(row[3].pan, 2), lambda: click(window.main.limiter),
    )  # fmt: skip
    for move in moves:
        move()
        states.append(surface.values())
    for state in reversed(states[:-1]):
        key(window, Qt.Key.Key_Z, CONTROL)
        assert surface.values() == state
    for state in states[1:]:
        key(window, Qt.Key.Key_Z, CONTROL | SHIFT)
        assert surface.values() == state
    assert_agreement(window, surface)


def test_undo_leaves_alone_what_others_moved(window: MixerWindow, surface: ControlSurface) -> None:
    wheel(window.row.strips[0].fader, 2)
    surface.set("/vqss/cluster/1/gain", -9.0, "somebody")
    window.model.undo()
    assert surface.state.gain[:2] == (0.0, -9.0)


def test_scenes_keep_two_mixes(window: MixerWindow, surface: ControlSurface) -> None:
    click(window.toolbar.scenes["B"])
    click(window.row.strips[2].mute)
    wheel(window.main.fader, -4)
    second = surface.state
    click(window.toolbar.scenes["A"])
    first = surface.state
    assert not first.mute[2] and first.main_gain == 0.0
    key(window, Qt.Key.Key_T)
    assert surface.state == second
    assert window.toolbar.scenes["B"].isChecked() and not window.toolbar.scenes["A"].isChecked()
    click(window.toolbar.copy)                  # both are the second now
    key(window, Qt.Key.Key_T)
    assert surface.state == second and window.scenes.current == "A"
    assert_agreement(window, surface)


def test_switching_scenes_is_one_step_of_undo(window: MixerWindow, surface: ControlSurface) -> None:
    click(window.toolbar.scenes["B"])
    for strip in window.row.strips:
        click(strip.mute)
    muted = surface.state
    click(window.toolbar.scenes["A"])
    window.model.undo()
    assert surface.state == muted


def test_undoing_a_switch_leaves_both_scenes_as_they_were(window: MixerWindow, surface: ControlSurface) -> None:
    wheel(window.row.strips[0].fader, -12)
    first, fresh = surface.state, ControlSurface(6).state
    key(window, Qt.Key.Key_T)
    assert surface.state == fresh
    key(window, Qt.Key.Key_Z, CONTROL)
    assert surface.state == first
    assert window.toolbar.scenes["A"].isChecked() and not window.toolbar.scenes["B"].isChecked()
    key(window, Qt.Key.Key_T)
    assert surface.state == fresh and window.scenes.current == "B"
    key(window, Qt.Key.Key_Z, CONTROL)
    key(window, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert surface.state == fresh and window.toolbar.scenes["B"].isChecked()


def test_a_scene_that_was_made_like_the_other_comes_back(window: MixerWindow, surface: ControlSurface) -> None:
    click(window.row.strips[2].mute)
    click(window.toolbar.copy)
    key(window, Qt.Key.Key_Z, CONTROL)
    key(window, Qt.Key.Key_T)
    assert not surface.state.mute[2]


def test_scenes_begin_as_the_engine_is_that_answers_later(tmp_path: Path) -> None:
    surface = ControlSurface(16)
    surface.set("/vqss/cluster/3/gain", -9.0)
    with serve(surface) as server:
        remote = RemoteControl("127.0.0.1", server.port)
        try:
            with window_on(remote, tmp_path) as window:  # type: ignore[arg-type]
                assert not window.model.connected
                remote.start()
                wait_until(lambda: window.model.connected)
                key(window, Qt.Key.Key_T)
                assert window.scenes.current == "B" and remote.get("/vqss/cluster/3/gain") == -9.0
        finally:
            remote.close()


def test_chosen_strips_become_one_fader_and_part_again(window: MixerWindow, surface: ControlSurface) -> None:
    row = window.row.strips
    for k in (3, 1, 5):
        click(row[k].chip, CONTROL)
    assert window.row.selection == [3, 1, 5]
    key(window, Qt.Key.Key_G)
    assert surface.state.group == (-1, 3, -1, -1, -1, 3)
    assert_agreement(window, surface)
    assert row[1].fader.isHidden() and row[5].mute.parentWidget().isHidden() and not row[3].fader.isHidden()
    assert "3" in row[1].group.text() and row[3].group.text() == "+2"
    window.row.set_current(3)
    key(window, Qt.Key.Key_G, SHIFT)
    assert surface.state.group == (-1,) * 6
    assert_agreement(window, surface)
    assert not row[1].fader.isHidden()


def test_the_menu_joins_and_offers_no_circle(window: MixerWindow, surface: ControlSurface) -> None:
    surface.set("/vqss/cluster/4/group", 2)
    menu = build_menu(2, window.model, window)
    join = next(action.menu() for action in menu.actions() if action.text() == "Join to")
    assert join is not None
    assert [action.text() for action in join.actions()] == ["0", "1", "3", "5"]
    join.actions()[0].trigger()
    assert surface.state.group[2] == 0 and surface.state.strip(4) == 0
    settle()
    assert_agreement(window, surface)
    menu = build_menu(4, window.model, window)
    next(action for action in menu.actions() if action.text() == "Leave the group").trigger()
    assert surface.state.group[4] == -1
    colors = next(action.menu() for action in menu.actions() if action.text() == "Colour")
    assert colors is not None
    colors.actions()[0].trigger()
    assert_agreement(window, surface)


def test_groups_of_many_strips_are_shown_once(window: MixerWindow, surface: ControlSurface) -> None:
    shown: list[bool] = []
    window.row.use_changed.connect(lambda: shown.append(True))
    surface.set_many({f"/vqss/cluster/{k}/{leaf}": value for k in range(1, 6)
                      for leaf, value in (("name", f"n{k}"), ("group", 0), ("mute", True))})  # fmt: skip
    settle()
    assert len(shown) == 1
    assert_agreement(window, surface)
    window.show_values_again()
    assert len(shown) == 2
