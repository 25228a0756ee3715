"""A VST3 on a cluster, live through a JACK server, sounds as it does on a file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.jack_library import jack_library, open_client
from bridge.live_device import DeviceChoice, Layout, open_again, open_device, settled
from bridge.live_session import LiveSession, SessionOptions
from bridge.pedalboard_bridge import ClusterRack, RackHost, VQSSeparator
from tests.jack_server import JackServer
from tests.streams import noise, small_bundle, small_engine, worst_dbfs

RACK = {"format": 1, "clusters": {"1": [{"vst3": "ZamCompX2.vst3", "parameters": {"threshold_db": -40, "ratio": 10}}]}}
PLUGIN = Path("/usr/lib/vst3/ZamCompX2.vst3")
pytestmark = [
    pytest.mark.jack,
    pytest.mark.skipif(not PLUGIN.exists(), reason="zam-plugins are not installed"),
    pytest.mark.timeout(400),
]


@pytest.fixture
def jack_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of our own, which this process takes for the only one."""
    with JackServer() as server:
        for name in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER"):
            monkeypatch.setenv(name, server.environment[name])
        yield


@pytest.mark.usefixtures("jack_server")
def test_live_over_jack_equals_the_file(tmp_path: Path) -> None:
    engine = small_engine()
    signal = noise(engine, 500, level=0.3)
    soundfile.write(tmp_path / "song.wav", signal.T, 44100, subtype="FLOAT")
    host = RackHost(engine)
    host.install(ClusterRack.from_dict(RACK))
    engine.warm_up()
    choice = settled(DeviceChoice("none", "jack"))
    device = open_device(choice, [""] * 4, Layout())
    wheel, ticks, hops = open_client("freewheel"), itertools.count(), []

    def tick() -> None:
        """First let the server run free of the clock, then play, and stop when all was heard."""
        number = next(ticks)
        if number == 2:
            assert jack_library().jack_set_freewheel(wheel, 1) == 0
        elif number == 10:
            hops.append(engine.telemetry.hops)
            engine.surface.set("/vqss/source", "song.wav")
            engine.surface.set("/vqss/transport/play", True)
        elif hops and engine.telemetry.hops > hops[0] + 800:
            session.stop()

    options = SessionOptions(None, tmp_path, tmp_path / "live.wav", seconds=60.0, status=False)
    session = LiveSession(engine, device, lambda hung: open_again(choice, [""] * 4, Layout(), hung), options, tick)
    session.run()
    jack_library().jack_client_close(wheel)
    live = soundfile.read(tmp_path / "live.wav", dtype="float32", always_2d=True)[0].T
    expected = VQSSeparator(small_bundle(), rack=RACK)(signal, 44100)
    assert worst_dbfs(expected - signal) > -40
    # The song begins at some sample of the recording, which a second of it tells.
    part = expected[0, 40000:84100]
    length = 1 << int(live.shape[1] + 44100).bit_length()
    match = np.fft.irfft(np.fft.rfft(live[0], length) * np.conj(np.fft.rfft(part, length)))
    start = int(np.argmax(match)) - 40000
    heard = live[:, start : start + signal.shape[1]]
    # Live the model has heard silence before, which takes it some tenths of a second to forget.
    assert worst_dbfs((heard - expected)[:, 44100 : signal.shape[1] - 4000]) < -100
    assert engine.surface.levels().error_count == 0
