"""Songs and presets in the window: opened, dropped, sought, looped, where the engine says they are, kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QDragEnterEvent, QDropEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from gui.mixer_window import MixerWindow
from gui.services import Overview, Services
from tests.gui_presets import dialog_of, entries, give, open_presets, pick
from tests.gui_windows import LEFT, NONE, SHIFT, click, key, move, settle, wait_until, window_on
from vqss_engine.control import ControlSurface
from vqss_engine.errors import VQSSError
from vqss_engine.presets import PresetFolder


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(4)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """Songs named in `tmp_path`; every one is a second-long tone of ten seconds."""

    def open_song(path: Path) -> str:
        if path.suffix != ".wav":
            raise VQSSError(f"{path.name} is no song")
        return path.name

    wave = np.stack((-np.ones(100), np.ones(100))).astype(np.float32)
    return Services(lambda path: Overview(wave, 10.0), open_song, lambda source: tmp_path / source)


@pytest.fixture
def window(surface: ControlSurface, services: Services, tmp_path: Path) -> Iterator[MixerWindow]:
    with window_on(surface, tmp_path, services) as made:
        yield made


def wait_for_overview(window: MixerWindow) -> None:
    wait_until(lambda: window.transport.waveform.seconds)


def test_a_song_is_opened_played_sought_and_looped(
    window: MixerWindow, surface: ControlSurface, tmp_path: Path
) -> None:
    (tmp_path / "song.wav").write_bytes(b"")
    window.transport.open_song(tmp_path / "song.wav")
    settle()
    assert surface.get("/vqss/source") == "song.wav" and surface.get("/vqss/transport/play") is True
    assert window.transport.recent() == [str(tmp_path / "song.wav")]
    wait_for_overview(window)
    wave = window.transport.waveform
    QTest.mouseClick(wave, LEFT, pos=QPoint(wave.width() // 2, 10))
    assert surface.get("/vqss/transport/position") == pytest.approx(5.0, abs=0.1)
    QTest.mousePress(wave, LEFT, SHIFT, QPoint(wave.width() // 4, 10))
    move(wave, QPoint(wave.width() // 3, 10), SHIFT)
    QTest.mouseRelease(wave, LEFT, SHIFT, QPoint(wave.width() // 2, 10))
    assert surface.get("/vqss/transport/loop") == pytest.approx((2.5, 5.0), abs=0.1)
    assert window.transport.loop.isChecked()
    click(window.transport.loop)
    assert surface.get("/vqss/transport/loop") == (0.0, 0.0)
    key(window, Qt.Key.Key_Space)
    assert surface.get("/vqss/transport/play") is False
    surface.set("/vqss/source", "input", "somebody")
    settle()
    assert not window.transport.play.isEnabled() and window.transport.song is None


def test_what_is_no_song_is_told_in_a_bar(window: MixerWindow, surface: ControlSurface, tmp_path: Path) -> None:
    window.transport.open_song(tmp_path / "notes.txt")
    assert "notes.txt is no song" in window.errors.label.text() and window.errors.isVisible()
    assert surface.get("/vqss/source") == "input"


@pytest.mark.parametrize("name", ["song.wav", "notes.txt"])
def test_a_song_is_dropped_on_the_window(
    window: MixerWindow, surface: ControlSurface, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"")
    what = QMimeData()
    what.setUrls([QUrl.fromLocalFile(str(tmp_path / name))])
    action, buttons, keys = Qt.DropAction.CopyAction, LEFT, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(50, 50), action, what, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(50, 50), action, what, buttons, keys)
    QApplication.sendEvent(window, drop)
    settle()
    taken = name == "song.wav"
    assert surface.get("/vqss/source") == (name if taken else "input")
    assert surface.get("/vqss/transport/play") is taken and window.errors.isVisible() is not taken


def test_a_song_is_dropped_on_a_field(window: MixerWindow, surface: ControlSurface, tmp_path: Path) -> None:
    what = QMimeData()
    what.setUrls([QUrl.fromLocalFile(str(tmp_path / "song.wav"))])
    what.setText("song.wav")        # as file managers do
    strip = window.row.strips[0]
    for field in (strip.name, strip.gain):
        surface.set("/vqss/source", "input")
        at = QPointF(field.mapTo(window, field.rect().center()))
        for drop in (QDragEnterEvent(at.toPoint(), Qt.DropAction.CopyAction, what, LEFT, NONE),
                     QDropEvent(at, Qt.DropAction.CopyAction, what, LEFT, NONE)):  # fmt: skip
            QApplication.sendEvent(window.windowHandle(), drop)
        settle()
        assert surface.get("/vqss/source") == "song.wav" and surface.get("/vqss/cluster/0/name") == ""


def test_text_that_is_dropped_is_left_alone(window: MixerWindow) -> None:
    what = QMimeData()
    what.setText("no file")
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, what, LEFT, Qt.KeyboardModifier.NoModifier)
    enter.ignore()
    QApplication.sendEvent(window, enter)
    assert not enter.isAccepted()


def test_the_playhead_is_where_the_engine_says(window: MixerWindow, surface: ControlSurface) -> None:
    surface.set_many({"/vqss/source": "song.wav", "/vqss/transport/play": 1})
    settle()
    wait_for_overview(window)
    began_s = time.monotonic()
    for tick in range(1, 4):
        surface.telemetry.position_s = 4.0 + tick
        window.advance(began_s + tick)
        assert window.transport.waveform.position_s == pytest.approx(4.0 + tick)
    window.advance(began_s + 3.5)               # between two reports it goes on by itself
    assert window.transport.waveform.position_s == pytest.approx(7.5)


def test_presets_are_saved_listed_and_loaded(
    window: MixerWindow, surface: ControlSurface, tmp_path: Path
) -> None:
    PresetFolder(tmp_path / "presets", surface).attach()
    surface.set("/vqss/cluster/2/gain", -7.0)
    menu = open_presets(window)
    assert entries(menu) == ["Save as…"]
    pick(menu, "Save as…")
    give(dialog_of(window), "karaoke")
    wait_until((tmp_path / "presets" / "karaoke.json").is_file)
    wait_until(lambda: not window.presets.busy)
    surface.set("/vqss/cluster/2/gain", 3.0)
    menu = open_presets(window)
    assert entries(menu) == ["karaoke", "Save as…"]
    pick(menu, "karaoke")
    wait_until(lambda: not window.presets.busy)
    assert surface.get("/vqss/cluster/2/gain") == -7.0 == window.row.strips[2].fader.current
    assert not window.errors.isVisible()


def test_another_song_begins_without_the_loop_of_the_one_before(
    window: MixerWindow, surface: ControlSurface, tmp_path: Path
) -> None:
    for name, loop in (("a.wav", (0.0, 0.0)), ("b.wav", (0.0, 0.0)), ("b.wav", (1.0, 2.0))):
        window.transport.open_song(tmp_path / name)
        assert surface.get("/vqss/transport/loop") == loop
        surface.set("/vqss/transport/loop", (1.0, 2.0))


def test_a_file_that_cannot_be_read_says_so_and_is_not_offered_again(surface: ControlSurface, tmp_path: Path) -> None:
    def refuse(path: Path) -> Overview:
        raise VQSSError(f"{path.name} is no song")

    services = Services(refuse, lambda path: path.name, lambda source: tmp_path / source)
    with window_on(surface, tmp_path, services) as window:
        window.transport.open_song(tmp_path / "notes.wav")
        wait_until(window.errors.isVisible)
        assert "could not be read" in window.transport.waveform._state and window.transport.recent() == []


def test_names_in_menus_are_shown_as_they_are(window: MixerWindow, tmp_path: Path) -> None:
    window.transport.open_song(tmp_path / "Simon & Garfunkel.wav")
    assert "Simon && Garfunkel.wav" in [action.text() for action in window.transport.source_menu().actions()]
