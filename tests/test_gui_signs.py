"""What the window says of itself: its title, its keys, its figures; and that keys act where their effect is seen."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel

from gui.mixer_window import MixerWindow
from gui.shortcuts import KeysDialog
from tests.gui_windows import key, settle
from vqss_engine.control import ControlSurface, vocabulary

NAME = "An extremely long name of a song that was bounced twice, master 2 final (v12).flac"


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(12)


def test_the_title_is_the_songs_and_has_what_room_there_is(surface: ControlSurface, window: MixerWindow) -> None:
    assert window.windowTitle() == "VQSS"
    surface.set(vocabulary.SOURCE, NAME)
    shown = []
    for width in (900, 2400):
        window.resize(width, 700)
        settle()
        settle()
        shown.append(window.transport.title.text())
    assert window.windowTitle() == f"{NAME} – VQSS"
    assert shown[0] != NAME and len(shown[0]) < len(shown[1]) and window.transport.title.toolTip() == NAME
    surface.set(vocabulary.SOURCE, vocabulary.INPUT_SOURCE)
    settle()
    assert window.windowTitle() == "VQSS" and window.transport.title.text() == "Input"


def test_the_list_of_keys_writes_all_that_a_line_tells_of(window: MixerWindow) -> None:
    dialog = KeysDialog(window)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert {"← →", "↑ ↓", "[ ]", "0 … 9", "Alt+0 … 1"} <= set(texts)
    assert {"solo cluster 0 … 9", "solo cluster 10 … 11"} <= set(texts)
    dialog.deleteLater()


@pytest.mark.parametrize("which", [Qt.Key.Key_F2, Qt.Key.Key_Return])
def test_what_is_typed_is_seen(which: Qt.Key, window: MixerWindow) -> None:
    window.show_spectra(True)
    window.setFocus()
    key(window, which)
    field = window.row.strip.name if which == Qt.Key.Key_F2 else window.row.lead.gain
    assert field.hasFocus() and field.isVisible() and not window.toolbar.spectra.isChecked()


def test_every_figure_of_the_engine_says_what_it_is(window: MixerWindow) -> None:
    status = window.status
    for widget in (status.state, status.load, status.load_text, status.misses, status.xruns, status.latency):
        assert widget.toolTip()
