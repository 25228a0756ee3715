"""The OSC server: sets, gets, bundles, patterns, feedback to all but the maker, and errors to the sender."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import pytest

from bridge.osc_server import OscServer
from tests.osc_peers import Peer, bundle, wait_until
from vqss_engine.control import ControlSurface, Parameter, ParameterError
from vqss_engine.parameters import Argument

GAIN, FADER, MUTE, NAME = (f"/vqss/cluster/3/{leaf}" for leaf in ("gain", "fader", "mute", "name"))


@pytest.fixture
def peer(server: OscServer) -> Iterator[Peer]:
    with Peer(server) as made:
        yield made


@pytest.fixture
def other(server: OscServer) -> Iterator[Peer]:
    with Peer(server) as made:
        yield made


@pytest.mark.parametrize(
    ("path", "given", "taken"),
    [
        (GAIN, -6.0, -6.0),
        (GAIN, -6, -6.0),
        (FADER, 1, 1.0),
        (MUTE, 1, True),
        (MUTE, 1.0, True),
        (MUTE, True, True),
        (NAME, "hi-hat ♪", "hi-hat ♪"),
        ("/vqss/cluster/3/color", "#102030", "#102030"),
        ("/vqss/cluster/3/group", 5, 5),
        ("/vqss/cluster/3/pan", -0.5, -0.5),
        ("/vqss/main/gain", -70.0, -70.0),
        ("/vqss/bypass", 1, True),
    ],
)
def test_a_message_sets_and_the_address_alone_asks(
    surface: ControlSurface, peer: Peer, path: str, given: object, taken: object
) -> None:
    assert peer.ask(path, given) == []
    assert surface.get(path) == taken
    assert peer.ask(path) == [(path, [taken])]


def test_a_message_of_two_numbers_sets_a_loop(peer: Peer) -> None:
    peer.ask("/vqss/transport/loop", 2.5, 7)
    assert peer.ask("/vqss/transport/loop") == [("/vqss/transport/loop", [2.5, 7.0])]


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("/vqss/nothing", (1,)),
        ("/vqss/nothing", ()),
        ("/vqss/cluster/16/gain", (0.0,)),
        ("/vqss/cluster/*/nothing", (0.0,)),
        ("/vqss/cluster/[0/gain", (0.0,)),
        (GAIN, (12.5,)),
        (GAIN, (-71.0,)),
        (GAIN, (math.nan,)),
        (GAIN, (math.inf,)),
        (GAIN, (True,)),
        (GAIN, ("loud",)),
        (GAIN, (None,)),
        (GAIN, (b"\0\0",)),
        (GAIN, (-3.0, -3.0)),
        (MUTE, (2,)),
        (MUTE, (0.5,)),
        (NAME, ("x" * 65,)),
        (NAME, ("x" * 50_000,)),
        (NAME, ("line\nbreak",)),
        (NAME, (3,)),
        ("/vqss/cluster/3/color", ("red",)),
        ("/vqss/cluster/3/group", (16,)),
        ("/vqss/transport/loop", (1.0,)),
        ("/vqss/preset/load", ()),
        ("/vqss/preset/load", ("name",)),
        ("/vqss/subscribe", (70_000,)),
        ("/vqss/subscribe", (0, 61.0)),
        ("/vqss/subscribe", (0, math.nan)),
    ],
)
def test_what_is_refused_is_told_to_the_sender_and_changes_nothing(
    surface: ControlSurface, peer: Peer, path: str, arguments: tuple
) -> None:
    before = surface.values()
    ((address, (about, text)),) = peer.ask(path, *arguments)
    assert address == "/vqss/error" and about == path and 10 < len(text) <= 400
    assert surface.values() == before


def test_changes_go_to_all_but_their_maker(surface: ControlSurface, peer: Peer, other: Peer) -> None:
    peer.subscribe()
    other.subscribe()
    peer.send(GAIN, -12.0)
    assert other.wait_for(GAIN) == [-12.0] and other.wait_for(FADER) == [0.5]
    surface.set(MUTE, 1, origin="screen")
    assert other.wait_for(MUTE) == [1]
    heard = peer.receive()
    while heard[0] in ("/vqss/status", "/vqss/session"):
        heard = peer.receive()
    assert heard == (MUTE, [1])


def test_the_maker_is_known_by_where_it_sends_from(
    server: OscServer, surface: ControlSurface, peer: Peer
) -> None:
    """A tablet sends from one port and listens on another."""
    with Peer(server) as ear:
        peer.subscribe(port=ear.port)
        peer.send(GAIN, -1.0)
        peer.answers()
        surface.set(MUTE, 1)
        while (heard := ear.receive())[0] not in (GAIN, MUTE):
            pass
        assert heard == (MUTE, [1])


def test_feedback_ends_with_unsubscribe(server: OscServer, surface: ControlSurface, peer: Peer, other: Peer) -> None:
    peer.subscribe()
    other.subscribe()
    peer.ask("/vqss/unsubscribe")
    assert len(server.subscribers) == 1
    surface.set(MUTE, 1)
    other.wait_for(MUTE)
    assert peer.answers() == []


def test_setting_what_is_set_tells_nobody(peer: Peer, other: Peer) -> None:
    other.subscribe()
    peer.ask(MUTE, 0)
    peer.ask(MUTE, 1)
    assert other.wait_for(MUTE) == [1]


def test_a_flood_ends_with_the_last_value(surface: ControlSurface, peer: Peer, other: Peer) -> None:
    other.subscribe()
    for step in range(400):
        peer.send(GAIN, -60.0 + step / 10)
        if step % 50 == 0:
            peer.answers()
    peer.send(GAIN, -7.5)
    while other.wait_for(GAIN) != [-7.5]:
        pass
    assert surface.get(GAIN) == -7.5


def test_a_bundle_is_applied_at_once_and_together(surface: ControlSurface, peer: Peer) -> None:
    states = []
    surface.subscribe(lambda path, value, origin: states.append(surface.state))
    in_an_hour = time.time() + 3600
    peer.send_raw(bundle((GAIN, -3.0), ("/vqss/cluster/*/mute", 1), (GAIN, -4.0), (GAIN,), timestamp=in_an_hour))
    assert peer.answers() == [(GAIN, [-4.0])]
    assert len(states) == 18 and all(state is states[0] for state in states)
    assert states[0].gain[3] == -4.0 and all(states[0].mute)


def test_of_a_bundle_the_bad_is_refused_and_the_rest_applied(surface: ControlSurface, peer: Peer) -> None:
    peer.send_raw(bundle((GAIN, 99.0), (MUTE, 1), ("/vqss/nothing", 1)))
    errors = peer.answers()
    assert [arguments[0] for _, arguments in errors] == [GAIN, "/vqss/nothing"]
    assert surface.get(MUTE) is True and surface.get(GAIN) == 0.0


def test_patterns_set_and_ask(surface: ControlSurface, peer: Peer) -> None:
    assert peer.ask("/vqss/cluster/[0-3]/solo", 1) == []
    assert surface.state.solo == (True,) * 4 + (False,) * 12
    answers = peer.ask("/vqss/cluster/{3,4}/solo")
    assert answers == [("/vqss/cluster/3/solo", [1]), ("/vqss/cluster/4/solo", [0])]


def test_a_packet_may_not_ask_for_too_much(peer: Peer) -> None:
    peer.send_raw(bundle(*[("/vqss/cluster/*/mute", 0)] * 200))
    assert any("several packets" in arguments[1] for _, arguments in peer.answers())


def test_refresh_tells_every_value(surface: ControlSurface, peer: Peer) -> None:
    surface.set(GAIN, -20.0)
    told = dict(peer.ask("/vqss/refresh"))
    assert set(told) == set(surface.values()) and told[GAIN] == [-20.0]


def test_nil_calls_what_takes_no_argument(surface: ControlSurface, peer: Peer) -> None:
    assert len(peer.ask("/vqss/refresh", None)) == len(surface.values())
    peer.send_raw(b"/vqss/ping\0\0,I\0\0")
    assert peer.receive() == ("/vqss/pong", [])
    assert peer.ask("/vqss/refresh", 7)[0][0] == "/vqss/error"


def test_messages_that_only_go_out_are_passed_over(peer: Peer) -> None:
    """Two programs that answer each other's errors would never stop."""
    assert peer.ask("/vqss/error", "/a", "b") == []
    assert peer.ask("/vqss/levels", 0.5) == []


def test_errors_are_rationed(peer: Peer) -> None:
    for _ in range(12):
        peer.send_raw(bundle(*[("/vqss/nothing", 1)] * 25))
    assert 100 <= len(peer.answers()) <= 200


def test_effects_can_be_reached_once_they_are_there(surface: ControlSurface, peer: Peer) -> None:
    peer.subscribe()
    path = "/vqss/cluster/3/fx/0/ratio"
    surface.register([Parameter(path, (Argument("ratio", "float", 1.0, 20.0),), 4.0, "ratio")])
    assert peer.wait_for("/vqss/session")[1] == 1
    assert peer.ask(path, 2.5) == [] and surface.get(path) == 2.5
    assert peer.ask("/vqss/cluster/*/fx/0/ratio") == [(path, [2.5])]
    surface.unregister([path])
    assert peer.ask(path)[0][0] == "/vqss/error"


def test_a_guard_of_the_surface_refuses_one_and_lets_the_rest_through(surface: ControlSurface, peer: Peer) -> None:
    def never(value: object) -> None:
        raise ParameterError(GAIN, value, "another gain")

    surface.guard(GAIN, never)
    peer.send_raw(bundle((GAIN, -3.0), (MUTE, 1)))
    assert [arguments[0] for _, arguments in peer.answers()] == [GAIN]
    wait_until(lambda: surface.get(MUTE) is True)


def test_a_fault_inside_an_action_is_told_and_survived(surface: ControlSurface, peer: Peer) -> None:
    def broken(name: str, origin: object) -> None:
        raise RuntimeError("plug-in")

    surface.on_action("/vqss/preset/load", broken)
    ((address, (about, _)),) = peer.ask("/vqss/preset/load", "x")
    assert address == "/vqss/error" and about == "/vqss/preset/load"
    assert any("plug-in" in text for text in surface.levels().errors)
    assert peer.ask(MUTE) == [(MUTE, [0])]
