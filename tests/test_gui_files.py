"""Files that the window is given and asks for: songs that are none, relative paths, names without an ending."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QComboBox, QFileDialog, QLineEdit, QMessageBox

from bridge.commands.gui_services import services_for
from gui.mix_dialog import MixDialog
from gui.mixer_window import MixerWindow
from tests.gui_windows import application, settle, wait_until, window_on
from vqss_engine.control import ControlSurface


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(4)


@pytest.fixture
def window(surface: ControlSurface, tmp_path: Path) -> Iterator[MixerWindow]:
    soundfile.write(tmp_path / "song.wav", np.zeros((4410, 2)), 44100)
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


UNPLAYABLE = {
    "empty.wav": (b"", "is empty"),
    "text.mp3": (b"no music at all\n" * 500, "cannot read"),
    "noise.flac": (bytes(range(256)) * 40, "cannot read"),
    "cut.flac": (b"fLaC", "cannot read"),
    "no frames.wav": (np.zeros((0, 2)), "holds no audio"),
    "six.wav": (np.zeros((4410, 6)), "6 channels"),
    "nan.wav": (np.full((4410, 2), np.nan), "not a number"),
}


@pytest.mark.parametrize("name", UNPLAYABLE)
def test_a_file_that_cannot_be_played_is_a_message_and_the_song_plays_on(
    window: MixerWindow, surface: ControlSurface, tmp_path: Path, name: str
) -> None:
    content, words = UNPLAYABLE[name]
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        soundfile.write(tmp_path / name, content, 44100, subtype="FLOAT")
    window.transport.open_song(tmp_path / "song.wav")
    wait_until(lambda: window.transport.waveform.seconds)
    heard: list[str] = []
    surface.subscribe(lambda path, value, origin: heard.append(path))
    window.transport.open_song(tmp_path / name)
    settle()
    assert heard == [] and surface.get("/vqss/source") == "song.wav" and window.transport.play.isChecked()
    assert window.errors.isVisible() and words in window.errors.label.text()
    assert window.transport.waveform.seconds and window.transport.recent() == [str(tmp_path / "song.wav")]


def test_dialogs_begin_where_songs_are(
    window: MixerWindow, surface: ControlSurface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *given: (asked.append(given[2]), ("", ""))[1])
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *given: (asked.append(given[2]), "")[1])
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "song.wav", np.zeros((4410, 2)), 44100)
    window.transport.choose_song()
    window.transport.open_song(tmp_path / "new" / "song.wav")
    surface.set("/vqss/source", "input")
    settle()
    window.transport.choose_song()
    surface.set("/vqss/source", "old/song.wav")
    settle()
    window.transport.choose_song()
    window.transport._choose_folder()
    assert asked == [str(tmp_path), str(tmp_path / "new"), str(tmp_path / "old"), str(tmp_path / "old")]


def test_the_mix_is_not_written_over_the_song(window: MixerWindow, surface: ControlSurface, tmp_path: Path) -> None:
    surface.set("/vqss/source", "song.wav")
    settle()
    (tmp_path / "link.wav").symlink_to(tmp_path / "song.wav")
    before = (tmp_path / "song.wav").read_bytes()
    for name in ("song.wav", "link.wav"):
        window.errors.clear()
        window.transport.export_mix(tmp_path / name)
        assert not window.export.running and f"{name} is the song itself" in window.errors.label.text()
    assert (tmp_path / "song.wav").read_bytes() == before


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
