"""The menu of a strip: what opens it, and where."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QColor, QContextMenuEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QMenu, QWidget

from gui.mixer_window import MixerWindow
from gui.strip import ClusterStrip
from gui.strip_menu import COLORS, build_menu
from tests.gui_windows import CONTROL, LEFT, NONE, settle
from vqss_engine.control import ControlSurface

RIGHT = Qt.MouseButton.RightButton


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(4)


def middle(window: MixerWindow, widget: QWidget) -> QPoint:
    return widget.mapTo(window, widget.rect().center())


def taken_menu() -> QMenu | None:
    """The menu that is open, which is closed."""
    settle()
    menu = QApplication.activePopupWidget()
    if menu is None:
        return None
    assert isinstance(menu, QMenu)
    menu.close()
    return menu


@pytest.mark.parametrize("part", ["chip", "tile", "fader", "mute", "meter", "fx"])
def test_a_right_click_opens_the_menu_at_the_pointer_and_presses_nothing(
    window: MixerWindow, surface: ControlSurface, part: str
) -> None:
    before, at = surface.values(), middle(window, getattr(window.row.strips[2], part))
    QTest.mouseClick(window.windowHandle(), RIGHT, NONE, at)
    menu = taken_menu()
    assert menu is not None and menu.accessibleName() == "Menu of cluster 2" and menu.pos() == window.mapToGlobal(at)
    assert window.row.current == 2 and surface.values() == before and window.dock.panel.isHidden()


def test_a_right_click_with_control_chooses_nothing_for_a_group(window: MixerWindow) -> None:
    QTest.mouseClick(window.windowHandle(), RIGHT, CONTROL, middle(window, window.row.strips[1].chip))
    assert taken_menu() is not None and window.row.selection == []


def focused(window: MixerWindow, part: str) -> ClusterStrip:
    strip = window.row.strips[3]
    getattr(strip, part).setFocus()
    settle()
    return strip


@pytest.mark.parametrize("part", ["chip", "fader", "solo", "fx"])
def test_the_menu_key_opens_it_under_the_number(window: MixerWindow, part: str) -> None:
    chip = focused(window, part).chip
    press = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(5, 5), window.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(window.windowHandle(), press)        # what a screen makes of the key; this one has none
    menu = taken_menu()
    assert menu is not None and menu.accessibleName() == "Menu of cluster 3"
    assert menu.pos() == chip.mapToGlobal(QPoint(0, chip.height()))


def test_text_keeps_its_own_menu(window: MixerWindow) -> None:
    QTest.mouseClick(window.windowHandle(), RIGHT, NONE, middle(window, window.row.strips[1].name))
    menu = taken_menu()
    assert menu is not None and "Paste" in "".join(action.text().replace("&", "") for action in menu.actions())


def test_no_menu_comes_into_a_drag(window: MixerWindow) -> None:
    fader = window.row.strips[1].fader
    at = middle(window, fader)
    QTest.mousePress(window.windowHandle(), LEFT, NONE, at)
    QTest.mousePress(window.windowHandle(), RIGHT, NONE, at)
    assert taken_menu() is None
    QTest.mouseRelease(window.windowHandle(), RIGHT, NONE, at)
    QTest.mouseRelease(window.windowHandle(), LEFT, NONE, at)


def test_swatches_stand_between_the_edge_and_their_names(window: MixerWindow) -> None:
    menu = build_menu(0, window.model, window)
    colors = menu.actions()[0].menu()
    assert colors is not None
    colors.popup(QPoint())
    settle()
    picture = colors.grab().toImage()
    for action, color in zip(colors.actions(), COLORS.values(), strict=True):
        place = colors.actionGeometry(action)
        y = place.center().y()
        line = [picture.pixelColor(x, y) for x in range(place.left(), place.right())]
        swatch = [x for x, pixel in enumerate(line) if pixel == QColor(color)]
        text = [x for x, pixel in enumerate(line) if pixel.lightness() > 130 and x > swatch[-1]]
        assert swatch[0] >= 8 and 6 <= text[0] - swatch[-1] <= 20, action.text()
    colors.close()
    menu.deleteLater()
