"""Real VST3 plug-ins (Debian's zam-plugins) on clusters: live and on files alike, aligned, and open to control."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.files import FileJob, separate_file
from bridge.pedalboard_bridge import ClusterRack, PluginChain, RackHost, VQSSeparator
from bridge.rack_file import RackError, parse_rack
from tests.osc_peers import PATIENCE_S
from tests.streams import delayed, noise, run, small_bundle, small_engine, worst_dbfs
from tests.test_pedalboard_separator import music, streamed

PLUGINS = Path("/usr/lib/vst3")
pytestmark = pytest.mark.skipif(
    not (PLUGINS / "ZaMaximX2.vst3").exists(), reason="zam-plugins are not installed; apt-get install zam-plugins"
)
SQUASH = {"vst3": "ZamCompX2.vst3", "parameters": {"threshold_db": -40.0, "ratio": 10.0}}


def rack(**chains: list[dict[str, object]]) -> dict[str, object]:
    main = chains.pop("main", [])
    return {"format": 1, "clusters": {name.removeprefix("c"): chain for name, chain in chains.items()}, "main": main}


def test_latency_is_measured_and_clusters_stay_aligned() -> None:
    built = ClusterRack.from_dict(rack(c1=[{"vst3": "ZaMaximX2.vst3"}])).build(44100, 2, 256, 4)
    assert [(each.plugin, each.latency_samples) for each in built.latencies] == [("ZaMaximX2", 480)]
    engine = small_engine()
    engine.set_inserts(built.inserts, at_once=True)
    impulse = np.zeros((2, 60 * engine.hop), np.float32)
    impulse[:, 9000] = 0.25
    assert worst_dbfs(run(engine, impulse) - delayed(impulse, 256 + 480)) < -100


def test_live_on_a_file_and_in_python_it_sounds_the_same(tmp_path: Path) -> None:
    data = rack(c1=[SQUASH, {"vst3": "ZaMaximX2.vst3"}], main=[{"vst3": "ZamCompX2.vst3"}])
    engine = small_engine()
    signal = noise(engine, 170, level=0.3)
    soundfile.write(tmp_path / "song.wav", signal.T, 44100, subtype="FLOAT")
    job = FileJob(clusters=(1,), mixdown=True, rack=parse_rack(data))
    separate_file(tmp_path / "song.wav", tmp_path / "out", small_bundle(), job)
    on_file = soundfile.read(tmp_path / "out" / "mixdown.wav", dtype="float32", always_2d=True)[0].T
    host = RackHost(engine)
    host.install(ClusterRack.from_dict(data))
    engine.reset()
    live = run(engine, signal)
    late = engine.latency_samples
    in_python = VQSSeparator(small_bundle(), rack=data)(signal, 44100)
    assert worst_dbfs(on_file - signal) > -40
    assert worst_dbfs(live[:, late:] - in_python[:, :-late]) < -100
    # The live engine also gives the effects what a stem rings before a song's first sample; a file begins there.
    assert worst_dbfs((on_file - in_python)[:, 4410:]) < -100


def test_loading_one_leaves_the_numbers_of_this_thread_alone() -> None:
    """This plug-in lets everything below 1e-38 be zero from then on, in whatever thread it is loaded."""
    ClusterRack.from_dict(rack(c1=[SQUASH])).build(44100, 2, 256, 4)
    assert np.full(64, 1e-40, np.float32).any() and (np.full(64, 1e-40, np.float32) * np.float32(0.5)).all()


def test_a_vst3_with_a_thread_of_its_own_gives_the_same() -> None:
    data, signal = rack(c1=[SQUASH]), noise(small_engine(), 60, level=0.3)
    outs = []
    for deadline_s in (None, 5.0):
        engine = small_engine(insert_deadline_s=deadline_s)
        inserts = ClusterRack.from_dict(data).build(44100, 2, engine.hop, 4, engine.insert_deadline).inserts
        engine.set_inserts(inserts, at_once=True)
        outs.append(run(engine, signal))
    assert np.array_equal(*outs)


def test_its_parameters_have_range_and_unit_and_act() -> None:
    engine = small_engine()
    loaded = ClusterRack.from_dict(rack(c2=[SQUASH]))
    RackHost(engine).install(loaded)
    parameter = engine.surface.parameter("/vqss/cluster/2/fx/0/threshold_db")
    assert (parameter.minimum, parameter.maximum, parameter.unit) == (-80.0, 0.0, "dB")
    assert parameter.default == pytest.approx(-40.0, abs=0.1)
    engine.surface.set(parameter.path, -10.0)
    assert loaded.chains[2][0].threshold_db == pytest.approx(-10.0, abs=0.1)
    assert "one of" in engine.surface.parameter("/vqss/cluster/2/fx/0/current_program").range_text


def test_a_load_from_another_thread_is_done_on_the_main_one(tmp_path: Path) -> None:
    import json

    (tmp_path / "rack.json").write_text(json.dumps(rack(c2=[SQUASH])))
    engine = small_engine()
    host = RackHost(engine, tmp_path)
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(engine.surface.act("/vqss/rack/load", "rack.json")))
    thread.start()
    give_up = time.monotonic() + PATIENCE_S
    while thread.is_alive() and time.monotonic() < give_up:
        host.poll()
        time.sleep(0.01)
    thread.join(PATIENCE_S)
    assert answers == ["rack.json"] and "/vqss/cluster/2/fx/0/ratio" in engine.surface


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"vst3": "ZamComp.vst3"}, "2-channel"),
        ({"vst3": "ZamCompX2.vst3", "parameters": {"threshold_db": 5}}, "threshold_db"),
        ({"vst3": "ZamCompX2.vst3", "parameters": {"treshold_db": 0}}, "no parameter 'treshold_db'"),
    ],
)
def test_what_does_not_fit_is_named(entry: dict[str, object], told: str) -> None:
    with pytest.raises(RackError, match=r"clusters\.1\[0\]") as caught:
        ClusterRack.from_dict(rack(c1=[entry])).build(44100, 2, 256, 4)
    assert told in str(caught.value)


@pytest.mark.parametrize("block", [33, 4096])
def test_a_streamed_chain_with_a_vst3_equals_one_shot(block: int) -> None:
    chain = PluginChain([ClusterRack.from_dict(rack(c0=[{"vst3": "ZaMaximX2.vst3"}])).chains[0][0]])
    audio = music(2, 20000)
    assert np.abs(streamed(chain, audio, 44100, block) - chain(audio, 44100)).max() < 1e-5
