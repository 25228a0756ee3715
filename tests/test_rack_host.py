"""Racks on a running engine: swapped without a click, and every plug-in's parameter at an address."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from bridge.pedalboard_bridge import ClusterRack, RackHost, VQSSeparator
from tests.osc_peers import PATIENCE_S, Peer, PlayingEngine, serve, wait_until
from tests.streams import delayed, largest_step, run, small_bundle, small_engine, tone, worst_dbfs
from vqss_engine.errors import VQSSError

THRESHOLD = "/vqss/cluster/1/fx/0/threshold_db"
COMPRESSOR = {"format": 1, "clusters": {"1": [{"plugin": "Compressor", "threshold_db": -20, "ratio": 4}]}}


def gain_rack(gain_db: float, *latent: int) -> ClusterRack:
    """All clusters turned up or down alike; those of `latent` with look-ahead."""
    chain = [{"plugin": "Gain", "gain_db": gain_db}]
    ahead = [{"plugin": "BrickwallLimiter", "ceiling_db": 0.0}]
    clusters = {str(k): chain + (ahead if k in latent else []) for k in range(4)}
    return ClusterRack.from_dict({"format": 1, "clusters": clusters})


def test_racks_are_swapped_without_a_click_and_with_their_latency() -> None:
    engine = small_engine()
    host = RackHost(engine)
    racks = {40: gain_rack(-6.0), 90: gain_rack(-3.0, 1), 140: None, 190: gain_rack(-12.0, 0, 3)}
    signal = tone(engine, 260)
    out = run(engine, signal, lambda hop: host.install(racks[hop]) if hop in racks else None)
    assert largest_step(out) < 1.5 * largest_step(signal)
    assert engine.latency_samples == 256 + 220
    gain = np.float32(10 ** (-12 / 20))
    assert worst_dbfs((out - gain * delayed(signal, 476))[:, -30 * 256 :]) < -100


def test_parameters_come_and_go_with_the_rack_and_reach_the_plugins() -> None:
    engine = small_engine()
    host, rack = RackHost(engine), ClusterRack.from_dict(COMPRESSOR)
    heard: list[tuple[str, object]] = []
    engine.surface.subscribe(lambda path, value, origin: heard.append((path, value)))
    host.install(rack)
    parameter = engine.surface.parameter(THRESHOLD)
    assert (parameter.unit, parameter.default) == ("dB", -20.0)
    engine.surface.set(THRESHOLD, -33.0)
    assert rack.chains[1][0].threshold_db == -33.0 and heard == [(THRESHOLD, -33.0)]
    with pytest.raises(VQSSError):
        engine.surface.set(THRESHOLD, 1000.0)
    host.install(gain_rack(0.0))
    assert THRESHOLD not in engine.surface and "/vqss/cluster/3/fx/0/gain_db" in engine.surface


@pytest.mark.parametrize("place", ["/vqss/cluster/1/fx/bypass", "/vqss/main/fx/bypass"])
def test_a_bypassed_chain_is_crossfaded_to_its_input(place: str) -> None:
    engine = small_engine()
    RackHost(engine).install(ClusterRack.from_dict({
        "format": 1, "clusters": {"1": [{"plugin": "Gain", "gain_db": -40}] if "cluster" in place else []},
        "main": [] if "cluster" in place else [{"plugin": "Gain", "gain_db": -40}],
    }))  # fmt: skip
    signal = tone(engine, 200)
    out = run(engine, signal, lambda hop: engine.surface.set(place, True) if hop == 100 else None)
    assert largest_step(out) < 1.5 * largest_step(signal)
    loss = out - delayed(signal, 256)
    assert worst_dbfs(loss[:, 50 * 256 : 100 * 256]) > -40
    assert worst_dbfs(loss[:, -60 * 256 :]) < -100


def test_a_rack_that_fails_changes_nothing() -> None:
    engine = small_engine()
    host = RackHost(engine)
    host.install(ClusterRack.from_dict(COMPRESSOR))
    for wrong in ({"format": 1, "clusters": {"9": [{"plugin": "Gain"}]}}, {"format": 1, "main": [{"vst3": "no.vst3"}]}):
        with pytest.raises(VQSSError):
            host.install(ClusterRack.from_dict(wrong))
    assert THRESHOLD in engine.surface and host.rack is not None and 1 in host.rack.chains


def test_racks_over_osc(tmp_path: Path) -> None:
    (tmp_path / "drums.json").write_text(json.dumps(COMPRESSOR))
    (tmp_path / "broken.json").write_text('{"format": 1, "main": [{"plugin": "Compresor"}]}')
    with PlayingEngine() as playing, serve(playing.surface, rack_folder=tmp_path) as server, Peer(server) as peer:
        host = RackHost(playing.engine, tmp_path)
        assert peer.ask("/vqss/rack/load", "drums.json") == [("/vqss/rack/load", ["drums.json"])]
        assert peer.ask(THRESHOLD) == [(THRESHOLD, [-20.0])]
        with Peer(server) as other:
            other.subscribe()
            peer.send(THRESHOLD, -31.5)
            assert other.wait_for(THRESHOLD) == [-31.5]
        assert host.rack is not None and host.rack.chains[1][0].threshold_db == -31.5
        with urllib.request.urlopen(f"http://{server.host}:{server.port}{THRESHOLD}", timeout=PATIENCE_S) as answer:
            described = json.load(answer)
        assert described["TYPE"] == "f" and described["VALUE"] == [-31.5] and "dB" in json.dumps(described)
        peer.send("/vqss/cluster/1/fx/bypass", 1)
        wait_until(lambda: playing.surface.get("/vqss/cluster/1/fx/bypass"))
        for name, told in (("broken.json", "main[0]"), ("../drums.json", "no file"), ("absent.json", "no file")):
            address, (_, text) = next(heard for heard in peer.ask("/vqss/rack/load", name) if heard[0] == "/vqss/error")
            assert address == "/vqss/error" and told in text
        assert THRESHOLD in playing.surface
        peer.ask("/vqss/rack/load", "")
        assert THRESHOLD not in playing.surface


def test_a_separator_has_the_same_addresses() -> None:
    separator = VQSSeparator(small_bundle(), rack={2: ClusterRack.from_dict(COMPRESSOR).chains[1]})
    separator.surface.set("/vqss/cluster/2/fx/0/ratio", 9.0)
    assert separator.rack is not None and separator.rack.chains[2][0].ratio == 9.0
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 9000)).astype(np.float32)
    assert worst_dbfs(separator(audio, 44100) - audio) > -60
    separator.surface.set("/vqss/cluster/2/fx/bypass", True)
    for channels in (2, 1, 2):      # each with an engine of its own, which is told anew what is passed by
        assert worst_dbfs((separator(audio[:channels], 44100) - audio[:channels])[:, 3000:]) < -100
    separator.rack = None
    assert "/vqss/cluster/2/fx/0/ratio" not in separator.surface
