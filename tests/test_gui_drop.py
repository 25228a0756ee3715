"""What the window shows while something is dragged over it: a frame for a song, nothing for what it cannot play."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QColor, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PyQt6.QtWidgets import QApplication

from bridge.commands.gui_services import services_for
from gui import theme
from gui.mixer_window import MixerWindow
from tests.gui_windows import LEFT, NONE, settle, window_on
from vqss_engine.control import ControlSurface


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(4)


@pytest.fixture
def window(surface: ControlSurface, tmp_path: Path) -> Iterator[MixerWindow]:
    """On songs in the folder `music`."""
    (tmp_path / "music" / "folder.wav").mkdir(parents=True)
    for place in ("music/song.WAV", "elsewhere.wav"):
        soundfile.write(tmp_path / place, np.zeros((4410, 2)), 44100, format="WAV")
    (tmp_path / "music" / "notes.txt").write_text("no song")
    services = services_for(surface, tmp_path / "music", "this engine")  # type: ignore[arg-type]
    with window_on(surface, tmp_path, services) as made:
        yield made


def files(*paths: Path | str) -> QMimeData:
    what = QMimeData()
    what.setUrls([QUrl.fromLocalFile(str(path)) if isinstance(path, Path) else QUrl(path) for path in paths])
    return what


def enter(window: MixerWindow, what: QMimeData) -> QDragEnterEvent:
    """Drag something over a strip, as the screen does."""
    at = window.row.mapTo(window, QPoint(40, 40))
    event = QDragEnterEvent(at, Qt.DropAction.CopyAction, what, LEFT, NONE)
    QApplication.sendEvent(window.windowHandle(), event)
    settle()
    return event


def framed(window: MixerWindow) -> bool:
    """Whether the edge of the window is seen in the colour of the frame, on all sides."""
    picture = window.grab().toImage()
    right, bottom = picture.width() - 2, picture.height() - 2
    edges = ((1, bottom // 2), (right, bottom // 2), (right // 2, 1), (right // 2, bottom))
    return all(picture.pixelColor(x, y) == QColor(theme.FOCUS) for x, y in edges)


def test_a_song_over_the_window_is_framed_and_named_until_it_leaves(window: MixerWindow, tmp_path: Path) -> None:
    assert not framed(window)
    assert enter(window, files(tmp_path / "music" / "song.WAV")).isAccepted()
    assert framed(window) and window.song_drop.hint.text == "Drop to play song.WAV"
    QApplication.sendEvent(window.windowHandle(), QDragLeaveEvent())
    settle()
    assert not framed(window)


def test_the_frame_goes_with_the_drop_and_what_it_named_is_opened(
    window: MixerWindow, surface: ControlSurface, tmp_path: Path
) -> None:
    what = files("https://example.org/first.wav", tmp_path / "music" / "song.WAV")
    at = QPointF(enter(window, what).position())
    QApplication.sendEvent(window.windowHandle(), QDropEvent(at, Qt.DropAction.CopyAction, what, LEFT, NONE))
    settle()
    assert surface.get("/vqss/source") == "song.WAV" and not framed(window)


@pytest.mark.parametrize("name", ["music/notes.txt", "music/folder.wav", "music/gone.wav", "elsewhere.wav"])
def test_what_cannot_be_played_gets_no_frame_and_its_drop_is_answered(
    window: MixerWindow, surface: ControlSurface, tmp_path: Path, name: str
) -> None:
    what = files(tmp_path / name)
    at = QPointF(enter(window, what).position())
    assert not framed(window)
    QApplication.sendEvent(window.windowHandle(), QDropEvent(at, Qt.DropAction.CopyAction, what, LEFT, NONE))
    settle()
    assert surface.get("/vqss/source") == "input" and window.errors.isVisible()


def test_what_is_no_file_gets_no_frame(window: MixerWindow) -> None:
    text = QMimeData()
    text.setText("no file")
    for what in (text, files("https://example.org/song.wav")):
        assert not enter(window, what).isAccepted() and not framed(window)


def test_a_window_that_plays_no_songs_promises_none(surface: ControlSurface, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", np.zeros((4410, 2)), 44100)
    with window_on(surface, tmp_path) as window:
        enter(window, files(tmp_path / "song.wav"))
        assert not framed(window)
