"""RemoteControl: the interface of ControlSurface over the wire, and back in step after the engine was restarted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.osc_answers import LOAD_TIMEOUT_S, SLOW_S
from bridge.osc_client import REMOTE, RemoteControl
from bridge.osc_readings import SETTLING_S, Doubts, same_in_32_bits
from bridge.osc_server import OscServer
from tests.osc_peers import PATIENCE_S, Peer, PlayingEngine, serve, wait_until
from tests.streams import CLUSTERS
from vqss_engine.control import Control, ControlSurface, EngineState, Parameter, ParameterError, UnknownAddress
from vqss_engine.errors import VQSSError
from vqss_engine.parameters import Argument
from vqss_engine.presets import PresetFolder

GAIN, FADER, MUTE = "/vqss/cluster/2/gain", "/vqss/cluster/2/fader", "/vqss/cluster/2/mute"


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(6, names=["bass"], colors=["#010203"])


@pytest.fixture
def remote(server: OscServer) -> Iterator[RemoteControl]:
    made = RemoteControl(server.host, server.port)
    made.connect(PATIENCE_S)
    yield made
    made.close()


def test_it_is_a_control_like_the_original(surface: ControlSurface, remote: RemoteControl) -> None:
    control: Control = remote
    assert control.clusters == 6 and remote.values() == surface.values()
    assert [vars(p) for p in control.parameters()] == [vars(p) for p in surface.parameters()]
    assert control.get("/vqss/cluster/0/name") == "bass"
    assert remote.actions() == surface.actions() and remote.feeds() == surface.feeds()
    assert GAIN in remote and "/vqss/nothing" not in remote


def test_what_was_set_before_is_there(surface: ControlSurface, server: OscServer) -> None:
    surface.set_many({GAIN: -12.5, MUTE: 1, "/vqss/transport/loop": (1.0, 2.0)})
    remote = RemoteControl(server.host, server.port)
    remote.connect(PATIENCE_S)
    assert remote.values() == surface.values()
    remote.close()


def test_setting_reaches_the_engine_and_is_heard_here_once(surface: ControlSurface, remote: RemoteControl) -> None:
    heard = []
    remote.subscribe(lambda *news: heard.append(news))
    assert remote.set(GAIN, -6.3, origin="strip") == -6.3
    wait_until(lambda: surface.get(GAIN) == pytest.approx(-6.3))
    surface.set(MUTE, 1)
    wait_until(lambda: remote.get(MUTE) is True)
    assert [news[::2] for news in heard] == [(GAIN, "strip"), (FADER, "strip"), (MUTE, REMOTE)]


def test_several_are_set_together(surface: ControlSurface, remote: RemoteControl) -> None:
    states = []
    surface.subscribe(lambda *news: states.append(surface.state))
    remote.set_many({GAIN: -3.0, MUTE: True, "/vqss/bypass": True})
    wait_until(lambda: len(states) == 4)
    assert all(state is states[0] for state in states) and states[0].bypass


def test_a_fader_moves_the_gain_on_both_sides(surface: ControlSurface, remote: RemoteControl) -> None:
    remote.set(FADER, 0.5)
    assert remote.get(GAIN) == pytest.approx(-12.0)
    wait_until(lambda: surface.get(GAIN) == pytest.approx(-12.0))
    surface.set(FADER, 1.0)
    wait_until(lambda: remote.get(FADER) == 1.0)


def test_bad_values_are_refused_here(remote: RemoteControl) -> None:
    for path, value in ((GAIN, 99.0), (MUTE, 2), ("/vqss/nothing", 1)):
        with pytest.raises(ParameterError):
            remote.set(path, value)
    with pytest.raises(UnknownAddress):
        remote.act("/vqss/nothing")
    with pytest.raises(ParameterError):
        remote.act("/vqss/preset/load")


def test_what_the_engine_refuses_is_taken_back(remote: RemoteControl) -> None:
    remote.set("/vqss/source", "song.wav")
    assert remote.get("/vqss/source") == "song.wav"
    wait_until(lambda: remote.get("/vqss/source") == "input")
    assert any("/vqss/source" in text or "song.wav" in text for text in remote.levels().errors)


def test_two_remotes_and_a_desk_end_in_step(surface: ControlSurface, server: OscServer, remote: RemoteControl) -> None:
    second = RemoteControl(server.host, server.port)
    second.connect(PATIENCE_S)
    for step in range(40):
        remote.set(GAIN, -20.0 + step / 10)
        second.set(GAIN, -40.0 - step / 10)
    surface.set("/vqss/main/gain", -1.5)
    wait_until(lambda: in_step(surface, remote) and in_step(surface, second))
    second.close()


def in_step(surface: ControlSurface, remote: RemoteControl) -> bool:
    """Whether nothing is in doubt and all values are the same (of faders: their gains)."""
    paths = [parameter.path for parameter in surface.parameters() if not parameter.view_of]
    return GAIN not in remote._doubts and all(same_in_32_bits(surface.get(path), remote.get(path)) for path in paths)


def test_actions_on_files_answer(surface: ControlSurface, remote: RemoteControl, tmp_path: Path) -> None:
    PresetFolder(tmp_path, surface).attach()
    assert remote.act("/vqss/preset/list") == []
    remote.set(GAIN, -8.0)
    assert remote.act("/vqss/preset/save", "one") == "one"
    remote.set(GAIN, 2.0)
    assert remote.act("/vqss/preset/list") == ["one"]
    assert remote.act("/vqss/preset/load", "one") == "one"
    wait_until(lambda: remote.get(GAIN) == -8.0)
    with pytest.raises(VQSSError, match="two"):
        remote.act("/vqss/preset/load", "two")


@pytest.mark.parametrize("how", ["ends", "falls silent"])
def test_who_waits_for_an_answer_is_told_that_the_engine_has_gone(
    server: OscServer, remote: RemoteControl, how: str
) -> None:
    if how == "ends":
        server.close()
    else:
        remote._link._hear = lambda message: None
    began_s = time.monotonic()
    with pytest.raises(VQSSError, match="has ended" if how == "ends" else "does not answer"):
        remote.act("/vqss/preset/list")
    assert time.monotonic() - began_s < 8.0


def test_a_load_is_waited_for_longer_than_the_engine_itself_waits(
    surface: ControlSurface, remote: RemoteControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SLOW_S > LOAD_TIMEOUT_S
    monkeypatch.setattr("bridge.osc_client._ANSWER_S", 0.2)
    PresetFolder(tmp_path, surface, dict, lambda rack: time.sleep(1.0)).attach()
    surface.act("/vqss/preset/save", "one")
    assert remote.act("/vqss/preset/load", "one") == "one"


def test_effects_come_and_go(surface: ControlSurface, remote: RemoteControl) -> None:
    known: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    remote.subscribe_vocabulary(lambda added, removed: known.append((added, removed)))
    ratio, mode, text = (f"/vqss/cluster/1/fx/0/{name}" for name in ("ratio", "mode", "file"))
    effects = [
        Parameter(ratio, (Argument("ratio", "float", 1.0, 20.0, "dB"),), 4.0, "compression"),
        Parameter(mode, (Argument("mode", "int", 0, 5),), 2, "kind"),
        Parameter(text, (Argument("file", "string", maximum=255),), "", "impulse response"),
        Parameter("/vqss/cluster/1/fx/bypass", (Argument("bypass", "switch", 0, 1),), False, "without effects"),
    ]
    surface.register(effects)
    surface.set(ratio, 8.0)
    wait_until(lambda: ratio in remote and remote.get(ratio) == 8.0)
    assert [remote.parameter(effect.path) for effect in effects] == effects
    remote.set(ratio, 2.0)
    wait_until(lambda: surface.get(ratio) == 2.0)
    surface.unregister([effect.path for effect in effects])
    wait_until(lambda: ratio not in remote)
    paths = tuple(effect.path for effect in effects)
    assert sorted(known[0][0]) == sorted(paths) and sorted(known[-1][1]) == sorted(paths) and len(known) == 2


def test_an_effect_that_takes_the_place_of_another_is_known_as_itself(
    surface: ControlSurface, remote: RemoteControl
) -> None:
    path = "/vqss/cluster/3/fx/0/cutoff_frequency_hz"
    argument = Argument("cutoff_frequency_hz", "float", 1.0, 20000.0, "Hz")
    for name, default in (("HighpassFilter", 50.0), ("LowpassFilter", 900.0)):
        effect = Parameter(path, (argument,), default, f"clusters.3[0] {name}: cutoff frequency")
        surface.unregister([path])
        surface.register([effect])
        wait_until(lambda effect=effect: path in remote and remote.parameter(path) == effect)
        wait_until(lambda default=default: remote.get(path) == default)


def test_what_is_set_while_the_copy_is_fetched_is_kept(surface: ControlSurface, remote: RemoteControl) -> None:
    """The description that comes after effects have changed was written before the fader moved."""
    gains: list[object] = []
    remote.subscribe(lambda path, value, origin: gains.append(value) if path == GAIN else None)
    remote.subscribe_vocabulary(lambda added, removed: remote.set(GAIN, -4.0))
    surface.register([Parameter("/vqss/cluster/2/fx/0/mix", (Argument("mix", "float", 0.0, 1.0),), 0.5, "mix")])
    wait_until(lambda: surface.get(GAIN) == -4.0)
    wait_until(lambda: GAIN not in remote._doubts)
    assert gains == [-4.0] and remote.get(GAIN) == -4.0


def test_levels_status_and_spectra_arrive() -> None:
    with PlayingEngine() as playing, serve(playing.surface) as server:
        remote = RemoteControl(server.host, server.port, levels_per_s=60)
        remote.connect(PATIENCE_S)
        remote.telemetry.spectra_per_s = 30.0
        wait_until(lambda: remote.levels().rms_dbfs[-1] > -40.0)
        wait_until(lambda: remote.levels().state is EngineState.RUNNING and remote.levels().latency_ms > 5.0)
        wait_until(lambda: len(remote.telemetry.spectra[1]) == 64 * (CLUSTERS + 1))
        ours, theirs = remote.levels(), playing.surface.levels()
        assert len(ours.rms_dbfs) == CLUSTERS + 1 and abs(ours.rms_dbfs[-1] - theirs.rms_dbfs[-1]) < 6.0
        remote.close()


def test_the_position_of_a_song_arrives(surface: ControlSurface, remote: RemoteControl) -> None:
    """It is telemetry here as there, also where somebody seeks."""
    heard = []
    remote.subscribe(lambda *news: heard.append(news))
    surface.telemetry.position_s = 12.5
    wait_until(lambda: remote.levels().position_s == 12.5)
    remote.set("/vqss/transport/position", 30.0, origin="slider")
    wait_until(lambda: surface.get("/vqss/transport/position") == 30.0)
    assert heard == [("/vqss/transport/position", 30.0, "slider")]


def test_it_recovers_from_a_restart(surface: ControlSurface) -> None:
    server = serve(surface)
    server.start()
    remote, seen = RemoteControl(server.host, server.port), []
    remote.subscribe_connection(seen.append)
    remote.connect(PATIENCE_S)
    surface.set(GAIN, -30.0)
    wait_until(lambda: remote.get(GAIN) == -30.0)
    server.close()
    wait_until(lambda: not remote.connected)
    assert remote.levels().state is EngineState.STOPPED

    other = ControlSurface(6)
    other.set_many({GAIN: -5.0, MUTE: 1})
    with OscServer(other, host=server.host, port=server.port):
        wait_until(lambda: remote.connected and remote.values() == other.values())
        other.set(GAIN, -6.0)
        wait_until(lambda: remote.get(GAIN) == -6.0)
        remote.set(MUTE, 0)
        wait_until(lambda: other.get(MUTE) is False)
        assert seen == [True, False, True]
        remote.close()


def test_a_restart_too_quick_to_be_missed_is_noticed_too(surface: ControlSurface) -> None:
    server = serve(surface)
    server.start()
    remote = RemoteControl(server.host, server.port)
    remote.connect(PATIENCE_S)
    surface.set(GAIN, -30.0)
    wait_until(lambda: remote.get(GAIN) == -30.0)
    server.close()
    with OscServer(ControlSurface(9), host=server.host, port=server.port):
        wait_until(lambda: remote.clusters == 9 and remote.get(GAIN) == 0.0)
        remote.close()


def test_nobody_there_is_one_clear_error() -> None:
    with serve(ControlSurface()) as server:
        port = server.port
    with pytest.raises(VQSSError, match=f"no VQSS answers at 127.0.0.1:{port}"):
        RemoteControl("127.0.0.1", port).connect(timeout_s=0.2)


def test_closing_ends_the_subscription(server: OscServer) -> None:
    remote = RemoteControl(server.host, server.port)
    remote.connect(PATIENCE_S)
    assert len(server.subscribers) == 1
    remote.close()
    remote.close()
    with Peer(server) as peer:
        peer.answers()
    assert len(server.subscribers) == 0


def test_doubts_settle() -> None:
    now_s = [0.0]
    table = Doubts(lambda: now_s[0])
    table.add(GAIN)
    assert table.due() == () and GAIN in table
    now_s[0] = SETTLING_S
    assert table.due() == (GAIN,) and GAIN not in table


def test_values_are_compared_as_they_travel() -> None:
    assert same_in_32_bits(-6.3, -6.300000190734863) and not same_in_32_bits(-6.3, -6.3001)
    assert same_in_32_bits((0.1, 2.0), (0.10000000149011612, 2.0)) and not same_in_32_bits((0.1, 2.0), 0.1)
    assert same_in_32_bits(True, 1) and same_in_32_bits("a", "a") and not same_in_32_bits("a", 1)
