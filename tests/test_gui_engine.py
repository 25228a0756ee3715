"""The engine that a window has started: what it is said to run with is what runs, and its news are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import gui_engine
from bridge.commands import gui
from bridge.osc_client import RemoteControl
from bridge.rack_store import RackStore
from tests.test_gui_remote import gui_arguments, wait_until
from vqss_engine.control import ControlSurface


@pytest.mark.timeout(400)       # on a bare machine the engine compiles its kernels first
def test_after_a_setup_that_does_not_work_the_old_one_counts(tmp_path: Path) -> None:
    with gui.own_engine(gui_arguments(f"--racks={tmp_path}", "--latency=low"), None) as (remote, services):
        engine = services.engine
        assert engine is not None
        wait_until(lambda: remote.connected)
        first = engine.setup
        wait_until(lambda: engine._engine._child.running)       # type: ignore[attr-defined]
        engine.restart("none", "none", None, 999999, "safe")
        wait_until(lambda: any("started as before" in text for text in remote.levels().errors))
        assert engine.setup == first and engine.setup.profile == "low"


class Child:
    """Takes the part of the process: starts nothing, and says what it is told to say."""

    def __init__(self, arguments: Sequence[str], state: object, tell: object, first: object) -> None:
        self.arguments, self.tell = tuple(arguments), tell

    def restart(self, arguments: Sequence[str]) -> None:
        self.wanted = tuple(arguments)


def test_news_reach_the_window_also_after_a_model_with_other_clusters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gui_engine, "EngineChild", Child)
    remote = RemoteControl()
    store = RackStore(remote, tmp_path, "window.json")
    engine = gui_engine.OwnEngine(gui_arguments(), remote, "127.0.0.1:9", tmp_path, store)
    remote._adopt(ControlSurface(4))
    engine._child.tell("it has died")       # type: ignore[attr-defined]
    assert remote.levels().errors[-1] == "it has died"
    before = engine.setup
    wanted = replace(before, profile="safe")
    engine.restart(wanted)
    assert engine.setup == before           # until the other one runs
    engine._child.arguments = engine._child.wanted      # type: ignore[misc, attr-defined]
    assert engine.setup == wanted
