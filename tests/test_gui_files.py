"""Files that the window is given and asks for: songs that are none, relative paths, names without an ending."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QComboBox, QLineEdit, QMessageBox

from bridge.commands.gui_services import services_for
from gui.mix_dialog import MixDialog
from gui.mixer_window import MixerWindow
from tests.gui_windows import application, settle, window_on
from vqss_engine.control import ControlSurface


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(4)


@pytest.fixture
def window(surface: ControlSurface, tmp_path: Path) -> Iterator[MixerWindow]:
    (tmp_path / "song.wav").write_bytes(b"")
    services = services_for(surface, tmp_path, "this engine")  # type: ignore[arg-type]
    with window_on(surface, tmp_path, services) as made:
        yield made


@pytest.mark.parametrize("name", ["folder", "gone.wav"])
def test_what_is_no_file_leaves_the_song_paused(
    window: MixerWindow, surface: ControlSurface, tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    surface.set("/vqss/source", "song.wav")
    window.transport.open_song(tmp_path / name)
    assert surface.get("/vqss/source") == "song.wav" and surface.get("/vqss/transport/play") is False
    assert window.transport.recent() == [] and f"{name} is no file" in window.errors.label.text()


def test_a_song_is_found_again_from_another_folder(
    window: MixerWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for given in ("song.wav", str(tmp_path / "song.wav")):
        window.transport.open_song(Path(given))
    assert window.transport.recent() == [str(tmp_path / "song.wav")]


@pytest.fixture
def dialog(tmp_path: Path) -> Iterator[MixDialog]:
    application()
    made = MixDialog(tmp_path / "song.wav")
    made.show()
    settle()
    yield made
    made.hide()
    made.deleteLater()
    settle()


def type_name(dialog: MixDialog, name: str) -> None:
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    assert line is not None
    line.setText(name)


@pytest.mark.parametrize(("name", "file"), [
    (None, "song - mix.flac"), ("mix", "mix.flac"), ("mix.ogg", "mix.ogg"), ("mix.v2", "mix.v2"),
])  # fmt: skip
def test_the_ending_is_that_of_the_chosen_format(
    dialog: MixDialog, tmp_path: Path, name: str | None, file: str
) -> None:
    assert dialog.file == tmp_path / "song - mix.wav"
    formats = dialog.findChild(QComboBox, "fileTypeCombo")
    assert formats is not None
    QTest.keyClick(formats, Qt.Key.Key_Down)
    if name is not None:
        type_name(dialog, name)
    assert dialog.file == tmp_path / file


@pytest.mark.parametrize(("name", "file"), [("mix.wav", "mix.flac"), ("mix", "mix.flac")])
def test_another_format_leaves_a_name_in_its_folder(dialog: MixDialog, tmp_path: Path, name: str, file: str) -> None:
    (tmp_path / "sub").mkdir()
    type_name(dialog, f"sub/{name}")
    formats = dialog.findChild(QComboBox, "fileTypeCombo")
    assert formats is not None
    QTest.keyClick(formats, Qt.Key.Key_Down)
    assert dialog.file == tmp_path / "sub" / file


def test_it_is_asked_before_a_name_without_ending_writes_over_a_file(dialog: MixDialog, tmp_path: Path) -> None:
    (tmp_path / "mix.wav").write_text("an older one")
    type_name(dialog, "mix")
    asked: list[str] = []

    def refuse() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            asked.append(box.text())
            no = box.button(QMessageBox.StandardButton.No)
            assert no is not None
            no.click()

    QTimer.singleShot(200, refuse)
    dialog.accept()
    assert asked and "mix.wav" in asked[0] and dialog.isVisible()


def test_what_the_dialog_gives_is_written(
    window: MixerWindow, surface: ControlSurface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surface.set("/vqss/source", "song.wav")
    settle()
    monkeypatch.setattr(MixDialog, "exec", lambda self: 1)
    wanted: list[object] = []
    monkeypatch.setattr(window.transport, "export_mix", wanted.append)
    window.transport._choose_file()
    assert wanted == [tmp_path / "song - mix.wav"]
