"""The program's picture: there is one, it is the window's, and it holds up at every size."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from PyQt6.QtCore import QSize

from gui import theme
from gui.window_icon import window_icon
from tests.gui_windows import application

ROOT = Path(__file__).resolve().parent.parent
SHOWN = """
from PyQt6.QtWidgets import QApplication
from gui.app import show
from gui.services import Services
from vqss_engine.control import ControlSurface

def look():
    app = QApplication.instance()
    window = next(widget for widget in app.topLevelWidgets() if widget.isVisible())
    sizes = [size.width() for size in window.windowIcon().availableSizes()]
    print(app.desktopFileName(), *sorted(sizes))
    app.quit()

show(ControlSurface(4), Services(), painted=look)
"""


def test_the_window_comes_up_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    child = subprocess.run([sys.executable, "-c", SHOWN], capture_output=True, text=True, cwd=ROOT, timeout=100)
    name, *sizes = child.stdout.split()
    assert name == "vqss" and {"16", "32", "48", "256"} <= set(sizes), child.stderr


@pytest.mark.parametrize(("size", "bars"), [(16, 4), (24, 4), (32, 4), (48, 4), (64, 16), (128, 16), (256, 16)])
def test_every_bar_is_seen_apart_from_the_next_at_every_size(size: int, bars: int) -> None:
    application()
    picture = window_icon().pixmap(QSize(size, size), 1.0).toImage()
    assert picture.width() == size and picture.pixelColor(0, 0).alpha() < 128       # round corners
    lit = [theme.contrast(picture.pixelColor(x, size // 2), theme.STRIP) > 3.0 for x in range(1, size - 1)]
    assert sum(now and not before for before, now in pairwise(lit)) == bars
    assert abs(lit.index(True) - lit[::-1].index(True)) <= 2        # in the middle
