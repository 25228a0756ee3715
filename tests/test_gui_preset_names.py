"""Names for presets, as they are typed: what is refused stays to be mended, with the reason beside it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt

from gui.mixer_window import MixerWindow
from tests.gui_presets import dialog_of, dialogs, give
from tests.gui_windows import CONTROL, click, key, settle, wait_until
from vqss_engine.control import ControlSurface, check_preset_name
from vqss_engine.errors import VQSSError
from vqss_engine.presets import PresetFolder


@pytest.fixture
def surface(tmp_path: Path) -> ControlSurface:
    made = ControlSurface(2)
    PresetFolder(tmp_path / "presets", made).attach()
    return made


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "x" * 65, "what?", "", "   ", "C:song"])
def test_a_name_that_cannot_be_keeps_the_dialog_with_the_reason_and_the_text(
    window: MixerWindow, tmp_path: Path, name: str
) -> None:
    key(window, Qt.Key.Key_S, CONTROL)
    dialog = dialog_of(window)
    give(dialog, name)
    assert dialog.isVisible() and dialog.field.text() == name and dialog.agree.isEnabled()
    assert "is no preset name; use up to 64 characters" in dialog.note.text()
    assert dialog.field.accessibleDescription() == dialog.note.text() and not window.errors.isVisible()
    give(dialog, "verse")
    wait_until(lambda: not dialogs(window))
    assert [path.name for path in (tmp_path / "presets").iterdir()] == ["verse.json"]
    assert not window.errors.isVisible()


def test_what_the_engine_refuses_is_told_in_the_dialog_too(window: MixerWindow, tmp_path: Path) -> None:
    (tmp_path / "presets").touch()      # where a folder should be
    window.toolbar.save_preset()
    dialog = dialog_of(window)
    give(dialog, "verse")
    wait_until(dialog.agree.isEnabled)
    assert dialog.isVisible() and "cannot write the preset" in dialog.note.text() and dialog.field.text() == "verse"
    assert not window.errors.isVisible()
    (tmp_path / "presets").unlink()
    click(dialog.agree)
    wait_until(lambda: not dialogs(window))
    assert (tmp_path / "presets" / "verse.json").is_file()


def test_a_reason_that_comes_after_the_dialog_was_left_is_a_message(
    window: MixerWindow, surface: ControlSurface
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def refuse(name: str, origin: object) -> str:
        asked.set()
        answer.wait(30.0)
        raise VQSSError("the disk is full; tidy up")

    surface.on_action("/vqss/preset/save", refuse)
    window.toolbar.save_preset()
    dialog = dialog_of(window)
    give(dialog, "verse")
    wait_until(asked.is_set)
    assert "Waiting" in dialog.note.text() and not dialog.agree.isEnabled()
    click(dialog.cancel)
    assert not dialog.isVisible()
    answer.set()
    wait_until(window.errors.isVisible)
    assert "the disk is full" in window.errors.label.text() and window.errors.counter.isHidden()


def test_a_dialog_that_was_left_before_the_names_were_known_saves_nothing(
    window: MixerWindow, surface: ControlSurface, tmp_path: Path
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def names(origin: object) -> list[str]:
        asked.set()
        answer.wait(30.0)
        return []

    surface.on_action("/vqss/preset/list", names)
    window.toolbar.save_preset()
    dialog = dialog_of(window)
    give(dialog, "verse")
    wait_until(asked.is_set)
    click(dialog.cancel)
    answer.set()
    wait_until(lambda: window.model.background.close(10.0))
    settle()
    assert not (tmp_path / "presets").exists() and not window.presets.busy


def test_a_long_name_is_told_short() -> None:
    with pytest.raises(VQSSError) as refused:
        check_preset_name("x" * 5000)
    assert len(str(refused.value)) < 200 and "\n" not in str(refused.value)
