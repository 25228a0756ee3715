"""Subscriptions: they end unless renewed, bring streams at their rates, and are not without number."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest

from bridge.osc_subscribers import LIFETIME_S, MOST_SUBSCRIBERS, Pace, Subscribers
from tests.osc_peers import Peer, PlayingEngine, message, serve, wait_until
from tests.streams import CLUSTERS
from vqss_engine.control import ControlSurface, EngineState

ANA, BOB = ("127.0.0.1", 5001), ("127.0.0.1", 5002)


class Clock:
    """Seconds that pass when told to."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_subscription_ends_after_15_seconds_unless_renewed() -> None:
    clock = Clock()
    table = Subscribers(clock)
    table.add(ANA, 0, 20.0, 0.0)
    table.add(BOB, 0, 20.0, 0.0)
    clock.now_s += LIFETIME_S - 0.1
    table.add(BOB, 0, 20.0, 0.0)
    assert len(table.present()) == 2
    clock.now_s += 0.2
    assert [entry.target for entry in table.present()] == [BOB] and len(table) == 1


def test_the_table_is_bounded_and_ended_ones_make_room() -> None:
    clock = Clock()
    table = Subscribers(clock)
    assert all(table.add(ANA, port, 0.0, 0.0) for port in range(1, MOST_SUBSCRIBERS + 1))
    assert not table.add(BOB, 0, 0.0, 0.0) and table.add(ANA, 7, 0.0, 0.0)
    clock.now_s += LIFETIME_S
    assert table.add(BOB, 0, 0.0, 0.0) and len(table) == 1


def test_unsubscribing_ends_what_was_asked_for() -> None:
    table = Subscribers(Clock())
    for port in (0, 6001, 6002):
        table.add(ANA, port, 0.0, 0.0)
    table.add(BOB, 0, 0.0, 0.0)
    table.remove(ANA, 6001)
    assert len(table) == 3
    table.remove(ANA, 0)
    assert [entry.target for entry in table.present()] == [BOB]


def test_a_pace_keeps_its_rate_on_a_grid() -> None:
    pace, times = Pace(20.0), np.arange(0, 10, 0.004) + 1234.5678
    taken = [now for now in times if pace.take(now)]
    assert 200 <= len(taken) <= 201
    assert not any(Pace(0.0).take(now) for now in times)


def test_a_vanished_subscriber_costs_nothing_after_15_seconds() -> None:
    surface, clock = ControlSurface(), Clock()
    with serve(surface, clock=clock) as server, Peer(server) as peer:
        peer.subscribe(levels=60, spectra=30)
        wait_until(lambda: surface.telemetry.spectra_per_s == 30.0)
        clock.now_s += LIFETIME_S
        wait_until(lambda: len(server.subscribers) == 0)
        wait_until(lambda: surface.telemetry.spectra_per_s == 0.0)


def test_more_than_the_table_holds_are_told_so() -> None:
    with serve(ControlSurface()) as server, Peer(server) as peer:
        for port in range(20_000, 20_000 + MOST_SUBSCRIBERS):
            server.subscribers.add(("127.0.0.2", port), 0, 0.0, 0.0)
        assert peer.ask("/vqss/subscribe")[0][0] == "/vqss/error"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_mixer_cannot_be_subscribed_to_itself(host: str) -> None:
    surface = ControlSurface()
    with serve(surface, host=host, announce=False) as server, Peer(server) as peer:
        assert peer.ask("/vqss/subscribe", server.port, 20.0)[0][0] == "/vqss/error"
        assert len(server.subscribers) == 0
        assert peer.ask("/vqss/subscribe", 0) == []


def test_what_a_mixer_sends_itself_is_no_wish() -> None:
    surface = ControlSurface()
    with serve(surface) as server, Peer(server) as peer:
        server._send(message("/vqss/main/gain", -9.0).dgram, (server.host, server.port))
        assert peer.ask("/vqss/main/gain") == [("/vqss/main/gain", [0.0])]


def test_streams_of_a_playing_engine() -> None:
    with PlayingEngine() as playing, serve(playing.surface) as server, Peer(server) as peer:
        peer.subscribe(levels=30, spectra=15)
        load, misses, xruns, latency_ms, _ = peer.wait_for("/vqss/status")
        frame, bands = peer.wait_for("/vqss/spectra")
        levels = peer.wait_for("/vqss/levels")
        while levels[-2] < -40.0:
            levels = peer.wait_for("/vqss/levels")
        assert len(levels) == 2 * (CLUSTERS + 1) and all(-120.0 <= level <= 12.0 for level in levels)
        assert isinstance(frame, int) and len(bands) == 64 * (CLUSTERS + 1) and max(bands[:64]) > 0
        assert (misses, xruns) == (0, 0) and load >= 0.0 and latency_ms > 5.0
        while peer.wait_for("/vqss/status")[4] != EngineState.RUNNING:
            pass


def test_levels_are_of_the_clusters_in_order_then_main() -> None:
    surface = ControlSurface(2)
    surface.telemetry.rms_power[1], surface.telemetry.peak_power[1] = 0.01, 0.1
    surface.telemetry.rms_power[2] = 1.0
    with serve(surface) as server, Peer(server) as peer:
        peer.send("/vqss/levels")
        np.testing.assert_allclose(peer.wait_for("/vqss/levels"), [-120, -120, -20, -10, 0, -120], atol=1e-4)
        peer.subscribe(levels=50)
        np.testing.assert_allclose(peer.wait_for("/vqss/levels"), [-120, -120, -20, -10, 0, -120], atol=1e-4)


def test_two_hundred_subscribers_hear_of_a_change() -> None:
    surface = ControlSurface()
    with serve(surface) as server, ExitStack() as peers:
        heard = [peers.enter_context(Peer(server)).subscribe() for _ in range(200)]
        surface.set("/vqss/bypass", 1)
        assert all(peer.wait_for("/vqss/bypass") == [1] for peer in heard)
