"""The window over OSC, as in real use: the engine is another process, may die, and comes back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PyQt6.QtTest import QTest

from bridge.commands.gui import _changed_settings
from bridge.engine_child import EngineChild, free_port
from bridge.osc_client import RemoteControl
from bridge.osc_server import OscServer
from tests.gui_windows import assert_agreement, click, settle, type_into, wheel, window_on
from tests.osc_peers import serve
from vqss_engine.control import ControlSurface

PATIENCE_S = 90.0


def wait_until(happened: Callable[[], object]) -> None:
    """Let the window live until something has come about."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        QTest.qWait(10)


def test_window_and_engine_agree_over_the_wire(tmp_path: Path) -> None:
    surface = ControlSurface(16)
    with serve(surface) as server:
        remote = RemoteControl("127.0.0.1", server.port)
        remote.connect()
        try:
            with window_on(remote, tmp_path) as window:
                wheel(window.row.strips[3].fader, -4)
                click(window.row.strips[4].mute)
                type_into(window.row.strips[5].name, "brass")
                wait_until(lambda: surface.get("/vqss/cluster/5/name") == "brass")
                assert surface.state.gain[3] == -2.0 and surface.state.mute[4]
                surface.set_many({"/vqss/cluster/7/pan": 0.5, "/vqss/cluster/8/group": 7, "/vqss/bypass": 1}, "theirs")
                wait_until(lambda: window.main.bypass.isChecked() and window.row.strips[8].leader == 7)
                assert window.row.strips[7].pan.current == 0.5
                window.model.undo()
                wait_until(lambda: surface.get("/vqss/cluster/5/name") == "")
                assert_agreement(window, surface)
        finally:
            remote.close()


def test_an_engine_that_goes_and_returns_is_shown(tmp_path: Path) -> None:
    surface = ControlSurface(16)
    with serve(surface) as server:
        port = server.port
        remote = RemoteControl("127.0.0.1", port)
        remote.connect()
    try:
        with window_on(remote, tmp_path) as window:
            wait_until(lambda: window.notice.isVisible())
            assert "No answer" in window.notice.label.text()
            surface.set("/vqss/cluster/9/gain", -9.0)
            with OscServer(surface, port=port):
                wait_until(lambda: not window.notice.isVisible())
                wait_until(lambda: window.row.strips[9].fader.current == -9.0)
                assert_agreement(window, surface)
    finally:
        remote.close()


@pytest.mark.timeout(400)       # on a bare machine the engine compiles its kernels first
def test_an_engine_that_is_killed_comes_back_with_the_state_of_the_window(tmp_path: Path) -> None:
    port = free_port()
    remote = RemoteControl("127.0.0.1", port)
    options = ["--input=none", "--output=none", f"--osc=127.0.0.1:{port}"]
    with window_on(remote, tmp_path) as window:
        assert window.notice.isVisible()
        report = remote.telemetry.report
        child = EngineChild(options, lambda: _changed_settings(remote), report, lambda: None)
        remote.start()
        try:
            wait_until(lambda: window.model.connected and not window.notice.isVisible())
            wheel(window.row.strips[2].fader, -8)
            click(window.row.strips[6].solo)
            type_into(window.row.strips[1].name, "low = end")
            first = child.pid
            os.kill(first, signal.SIGKILL)
            wait_until(lambda: child.pid != first)
            window.advance(1.0)
            assert "has died" in window.errors.label.text() and window.errors.isVisible()
            other = RemoteControl("127.0.0.1", port)
            other.connect(PATIENCE_S)
            try:
                assert other.get("/vqss/cluster/2/gain") == -4.0 and other.get("/vqss/cluster/6/solo")
                assert other.get("/vqss/cluster/1/name") == "low = end"
            finally:
                other.close()
            wait_until(lambda: window.model.connected)
            settle()
            assert window.row.strips[2].fader.current == -4.0 and window.row.strips[6].solo.isChecked()
        finally:
            remote.close()
            child.close()


def test_an_engine_that_cannot_start_is_told_and_not_started_again(tmp_path: Path) -> None:
    told: list[str] = []
    child = EngineChild(["--input=none", "--output=none", f"--model={tmp_path}"], dict, told.append, lambda: None)
    first = child.pid
    try:
        wait_until(lambda: told)
        assert told[0].startswith("the engine does not run: ") and str(tmp_path) in told[0]
        QTest.qWait(500)
        assert child.pid == first and len(told) == 1
    finally:
        child.close()
