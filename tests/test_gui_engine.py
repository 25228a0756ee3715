"""The engine that a window has started: what it is said to run with is what runs, and its news are told."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.commands import gui
from bridge.commands.options import setting
from bridge.engine_child import EngineChild
from bridge.files import apply_settings
from bridge.gui_engine import OwnEngine, changed_settings
from bridge.osc_client import RemoteControl
from bridge.osc_sockets import free_port
from bridge.rack_store import RackStore
from tests.gui_windows import wait_until
from tests.osc_peers import serve
from tests.streams import small_bundle
from tests.test_gui_remote import gui_arguments
from vqss_engine.control import ControlSurface
from vqss_engine.errors import VQSSError


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


@pytest.mark.timeout(400)
def test_an_engine_whose_effects_cannot_be_written_down_comes_back_without_them(tmp_path: Path) -> None:
    folder, gain = tmp_path / "racks", "/vqss/cluster/2/gain"
    with gui.own_engine(gui_arguments(f"--racks={folder}"), None) as (remote, services):
        child, racks = services.engine._engine._child, services.racks       # type: ignore[union-attr]
        wait_until(lambda: remote.connected and child.running)
        assert racks is not None
        racks.load({"1": [{"plugin": "Compressor"}]}, ())
        remote.set(gain, -3.0)
        (file,) = folder.glob(".window*.json")
        written = file.stat().st_ino
        come_back_from_death(child, remote)
        wait_until(lambda: racks.in_place and remote.get(gain) == -3.0)
        assert file.stat().st_ino == written        # what it holds already need not be written, if it could be
        folder.rename(tmp_path / "away")
        folder.touch()
        come_back_from_death(child, remote)
        wait_until(lambda: not racks.in_place and remote.get(gain) == -3.0)
        assert any("goes on without its effects: the rack" in text for text in remote.levels().errors)


def come_back_from_death(child: EngineChild, remote: RemoteControl) -> None:
    died = child.pid
    os.kill(died, signal.SIGKILL)
    wait_until(lambda: child.pid != died and child.running and remote.connected)


def test_windows_that_open_at_once_have_an_engine_each(tmp_path: Path) -> None:
    arguments = gui_arguments(f"--racks={tmp_path}")
    with gui.own_engine(arguments, None) as (one, _), gui.own_engine(arguments, None) as (other, _):
        assert one.port != other.port       # neither engine listens yet


def test_a_window_refuses_a_port_that_another_has(tmp_path: Path) -> None:
    with serve(ControlSurface(4)) as server:
        arguments = gui_arguments(f"--racks={tmp_path}", f"--osc=127.0.0.1:{server.port}")
        with pytest.raises(VQSSError, match=f"port {server.port}.*--osc"), gui.own_engine(arguments, None):
            pass


@pytest.mark.timeout(400)
@pytest.mark.parametrize("place", ["[::1]:0", "[::]:0", "127.0.0.1:0"])
def test_any_port_and_ipv6_are_places_for_an_engine(tmp_path: Path, place: str) -> None:
    try:
        free_port("::1")
    except VQSSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    small_bundle().save(tmp_path / "small")
    arguments = gui_arguments(f"--racks={tmp_path}", f"--osc={place}", f"--model={tmp_path / 'small'}")
    with gui.own_engine(arguments, None) as (remote, _):
        assert remote.port != 0
        wait_until(lambda: remote.connected)


def test_what_differs_from_the_defaults_comes_back_as_it_was() -> None:
    one, other = ControlSurface(4), ControlSurface(4)
    one.set_many({
        "/vqss/source": " Music/a=b .wav", "/vqss/cluster/1/name": " lead ", "/vqss/cluster/2/gain": -3.25,
        "/vqss/cluster/3/mute": 1, "/vqss/transport/loop": (1.5, 2.0),
    })  # fmt: skip
    apply_settings(other, [setting(f"{path}={text}") for path, text in changed_settings(one).items()])
    assert other.values() == one.values()
    apply_settings(other, [setting(" cluster/2/gain = -6 dB ")])
    assert other.get("/vqss/cluster/2/gain") == -6.0


@pytest.fixture
def halted(tmp_path: Path) -> Iterator[OwnEngine]:
    """An engine for a model that is not there, whose process does nothing until it is let."""
    with serve(ControlSurface(4)) as server:
        remote = RemoteControl("127.0.0.1", server.port)
        arguments = gui_arguments(f"--model={tmp_path / 'none'}")
        store = RackStore(remote, tmp_path, "window.json")
        engine = OwnEngine(arguments, remote, "127.0.0.1:9", tmp_path, store)
        os.kill(engine._child.pid, signal.SIGSTOP)
        try:
            remote.connect(10.0)
            yield engine
        finally:
            let_run(engine)
            engine.close()
            remote.close()


def let_run(engine: OwnEngine) -> None:
    with suppress(ProcessLookupError):      # it may have ended by then
        os.kill(engine._child.pid, signal.SIGCONT)


def test_news_reach_the_window_also_after_a_model_with_other_clusters(halted: OwnEngine) -> None:
    assert halted._remote.clusters == 4
    let_run(halted)
    wait_until(lambda: halted._remote.levels().errors)
    assert "the engine does not run: " in halted._remote.levels().errors[-1]


def test_a_setup_counts_once_the_engine_runs_with_it(halted: OwnEngine) -> None:
    before = halted.setup
    wanted = replace(before, profile="safe")
    halted.restart(wanted)
    assert halted.setup == before           # the one that is to end is there yet
    let_run(halted)
    wait_until(lambda: halted.setup == wanted)
