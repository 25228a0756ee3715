"""Devices of all kinds, as JACK servers: any rate, any length of blocks, one input or two, few outputs or many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.hop_times import HopTimes
from bridge.live_device import DeviceChoice, Layout, open_device
from bridge.live_session import LiveSession, SessionOptions
from bridge.live_source import SongPlayer
from bridge.live_stream import LiveStream
from tests.jack_server import JackServer
from tests.live_runs import aligned, heard, song_file
from tests.streams import CLUSTERS, largest_step, small_engine
from vqss_engine.errors import UsageError

pytestmark = pytest.mark.jack

NAMES = ["bass", "", "Große Trommel", "voice"]


def reached(server: JackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients of this process find that server."""
    for name in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER", "JACK_NO_AUDIO_RESERVATION"):
        monkeypatch.setenv(name, server.environment[name])


def sweep(rate_hz: int, seconds: float) -> np.ndarray:
    """(2, N): a tone that rises and comes and goes."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = 0.3 * np.sin(2 * np.pi * (200.0 + 1000.0 * time) * time) * np.hanning(time.size)
    return np.stack([tone, -tone]).astype(np.float32)


@pytest.mark.parametrize(
    ("rate_hz", "block", "inputs"),
    [(44_100, 16, 2), (44_100, 8192, 2), (48_000, 64, 1), (32_000, 1024, 2), (96_000, 2048, 2), (192_000, 512, 1)],
)
def test_any_rate_and_block_is_served_at_the_latency_declared(
    rate_hz: int, block: int, inputs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = sweep(rate_hz, 0.4)[:inputs]
    with JackServer(block=block, rate_hz=rate_hz) as server:
        reached(server, monkeypatch)
        engine = small_engine(channels=inputs)
        engine.warm_up()
        device = open_device(DeviceChoice("jack", "jack"), NAMES, Layout(channels=inputs))
        options = SessionOptions(song_file(tmp_path, signal, rate_hz), tmp_path, tmp_path / "take.wav", 60.0, False)
        begun, hops = engine.telemetry.hops, round(0.9 * 44_100) // engine.hop

        def tick() -> None:
            if engine.telemetry.hops > begun + hops:    # however slow this machine is
                session.stop()

        session = LiveSession(engine, device, lambda hung: device, options, tick)
        report = session.run()
    assert (report["sample_rate"], report["block"]) == (rate_hz, block)
    latency = report["latency_ms"]
    frames = round((latency["total"] - latency["device"]) * rate_hz / 1000.0)
    out = aligned(heard(tmp_path / "take.wav"), frames, signal.shape[1])
    # Late hops are allowed here: what is heard then is the same. Another rate parts it from separated sound by up to
    # half a frame; while that fades after one took over from the other, it may come on top of the half that is there.
    frames_apart = 1.1 if report["dry_frames"] else 0.6
    allowed = 1e-5 if rate_hz in (44_100, 48_000) else frames_apart * largest_step(signal)
    assert out.shape[1] == signal.shape[1]
    assert np.abs(out - signal).max() < allowed


def test_ports_carry_the_names_of_the_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    with JackServer() as server:
        reached(server, monkeypatch)
        device = open_device(DeviceChoice("jack", "jack", multi=True, clusters=(2, 1)), NAMES, Layout())
        ports = [name for name in server.tool("jack_lsp").split() if name.startswith("vqss:")]
        said = server.tool("jack_property", "-l")
        device.close()
    sides = [f"vqss:{port}_{side}" for port in ("in", "main", "cluster_02", "cluster_01") for side in "LR"]
    assert ports == sides
    for pretty in ("input L", "main R", "Große Trommel L", "Große Trommel R", "cluster 1 L"):
        assert pretty in said, said


def test_a_single_microphone_is_heard_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    with JackServer(inputs=1) as server:
        reached(server, monkeypatch)
        engine = small_engine()
        song = SongPlayer(engine.telemetry.report, lambda: None)
        stream = LiveStream(open_device(DeviceChoice("jack", "jack"), NAMES, Layout()), engine, HopTimes(), song)
        stream.start()
        joined = server.tool("jack_lsp", "-c", "system:capture_1").split()
        stream.close()
        song.close()
    assert joined == ["system:capture_1", "vqss:in_L", "vqss:in_R"]


def test_starting_and_stopping_leaves_nothing_in_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    with JackServer(block=64) as server:
        reached(server, monkeypatch)
        engine = small_engine()
        song = SongPlayer(engine.telemetry.report, lambda: None)
        for _ in range(10):
            device = open_device(DeviceChoice("jack", "jack"), NAMES, Layout())
            stream = LiveStream(device, engine, HopTimes(), song)
            stream.start()
            stream.close()
            assert not device.hung
        song.close()
        assert "vqss" not in server.tool("jack_lsp")


@pytest.mark.parametrize("clusters", [(), (3,), (2, 0), None])
def test_the_outputs_are_the_clusters_asked_for(clusters: tuple[int, ...] | None, tmp_path: Path) -> None:
    engine = small_engine(multi=True)
    engine.warm_up()
    signal = sweep(44_100, 0.3)
    choice = DeviceChoice("none", "none", multi=True, seconds=0.6, free=True, clusters=clusters)
    device = open_device(choice, NAMES, Layout())
    record = tmp_path / "take.wav"
    options = SessionOptions(song_file(tmp_path, signal), tmp_path, record, None, False, clusters=clusters)
    LiveSession(engine, device, lambda hung: device, options).run()
    chosen = range(CLUSTERS) if clusters is None else clusters
    assert sorted(tmp_path.glob("take_*")) == sorted(tmp_path / f"take_cluster_{k:02d}.wav" for k in chosen)
    if clusters is None:
        parts = [heard(path) for path in tmp_path.glob("take_*")]
        assert np.abs(np.sum(parts, axis=0) - heard(record)).max() < 1e-5


def test_a_cluster_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="no cluster 4"):
        open_device(DeviceChoice("none", "none", multi=True, clusters=(1, 4)), NAMES, Layout())
