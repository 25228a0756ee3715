"""The engine as a child: it ends by itself where it is asked to, with all it has to tell and to keep."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bridge.engine_child import EngineChild
from tests.live_runs import heard
from tests.osc_peers import wait_until
from tests.streams import small_bundle

NO_DEVICE = ["--input=none", "--output=none", "--osc=none"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("again", [False, True], ids=["closed", "started again"])
def test_a_child_ends_with_its_recording_and_report(
    again: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess.Popen, "terminate", subprocess.Popen.kill)     # as it is on Windows
    small_bundle().save(tmp_path / "small")
    options, take = [*NO_DEVICE, f"--model={tmp_path / 'small'}"], tmp_path / "take.wav"
    child = EngineChild([*options, "--json", f"--record={take}"], list, pytest.fail)
    try:
        wait_until(lambda: child.running, 100.0)
        wait_until(lambda: any(part.stat().st_size > 4096 for part in tmp_path.glob(".*")), 30.0)
        if again:
            child.restart(options)
            wait_until(lambda: child.arguments == tuple(options), 30.0)
            report = json.loads(child.report)
    finally:
        child.close()
    report = report if again else json.loads(child.report)
    assert report["hops"] > 0
    assert heard(take).shape[1] > 0 and not list(tmp_path.glob(".*"))


@pytest.mark.timeout(300)
def test_what_a_dead_engine_needs_is_waited_for(tmp_path: Path) -> None:
    """As a JACK server that was stopped at that moment; here it is the model that is away for a while."""
    told: list[str] = []
    model, away = tmp_path / "small", tmp_path / "away"
    small_bundle().save(model)
    child = EngineChild([*NO_DEVICE, f"--model={model}"], list, told.append)
    try:
        wait_until(lambda: child.running, 100.0)
        model.rename(away)
        os.kill(child.pid, signal.SIGKILL)
        wait_until(lambda: len(told) > 1, 100.0)
        assert told[1].startswith("the engine does not run: ") and told[1].endswith("; trying again")
        failed = child.pid
        wait_until(lambda: child.pid != failed, 30.0)
        away.rename(model)
        wait_until(lambda: child.running, 100.0)
        assert len(told) == 2
    finally:
        child.close()


@pytest.mark.timeout(300)
def test_a_child_that_cannot_be_started_for_a_while_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where there is no memory for another process; here it is Python that is away."""
    told: list[str] = []
    small_bundle().save(tmp_path / "small")
    child = EngineChild([*NO_DEVICE, f"--model={tmp_path / 'small'}"], list, told.append)
    try:
        wait_until(lambda: child.running, 100.0)
        with monkeypatch.context() as away:
            away.setattr(sys, "executable", str(tmp_path / "python"))
            os.kill(child.pid, signal.SIGKILL)
            wait_until(lambda: len(told) > 1, 30.0)
            assert told[1].startswith("the engine cannot be started (") and told[1].endswith("); trying again")
            child.restart(child.arguments)
        wait_until(lambda: child.running, 100.0)
        assert len(told) == 2
    finally:
        child.close()


def test_what_is_left_of_a_restart_keeps_nobody_from_ending(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    child = EngineChild([*NO_DEVICE, f"--model={tmp_path}"], list, lambda text: None)
    try:
        child.restart([*NO_DEVICE, "--blocksize=999999"])
        assert all(thread.daemon for thread in threading.enumerate() if thread not in before)
    finally:
        child.close()


SCRIPT = """
import os, sys, time
sys.platform = "win32"
os.kill = lambda pid, number: os._exit(99)
from vqss_engine.stop_signals import end_after, end_on_signals
if {handled}:
    end_on_signals()
try:
    end_after(lambda: None)
    for _ in range(1000):
        time.sleep(0.01)
finally:
    print("unwound")
"""


@pytest.mark.parametrize(("handled", "code", "said"), [(True, 143, "unwound\n"), (False, 99, "")])
def test_where_a_signal_would_end_a_process_at_once_it_unwinds(handled: bool, code: int, said: str) -> None:
    """As on Windows; what has no handler ends all the same."""
    command = [sys.executable, "-c", SCRIPT.format(handled=handled)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (code, said), done.stderr
