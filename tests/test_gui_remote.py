"""The window over OSC, as in real use: the engine is another process, may die, and comes back."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

import pytest
from PyQt6.QtTest import QTest

from bridge.commands import gui
from bridge.engine_child import EngineChild
from bridge.osc_client import RemoteControl
from bridge.osc_server import OscServer
from tests.gui_windows import PATIENCE_S, assert_agreement, click, shown, type_into, wait_until, wheel, window_on
from tests.osc_peers import serve
from vqss_engine.control import ControlSurface


def test_window_and_engine_agree_over_the_wire(tmp_path: Path) -> None:
    surface = ControlSurface(16)
    with serve(surface) as server:
        remote = RemoteControl("127.0.0.1", server.port)
        remote.connect(PATIENCE_S)
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
        remote.connect(PATIENCE_S)
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


def test_what_is_done_before_the_engine_answers_is_not_lost(tmp_path: Path) -> None:
    surface = ControlSurface(16)
    with serve(surface) as server:
        port = server.port
    remote = RemoteControl("127.0.0.1", port)
    remote.start()
    try:
        with window_on(remote, tmp_path) as window:
            wheel(window.row.strips[4].fader, -4)
            click(window.row.strips[5].mute)
            window.model.put("/vqss/transport/loop", (1.0, 2.0))
            window.model.put("/vqss/transport/play", True)
            assert not window.transport.playhead.playing
            with OscServer(surface, port=port):
                wait_until(lambda: window.model.connected and surface.get("/vqss/transport/play"))
                wait_until(lambda: surface.state.gain[4] == -2.0 and surface.state.mute[5])
                assert surface.get("/vqss/transport/loop") == (1.0, 2.0)
                wait_until(lambda: window.transport.playhead.playing)
                surface.telemetry.rms_power[0] = 0.25
                wait_until(lambda: remote.levels().rms_dbfs[0] > -7.0)
            wait_until(lambda: not window.model.connected)
            assert max(remote.levels().rms_dbfs) == -120.0
            wait_until(lambda: not window.transport.playhead.playing)
    finally:
        remote.close()


RACK = {"3": [{"plugin": "Compressor", "threshold_db": -20}], "main": [{"plugin": "Gain", "gain_db": -3}]}


def gui_arguments(*options: str) -> argparse.Namespace:
    """The arguments of `vqss gui` without a device."""
    parser = argparse.ArgumentParser()
    gui.add_arguments(parser)
    return parser.parse_args(["--input=none", "--output=none", *options])


@pytest.mark.timeout(400)       # on a bare machine the engine compiles its kernels first
def test_an_engine_comes_back_as_it_was_after_it_was_killed_and_with_another_profile(
    tmp_path: Path, song_file: Path
) -> None:
    arguments = gui_arguments(f"--racks={tmp_path}", "--set=/vqss/cluster/5/gain=-5")
    with (
        gui.own_engine(arguments, song_file) as (remote, services),
        window_on(remote, tmp_path, services) as window,
    ):
        assert window.notice.isVisible() and "Starting" in window.notice.label.text()
        wait_until(lambda: window.model.connected and "default" in window.status.device.text())
        assert window.row.strips[5].fader.current == -5.0
        window.dock.effects.load(RACK)
        wait_until(lambda: not window.dock.effects.busy)
        wheel(window.row.strips[5].fader, 10)           # back to 0 dB, which is no change from the default
        wheel(window.row.strips[2].fader, -8)
        click(window.row.strips[6].solo)
        type_into(window.row.strips[1].name, "low = end")
        remote.set("/vqss/cluster/3/fx/0/threshold_db", -31.0)
        remote.set("/vqss/main/fx/bypass", True)
        window.transport.open_song(song_file)
        window.transport.loop.click()
        window.transport.seek(2.0)
        wait_until(lambda: remote.telemetry.position_s > 2.2)

        own = services.engine._engine       # type: ignore[union-attr]
        first = own._child.pid
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: own._child.pid != first)
        window.advance(1.0)
        assert "has died" in window.errors.label.text() and window.errors.isVisible()
        check_state(remote.port, "default", song_file)

        window.show_devices()
        dialog = window.devices
        assert dialog is not None and dialog.apply.isEnabled()
        dialog.profiles["low"].setChecked(True)
        second = own._child.pid
        click(dialog.apply)
        wait_until(lambda: own._child.pid != second)
        check_state(remote.port, "low", song_file)
        wait_until(lambda: window.status.device.text().endswith("low"))
        assert window.row.strips[2].fader.current == -4.0 and window.row.strips[6].solo.isChecked()
        assert window.main.fx.text() == "FX off" and window.row.strips[3].fx.text() == "FX 1"
        values = shown(window)
        assert values == {path: remote.get(path) for path in values}
    assert not list(tmp_path.glob(".window-*"))


def check_state(port: int, profile: str, song: Path) -> None:
    """What a stranger hears of the engine is what the window had set."""
    other = RemoteControl("127.0.0.1", port)
    other.connect(PATIENCE_S)
    try:
        wait_until(lambda: "/vqss/device/profile" in other)
        expected = {
            "device/profile": profile, "cluster/2/gain": -4.0, "cluster/5/gain": 0.0, "cluster/6/solo": True,
            "cluster/1/name": "low = end", "cluster/3/fx/0/threshold_db": -31.0, "main/fx/bypass": True,
            "main/fx/0/gain_db": -3.0, "source": song.name, "transport/play": True,
        }  # fmt: skip
        assert {leaf: other.get(f"/vqss/{leaf}") for leaf in expected} == expected
        wait_until(lambda: other.telemetry.position_s > 2.0)        # it does not begin anew
    finally:
        other.close()


def test_an_engine_that_cannot_start_is_told_and_waits_for_other_options(tmp_path: Path) -> None:
    told: list[str] = []
    wrong = ["--input=none", "--output=none", "--osc=none", f"--model={tmp_path}"]
    child = EngineChild(wrong, list, told.append)
    first = child.pid
    try:
        wait_until(lambda: told)
        assert told[0].startswith("the engine does not run: ") and str(tmp_path) in told[0]
        QTest.qWait(500)
        assert child.pid == first and len(told) == 1
        child.restart([*wrong[:3], "--blocksize=999999"])
        wait_until(lambda: len(told) > 1)
        assert "999999" in told[1] and child.pid != first
    finally:
        child.close()


@pytest.mark.timeout(400)
def test_options_that_do_not_work_are_told_and_the_old_ones_taken_again(tmp_path: Path) -> None:
    told: list[str] = []
    child = EngineChild(["--input=none", "--output=none", "--osc=none"], list, told.append)
    try:
        wait_until(lambda: child.running)
        child.restart(["--input=none", "--output=none", "--osc=none", f"--model={tmp_path}"])
        wait_until(lambda: told)
        assert "is started as before" in told[0]
        wait_until(lambda: child.running)
        assert not any("model" in option for option in child.arguments)
    finally:
        child.close()
