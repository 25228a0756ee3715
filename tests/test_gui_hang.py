"""An engine that hangs: whatever is asked of it, the window lives on, and says once that nobody answers."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PyQt6.QtCore import QTimer
from PyQt6.QtTest import QTest

from bridge.engine_child import EngineChild
from bridge.osc_client import RemoteControl
from bridge.osc_sockets import free_port
from gui.mixer_window import MixerWindow
from tests.gui_presets import open_presets, pick
from tests.gui_windows import PATIENCE_S, click, wait_until, window_on
from tests.streams import small_bundle

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be stopped there"), pytest.mark.timeout(300),
]  # fmt: skip
LONGEST_GAP_S = 0.8
"""Between two ticks of the event loop, on a machine that is busy; an answer is waited for 3.5 s."""


class Ticks:
    """The longest time that the event loop of Qt stood still."""

    def __init__(self) -> None:
        self.longest_s, self._last_s = 0.0, time.monotonic()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(10)

    def _tick(self) -> None:
        now_s = time.monotonic()
        self.longest_s, self._last_s = max(self.longest_s, now_s - self._last_s), now_s


@contextmanager
def stopped(pid: int) -> Iterator[Ticks]:
    """While a process stands still."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield Ticks()
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, MixerWindow]]:
    """The process of an engine that runs, and a window on it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    small_bundle().save(tmp_path / "small")
    port = free_port()
    options = ["--input=none", "--output=none", f"--osc=127.0.0.1:{port}", f"--model={tmp_path / 'small'}"]
    child, remote = EngineChild(options, list, pytest.fail), RemoteControl("127.0.0.1", port)
    try:
        remote.start()
        with window_on(remote, tmp_path) as window:  # type: ignore[arg-type]
            wait_until(lambda: window.model.connected and child.running)
            yield child.pid, window
    finally:
        remote.close()
        child.close()


def all_is_well(window: MixerWindow) -> None:
    """Begin anew once the engine is back."""
    wait_until(lambda: window.model.connected and not window.presets.busy)
    window.errors.clear()


def test_presets_of_an_engine_that_hangs_do_not_freeze_the_window(
    live: tuple[int, MixerWindow], tmp_path: Path
) -> None:
    pid, window = live
    errors, texts = window.errors, list[str]()
    window.presets.failed.connect(texts.append)
    asked: list[Callable[[], None]] = [
        lambda: (click(window.toolbar.presets), click(window.toolbar.presets)),     # type: ignore[list-item]
        lambda: window.presets.save("P"),
        lambda: window.presets.rename("P", "Q"),
        lambda: window.presets.delete("Q"),
    ]
    for ask in asked:
        all_is_well(window)
        texts.clear()
        with stopped(pid) as ticks:
            ask()
            wait_until(lambda: texts)
            QTest.qWait(100)
            assert ticks.longest_s < LONGEST_GAP_S
            assert texts == ["the engine does not answer; try again when it does"]
            assert errors.isVisible() and texts[0] in errors.label.text() and errors.counter.isHidden()
    all_is_well(window)
    folder = tmp_path / "vqss" / "presets"
    wait_until(lambda: folder.is_dir() and not list(folder.iterdir()))      # all was asked for, and has been read since


def test_a_preset_that_a_hanging_engine_loads_is_waited_for_and_the_window_goes_on(
    live: tuple[int, MixerWindow]
) -> None:
    pid, window = live
    window.presets.save("P")
    all_is_well(window)
    window.model.move({"/vqss/cluster/1/gain": -9.0})
    menu = open_presets(window)
    with stopped(pid) as ticks:
        pick(menu, "P")
        QTest.qWait(4500)       # longer than it takes to notice that nobody answers
        assert ticks.longest_s < LONGEST_GAP_S and window.presets.busy and not window.errors.isVisible()
    all_is_well(window)
    wait_until(lambda: window.row.strips[1].fader.current == 0.0)


def test_removing_the_effects_of_an_engine_that_hangs_does_not_freeze_the_window(
    live: tuple[int, MixerWindow]
) -> None:
    pid, window = live
    with stopped(pid) as ticks:
        window.dock.effects.remove_all()
        QTest.qWait(1500)
        assert ticks.longest_s < LONGEST_GAP_S
    all_is_well(window)
    assert window.model.background.close(PATIENCE_S)
