"""How `vqss gui` begins and ends: without a screen with one line, and never leaving its engine behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bridge.osc_sockets import free_port
from tests.osc_peers import wait_until
from tests.test_live_run import wait_for_hops

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 100.0


@contextmanager
def gui(folder: Path, *options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The window in a process of its own, with an engine that needs no device."""
    command = [sys.executable, "-m", "bridge", "gui", "--input=none", "--output=none", f"--racks={folder}", *options]
    settings = {**os.environ, "XDG_CONFIG_HOME": str(folder), "QT_QPA_PLATFORM": "offscreen", **environment}
    known = {name: value for name, value in settings.items() if value}
    with subprocess.Popen(
        command, cwd=ROOT, env=known, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen, as Qt sees it")
@pytest.mark.parametrize("screen", ["", ":4077"], ids=["none", "one that does not run"])
def test_without_a_screen_there_is_one_line(screen: str, tmp_path: Path) -> None:
    with gui(tmp_path, QT_QPA_PLATFORM="", WAYLAND_DISPLAY="", DISPLAY=screen) as process:
        said = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 1
    assert said.startswith("vqss: no window can open here") and said.count("\n") == 1
    assert screen in said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGHUP, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
@pytest.mark.timeout(300)
def test_the_engine_ends_with_the_window(number: int, code: int, tmp_path: Path) -> None:
    port = free_port()
    with gui(tmp_path, f"--osc=127.0.0.1:{port}") as process:
        wait_for_hops(port)
        engine = next(c for c in psutil.Process(process.pid).children() if "live" in c.cmdline())
        process.send_signal(number)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code
        try:
            wait_until(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE, 10.0)
        except BaseException:
            engine.kill()
            raise


def test_it_closes_after_the_seconds_that_are_given(tmp_path: Path) -> None:
    with gui(tmp_path, f"--osc=127.0.0.1:{free_port()}", "--seconds=1") as process:
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0


@pytest.mark.timeout(300)
def test_the_report_of_its_engine_is_one_json_object(tmp_path: Path) -> None:
    port = free_port()
    with gui(tmp_path, f"--osc=127.0.0.1:{port}", "--json") as process:
        wait_for_hops(port)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE_S)[0]
    assert process.returncode == 0
    report = json.loads(said)
    assert report["hops"] > 0 and report["latency_ms"]["algorithmic"] > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--connect=127.0.0.1:9", "--json"], "an engine that starts here"),
        (["--connect=127.0.0.1:9", "--measure-latency"], "an engine that starts here"),
        (["--measure-latency"], "joined by a cable"),
        (["--freewheel"], "is for `vqss live`"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: list[str], words: str, tmp_path: Path) -> None:
    with gui(tmp_path, *options) as process:
        said = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 2 and words in said
