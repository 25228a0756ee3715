"""The menu of presets, over OSC as in real use: renaming, deleting after a question, and what other clients do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication, QMenu

from bridge.osc_client import RemoteControl
from gui.mixer_window import MixerWindow
from gui.preset_menu import PresetMenu
from tests.gui_presets import dialog_of, dialogs, entries, give, open_presets, pick
from tests.gui_windows import PATIENCE_S, answering, wait_until, window_on
from tests.osc_peers import Peer, serve
from vqss_engine.control import ControlSurface
from vqss_engine.presets import PresetFolder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "presets"


@pytest.fixture
def desk(folder: Path, tmp_path: Path) -> Iterator[tuple[MixerWindow, Peer]]:
    """A window and another client of an engine that has two presets."""
    surface = ControlSurface(3)
    presets = PresetFolder(folder, surface)
    presets.attach()
    for name in ("verse & chorus", "a"):
        presets.save(name)
    with serve(surface) as server, Peer(server) as peer:
        remote = RemoteControl(server.host, server.port)
        remote.connect(PATIENCE_S)
        try:
            with window_on(remote, tmp_path) as window:  # type: ignore[arg-type]
                yield window, peer
        finally:
            remote.close()


def presets_menu(window: MixerWindow) -> PresetMenu:
    menu = open_presets(window)
    assert isinstance(menu, PresetMenu)
    return menu


def names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.iterdir())


def choose(menu: QMenu, below: QMenu, text: str) -> None:
    """Choose an entry of a submenu."""
    action = next(action for action in below.actions() if action.text() == text)
    menu.close()
    action.trigger()


def test_deleting_asks_first_and_names_the_preset(desk: tuple[MixerWindow, Peer], folder: Path) -> None:
    window, _ = desk
    for answer, left in (("Keep it", ["a", "verse & chorus"]), ("Delete", ["a"])):
        menu = presets_menu(window)
        assert entries(menu.delete) == ["a…", "verse && chorus…"]
        with answering(answer) as asked:
            choose(menu, menu.delete, "verse && chorus…")
        wait_until(lambda: not window.presets.busy)
        assert names(folder) == left and len(asked) == 1 and "“verse & chorus”" in asked[0]
    assert not window.errors.isVisible()


def test_renaming_begins_with_the_old_name_and_never_replaces(desk: tuple[MixerWindow, Peer], folder: Path) -> None:
    window, _ = desk
    before = (folder / "a.json").read_bytes()
    menu = presets_menu(window)
    choose(menu, menu.rename, "verse && chorus…")
    dialog = dialog_of(window)
    assert dialog.field.text() == dialog.field.selectedText() == "verse & chorus"
    give(dialog, "a")
    wait_until(dialog.agree.isEnabled)
    assert "there is a preset 'a' already; choose another name" in dialog.note.text() and dialog.field.text() == "a"
    assert (folder / "a.json").read_bytes() == before
    give(dialog, "x:y")
    assert "no preset name" in dialog.note.text()
    give(dialog, "bridge")
    wait_until(lambda: not dialogs(window))
    assert names(folder) == ["a", "bridge"] and not window.errors.isVisible()
    menu = presets_menu(window)
    choose(menu, menu.rename, "a…")
    give(dialog_of(window), "a")        # as it is: nothing to do
    wait_until(lambda: not dialogs(window))
    assert names(folder) == ["a", "bridge"] and not window.errors.isVisible()


def test_an_open_menu_follows_what_other_clients_do(desk: tuple[MixerWindow, Peer], folder: Path) -> None:
    window, peer = desk
    menu = presets_menu(window)
    assert entries(menu) == ["a", "verse && chorus", "Save as…"] and menu.rename.isEnabled()
    for message, there in (
        (("/vqss/preset/save", "b"), ["a", "b", "verse && chorus"]),
        (("/vqss/preset/rename", "a", "z"), ["b", "verse && chorus", "z"]),
        (("/vqss/preset/delete", "b"), ["verse && chorus", "z"]),
        (("/vqss/preset/delete", "z"), ["verse && chorus"]),
        (("/vqss/preset/delete", "verse & chorus"), []),
    ):
        peer.send(*message)
        wait_until(lambda there=there: entries(menu) == [*there, "Save as…"])
        assert entries(menu.rename) == entries(menu.delete) == [f"{name}…" for name in there]
        assert menu.rename.isEnabled() == menu.delete.isEnabled() == bool(there)
    assert QApplication.activePopupWidget() is menu
    peer.send("/vqss/preset/save", "late")
    wait_until(lambda: "late" in entries(menu))
    pick(menu, "late")
    wait_until(lambda: not window.presets.busy)
    assert not window.errors.isVisible()


def test_a_preset_that_somebody_else_has_deleted_is_one_message(desk: tuple[MixerWindow, Peer]) -> None:
    window, peer = desk
    answers: list[object] = []
    menu = presets_menu(window)
    with answering("Delete"):
        QTimer.singleShot(0, lambda: answers.extend(peer.ask("/vqss/preset/delete", "a")))   # meanwhile
        choose(menu, menu.delete, "a…")
    assert answers == [("/vqss/preset/delete", ["a"])]
    wait_until(window.errors.isVisible)
    assert "there is no preset 'a'" in window.errors.label.text() and window.errors.counter.isHidden()
