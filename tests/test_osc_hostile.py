"""A fuzzer with a fixed seed: the server lives on, obeys what is valid in between, and the sound is untouched."""

from __future__ import annotations

import random

import numpy as np
import psutil

from bridge.osc_packet import encode_message
from tests.osc_fuzzer import damaged, moves_a_fader, seeds
from tests.osc_peers import Peer, serve
from tests.streams import delayed, noise, run, small_engine, worst_dbfs
from vqss_engine.control import ControlSurface

PACKETS = 20_000
TRACER = "/vqss/transport/position"


def test_twenty_thousand_bad_packets_do_no_harm() -> None:
    random_, engine = random.Random(5), small_engine()
    surface, process = engine.surface, psutil.Process()
    before, valid = surface.state, seeds(surface)
    with serve(surface) as server, Peer(server) as peer, Peer(server) as honest:
        peer.subscribe()
        memory = 0
        for number in range(PACKETS):
            data = damaged(random_, random_.choice(valid))
            if not moves_a_fader(data):
                peer.send_raw(data)
            if number % 20 == 0:
                honest.ask(TRACER, float(number))
                assert surface.get(TRACER) == number, "a valid message in between must be obeyed"
            if number == PACKETS // 4:
                memory = process.memory_info().rss
        assert process.memory_info().rss - memory < 20e6
    assert surface.state == before and not surface.levels().errors
    signal = noise(engine, 20)
    assert worst_dbfs(run(engine, signal) - delayed(signal, engine.latency_samples)) < -120


def test_everything_at_once_still_leaves_a_working_server() -> None:
    """Patterns, fader moves, subscriptions and actions included; then one value is set and asked for."""
    random_, surface = random.Random(7), ControlSurface()
    paths = [*surface.values(), *(action.path for action in surface.actions())]
    with serve(surface) as server, Peer(server) as peer, Peer(server) as honest:
        for number in range(3000):
            path = "".join(random_.choice([c, c, c, c, c, c, "*", "?", "[", "{"]) for c in random_.choice(paths))
            arguments = random_.choices([0, 1, -1.0, 0.5, "x", b"", 70_000], k=random_.randrange(4))
            peer.send_raw(encode_message(path, *arguments))
            if number % 20 == 0:
                honest.answers()
        honest.ask("/vqss/main/gain", -11.0)
        assert honest.ask("/vqss/main/gain") == [("/vqss/main/gain", [-11.0])]
    assert np.isfinite([surface.get(f"/vqss/cluster/{k}/gain") for k in range(16)]).all()
    assert not surface.levels().errors
