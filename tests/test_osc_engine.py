"""From a message to the sound: what is set over OSC is what the engine plays."""

from __future__ import annotations

import numpy as np

from tests.osc_peers import Peer, PlayingEngine, bundle, serve, wait_until
from tests.streams import largest_step, run, small_engine, tone
from vqss_engine.presets import apply, capture


def test_a_message_mutes_and_another_brings_back_the_sound() -> None:
    with PlayingEngine() as playing, serve(playing.surface) as server, Peer(server) as peer:
        wait_until(lambda: np.abs(playing.out).max() > 0.05)
        peer.send("/vqss/main/mute", 1)
        wait_until(lambda: not playing.out.any())
        peer.send_raw(bundle(("/vqss/main/mute", 0), ("/vqss/cluster/*/mute", 1)))
        peer.answers()
        wait_until(lambda: np.abs(playing.out).max() < 1e-6)
        peer.send("/vqss/cluster/*/mute", 0)
        wait_until(lambda: np.abs(playing.out).max() > 0.05)


def test_a_scene_change_does_not_click() -> None:
    engine = small_engine()
    engine.surface.set_many({f"/vqss/cluster/{k}/mute": k % 2 for k in range(engine.clusters)})
    scene = capture(engine.surface, "scene")
    engine.surface.set_many({f"/vqss/cluster/{k}/mute": 1 - k % 2 for k in range(engine.clusters)})
    signal = tone(engine, 80)
    steady = largest_step(signal)
    out = run(engine, signal, lambda hop: apply(engine.surface, scene) if hop == 40 else None)
    assert largest_step(out) < 1.5 * steady
