"""Effects are tuned to the rate of the samples they are given: a filter's corner lies where it was put, at any rate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.cli import main
from bridge.files import FileJob, separate_file
from bridge.pedalboard_bridge import ClusterRack, RackHost
from bridge.rack_file import parse_rack
from tests.jack_server import JackServer, LiveProcess, tape
from tests.streams import run, small_bundle, small_engine, worst_dbfs

CORNER_HZ, LENGTH, START, TAIL = 1000.0, 40000, 12000, 8192
LOWPASS = {"plugin": "LowpassFilter", "cutoff_frequency_hz": CORNER_HZ}
RACK = {"format": 1, "clusters": {str(k): [LOWPASS] for k in range(4)}}
"""The same filter on all clusters: whatever the model makes of an impulse, the sum of them is filtered once."""


def impulse() -> np.ndarray:
    signal = np.zeros((2, LENGTH), np.float32)
    signal[:, START] = 0.5
    return signal


def response(heard: np.ndarray) -> np.ndarray:
    """What follows the impulse, (TAIL,)."""
    start = int(np.argmax(np.abs(heard[0]) > 0.005))
    return heard[0, start : start + TAIL]


def corner_hz(heard: np.ndarray, rate: float) -> float:
    """Where the response has fallen by 3 dB from 50 Hz."""
    spectrum = np.abs(np.fft.rfft(response(heard), 16 * TAIL))
    frequencies = np.fft.rfftfreq(16 * TAIL, 1.0 / rate)
    reference = spectrum[np.searchsorted(frequencies, 50.0)]
    return float(frequencies[np.argmax(spectrum < reference * 10 ** (-3.01 / 20))])


def on_file(folder: Path, rate: int) -> np.ndarray:
    soundfile.write(folder / "impulse.wav", impulse().T, rate, subtype="FLOAT")
    job = FileJob(clusters=(0,), mixdown=True, rack=parse_rack(RACK))
    done = separate_file(folder / "impulse.wav", folder / "out", small_bundle(), job)
    return soundfile.read(done.folder / "mixdown.wav", dtype="float32", always_2d=True)[0].T


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model and the rack."""
    folder = tmp_path_factory.mktemp("files")
    small_bundle().save(folder / "small")
    (folder / "rack.json").write_text(json.dumps(RACK))
    return folder


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_live_and_on_a_file_the_corner_is_where_it_was_put(tmp_path: Path, files: Path, rate: int) -> None:
    filtered = on_file(tmp_path, rate)
    command = ["live", "--input", "none", "--output", "none", "--freewheel", "--seconds", "1", "--osc", "none",
               "--samplerate", rate, "--model", files / "small", "--rack", files / "rack.json", "--json",
               "--source", tmp_path / "impulse.wav", "--record", tmp_path / "live.wav"]  # fmt: skip
    assert main(list(map(str, command))) == 0
    live = soundfile.read(tmp_path / "live.wav", dtype="float32", always_2d=True)[0].T
    for heard in (filtered, live):
        assert corner_hz(heard, rate) == pytest.approx(CORNER_HZ, rel=0.01 if rate < 96000 else 0.03)
    if rate < 96000:  # where nothing is resampled on the way
        assert worst_dbfs(response(live) - response(filtered)) < -100


@pytest.mark.jack
@pytest.mark.timeout(400)
def test_over_jack_at_48_khz_as_on_a_file(tmp_path: Path, files: Path) -> None:
    options = ("--model", str(files / "small"), "--rack", str(files / "rack.json"))
    with JackServer(rate_hz=48000) as server, LiveProcess(server, *options) as live:
        live.wait_for("running")
        heard = tape(server, tmp_path, impulse(), ["vqss:in_L", "vqss:in_R"], ["vqss:main_L", "vqss:main_R"])[:2]
        assert live.end()[0] == 0
    assert corner_hz(heard, 48000) == pytest.approx(CORNER_HZ, rel=0.01)
    assert worst_dbfs(response(heard) - response(on_file(tmp_path, 48000))) < -100


def test_a_rack_follows_a_device_that_comes_back_at_another_rate() -> None:
    engine = small_engine(insert_deadline_s=1.0)
    host = RackHost(engine)
    host.install(ClusterRack.from_dict(RACK))
    engine.surface.set("/vqss/cluster/0/fx/0/cutoff_frequency_hz", CORNER_HZ / 2)
    engine.surface.set("/vqss/cluster/1/fx/bypass", True)
    host.run_at(48000.0)
    assert engine.insert_deadline.seconds == engine.hop / 48000
    engine.insert_deadline.waived = True  # a test is in no hurry
    assert engine.surface.get("/vqss/cluster/0/fx/0/cutoff_frequency_hz") == CORNER_HZ / 2
    assert host.rack is not None and host.rack.chains[0][0].cutoff_frequency_hz == CORNER_HZ / 2
    engine.surface.set_many({f"/vqss/cluster/{k}/fx/0/cutoff_frequency_hz": CORNER_HZ for k in range(4)})
    engine.surface.set("/vqss/cluster/1/fx/bypass", False)
    signal = impulse()[:, : LENGTH // engine.hop * engine.hop]
    assert corner_hz(run(engine, signal), 48000) == pytest.approx(CORNER_HZ, rel=0.01)
    engine.surface.set_many({f"/vqss/cluster/{k}/fx/bypass": True for k in range(4)})
    host.run_at(44100.0)
    out = run(engine, signal)
    late = engine.latency_samples
    assert worst_dbfs(out[:, late:] - signal[:, :-late]) < -100
