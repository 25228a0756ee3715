"""Fields that are clicked and typed into: what is typed is the value, and what is none is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLineEdit

from gui.mixer_window import MixerWindow
from gui.parameter_row import ParameterRow
from tests.gui_windows import LEFT, NONE, click, drag, settle, type_into, window_on
from vqss_engine.control import Argument, ControlSurface, Parameter


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(4, ["a long name"])


@pytest.fixture
def window(surface: ControlSurface, tmp_path: Path) -> Iterator[MixerWindow]:
    surface.set_many({"/vqss/cluster/0/gain": -12.5, "/vqss/main/gain": -12.5})
    with window_on(surface, tmp_path) as made:
        yield made


def type_and_enter(field: QLineEdit, text: str) -> None:
    """Type where the focus is now, without choosing anything before."""
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
    settle()


def threshold_row(window: MixerWindow) -> ParameterRow:
    """A row of an effect's number in the window, at -20 dB."""
    parameter = Parameter("/x", (Argument("x", "float", -60.0, 0.0, "dB"),), -20.0, "")
    row = ParameterRow("threshold", "Compressor", parameter, {})
    row.show_value(-20.0)
    window.dock.panel.layout().addWidget(row)       # type: ignore[union-attr]
    window.dock.show("0")
    settle()
    return row


@pytest.mark.parametrize("x", [1, -3], ids=["left", "right"])
def test_a_number_typed_after_a_click_replaces_the_old_one(
    window: MixerWindow, surface: ControlSurface, x: int
) -> None:
    for field, path in ((window.row.strips[0].gain, "cluster/0"), (window.main.gain, "main")):
        QTest.mouseClick(field, LEFT, NONE, QPoint(x % field.width(), field.height() // 2))
        type_and_enter(field, "-6")
        assert surface.get(f"/vqss/{path}/gain") == -6.0
    row, asked = threshold_row(window), []
    row.asked.connect(lambda value, _: asked.append(value))
    QTest.mouseClick(row.field, LEFT, NONE, QPoint(x % row.field.width(), row.field.height() // 2))
    type_and_enter(row.field, "-33")
    assert asked == [-33.0]


def test_a_double_click_chooses_sign_and_point_too(window: MixerWindow, surface: ControlSurface) -> None:
    field = window.row.strips[0].gain
    click(field)
    QTest.mouseDClick(field, LEFT)
    assert field.selectedText() == "−12.5"
    type_and_enter(field, "3")
    assert surface.get("/vqss/cluster/0/gain") == 3.0


def test_a_second_click_puts_the_cursor_and_a_drag_chooses_a_part(window: MixerWindow) -> None:
    name = window.row.strips[0].name
    click(name)
    assert name.selectedText() == "a long name"
    QTest.qWait(500)        # or it would be a double click
    click(name)
    assert not name.hasSelectedText()
    name.clearFocus()
    drag(name, QPoint(name.width() // 3, 0))
    assert 0 < len(name.selectedText()) < len("a long name")


@pytest.mark.parametrize("text", ["abc", "+2-6.0", "6 7"])
def test_what_is_no_number_is_told_and_changes_nothing(
    window: MixerWindow, surface: ControlSurface, text: str
) -> None:
    before = surface.values()
    for field in (window.row.strips[0].gain, window.main.gain):
        window.errors.clear()
        type_into(field, text)
        assert window.errors.isVisible() and f"'{text}' is no gain" in window.errors.label.text()
        assert field.value == "−12.5"
    row, said = threshold_row(window), []
    row.refused.connect(said.append)
    type_into(row.field, text)
    assert said == [f"'{text}' is no number for threshold of Compressor; type one, such as −20.0 dB"]
    assert row.field.value == "−20.0 dB" and surface.values() == before


def test_nothing_typed_is_taken_back_without_a_word(window: MixerWindow) -> None:
    field = window.row.strips[0].gain
    click(field)
    QTest.keyClick(field, Qt.Key.Key_Delete)
    QTest.keyClick(field, Qt.Key.Key_Return)
    settle()
    assert field.text() == "−12.5" and not window.errors.isVisible()
