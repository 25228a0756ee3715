"""Rack files: what is in them is built, and what is wrong with them is one error naming the entry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pedalboard import Gain

from bridge.fx_parameters import settings_of
from bridge.pedalboard_bridge import ClusterRack
from bridge.rack_file import RackError, native_classes
from vqss_engine.errors import VQSSError


def rack_of(*entries: object) -> dict[str, object]:
    return {"format": 1, "clusters": {"3": list(entries)}}


def write(folder: Path, data: object) -> Path:
    path = folder / "rack.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_a_rack_file_builds_its_plugins(tmp_path: Path) -> None:
    data = {
        "format": 1,
        "clusters": {
            "3": [{"plugin": "Compressor", "threshold_db": -20, "ratio": 4},
                  {"plugin": "LadderFilter", "mode": "HPF24"}],
            "11": [],
        },
        "main": [{"plugin": "BrickwallLimiter", "ceiling_db": -1}],
    }  # fmt: skip
    rack = ClusterRack.load(write(tmp_path, data))
    compressor, ladder = rack.chains[3]
    assert (compressor.threshold_db, compressor.ratio, ladder.mode.name) == (-20.0, 4.0, "HPF24")
    built = rack.build(44100, 2, 256, 16)
    assert set(built.inserts) == {3, "main"}
    assert [(each.entry, each.plugin, each.latency_samples) for each in built.latencies] == [
        ("clusters.3[0]", "Compressor", 0), ("clusters.3[1]", "LadderFilter", 0), ("main[0]", "BrickwallLimiter", 220)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"plugin": "Compresor"}, "unknown plugin 'Compresor'"),
        ({"plugin": "Pedalboard"}, "unknown plugin"),
        ({"plugin": "Compressor", "treshold_db": -20}, "no argument 'treshold_db'"),
        ({"plugin": "Compressor", "ratio": 0.5}, "ratio is 0.5; give a number from 1"),
        ({"plugin": "Compressor", "ratio": "hard"}, "refuses"),
    ({"plugin": "Compressor", "ratio": 10**400}, "ratio is far outside; give a number from 1 to 1000"),
        ({"plugin": "HighpassFilter", "cutoff_frequency_hz": -5}, "cutoff_frequency_hz is -5"),
        ({"plugin": "LadderFilter", "mode": "LPF13"}, "unknown mode"),
        ({"plugin": "Convolution", "impulse_response_filename": "hall.wav"}, "no file"),
        ({"plugin": "PitchShift", "semitones": 2}, "loses the signal"),
        ({"plugin": "GSMFullRateCompressor"}, "loses the signal"),
        ({"vst3": "~nobody-of-this-name/X.vst3"}, "no plug-in"),
        ({"vst3": "absent.vst3"}, "no plug-in 'absent.vst3'"),
        ({"vst3": __file__}, "cannot load"),
        ({"vst3": "a.vst3", "parameters": [1]}, "parameters is not an object"),
        ({"vst3": "a.vst3", "threshold": 1}, "unknown key 'threshold'"),
        ({"plugin": 3}, "give {"),
        ({"plugin": "Gain", "vst3": "a.vst3"}, "give {"),
        ("Gain", "give {"),
    ],
)
def test_a_wrong_entry_is_named(entry: object, told: str) -> None:
    with pytest.raises(RackError) as caught:
        ClusterRack.from_dict(rack_of({"plugin": "Gain"}, entry)).build(44100, 2, 256, 16)
    assert "clusters.3[1]" in str(caught.value) and told in str(caught.value)
    assert "\n" not in str(caught.value) and ";" in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        "", "[]", "{", '{"format": 2}', '{"format": true}', '{"format": 1, "main": {}}', '{"format": 1, "mian": []}',
        '{"format": 1, "clusters": {"x": []}}', '{"format": 1, "clusters": {"-1": []}}',
        '{"format": 1, "clusters": []}',
        '{"format": 1, "clusters": {"1": [], "1": []}}', '{"format": 1, "main": [{"plugin": "Gain", "gain_db": NaN}]}',
        "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_rack_is_one_error(data: str, tmp_path: Path) -> None:
    with pytest.raises(VQSSError) as caught:
        ClusterRack.load(write(tmp_path, data))
    assert "rack.json" in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_or_binary_file_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(bytes(range(256)))
    for name in ("absent.json", "binary.json", "."):
        with pytest.raises(VQSSError, match="cannot read"):
            ClusterRack.load(tmp_path / name)


def test_a_cluster_the_model_lacks_and_a_plugin_used_twice_are_errors() -> None:
    with pytest.raises(RackError, match=r"clusters\.3\[0\].*no cluster 3"):
        ClusterRack.from_dict(rack_of({"plugin": "Gain"})).build(44100, 2, 256, 3)
    gain = Gain()
    with pytest.raises(RackError, match=r"clusters\.1\[0\].*clusters\.0\[0\]"):
        ClusterRack({0: [gain], 1: [gain]})


@pytest.mark.parametrize("name", sorted(native_classes()))
def test_the_ranges_of_settings_are_those_that_plugins_take(name: str) -> None:
    try:
        plugin = native_classes()[name]()
    except TypeError:
        pytest.skip("it cannot be made without arguments")
    for setting in settings_of(plugin, "/fx/0", name):
        argument = setting.parameter.arguments[0]
        if argument.kind == "float":
            for value in (argument.minimum, argument.maximum):
                setting.apply(value)
                assert getattr(plugin, setting.attribute) == pytest.approx(value, rel=1e-3, abs=1e-3)


def test_a_filter_above_half_the_rate_is_refused() -> None:
    """It would not be stable, and a stem would be a burst of enormous samples."""
    rack = ClusterRack.from_dict(rack_of({"plugin": "LowpassFilter", "cutoff_frequency_hz": 12000}))
    rack.build(44100, 2, 256, 16)
    with pytest.raises(VQSSError, match="unstable at 22050 Hz"):
        rack.build(22050, 2, 256, 16)
