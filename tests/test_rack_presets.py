"""A preset holds the rack that is heard, with the values its effects have, and brings it back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.rack_host import RackHost
from bridge.rack_presets import RackPresets
from tests.streams import small_engine
from vqss_engine.engine import Engine
from vqss_engine.errors import VQSSError
from vqss_engine.presets import PresetFolder

THRESHOLD = "/vqss/cluster/1/fx/0/threshold_db"
RACK = {
    "format": 1,
    "clusters": {"1": [{"plugin": "Compressor", "threshold_db": -20, "ratio": 4}]},
    "main": [{"plugin": "Gain", "gain_db": -3}],
}


def presets(folder: Path) -> tuple[Engine, RackHost, PresetFolder]:
    """An engine with presets in `folder`, as live has them."""
    engine = small_engine()
    host = RackHost(engine)
    rack = RackPresets(host, engine.surface)
    return engine, host, PresetFolder(folder, engine.surface, rack.read, rack.write)


def saved(folder: Path) -> None:
    """A preset `wet` with a rack that was changed by hand, and `dry` without any."""
    engine, host, store = presets(folder)
    store.save("dry")
    (folder / "rack.txt").write_text(json.dumps(RACK), "utf-8")
    host.load(folder / "rack.txt")
    engine.surface.set(THRESHOLD, -33.0)
    store.save("wet")


def test_the_effects_come_back_with_their_values(tmp_path: Path) -> None:
    saved(tmp_path)
    engine, host, store = presets(tmp_path)
    store.load("wet")
    assert engine.surface.get(THRESHOLD) == -33.0
    assert engine.surface.get("/vqss/main/fx/0/gain_db") == -3.0
    assert host.rack is not None and host.rack.chains[1][0].ratio == 4.0
    same = host.rack
    engine.surface.set("/vqss/main/gain", -9.0)
    store.load("wet")
    assert host.rack is same, "effects that are heard already go on as they are"
    store.load("dry")
    assert host.rack is None and THRESHOLD not in engine.surface


def test_a_rack_that_does_not_work_changes_nothing(tmp_path: Path) -> None:
    saved(tmp_path)
    preset = json.loads((tmp_path / "wet.json").read_text("utf-8"))
    preset["rack"]["clusters"]["1"][0]["plugin"] = "Nothing"
    preset["main"]["gain"] = -30.0
    (tmp_path / "bad.json").write_text(json.dumps(preset), "utf-8")
    engine, host, store = presets(tmp_path)
    with pytest.raises(VQSSError, match=r"clusters\.1\[0\]"):
        store.load("bad")
    assert engine.surface.get("/vqss/main/gain") == 0.0 and host.rack is None


def test_a_chain_that_was_passed_by_is_passed_by_again(tmp_path: Path) -> None:
    saved(tmp_path)
    engine, _, store = presets(tmp_path)
    store.load("wet")
    bypass = "/vqss/cluster/1/fx/bypass"
    engine.surface.set(bypass, True)
    store.save("half")
    assert json.loads((tmp_path / "half.json").read_text("utf-8"))["rack"]["bypass"] == ["1"]
    store.load("wet")
    assert engine.surface.get(bypass) is False
    store.load("half")
    assert engine.surface.get(bypass) is True and engine.surface.get("/vqss/main/fx/bypass") is False
    other, _, store = presets(tmp_path)
    store.load("half")
    assert other.surface.get(bypass) is True and other.surface.get(THRESHOLD) == -33.0


@pytest.mark.parametrize("bypass", ["1", {"1": True}, [1]])
def test_a_bypass_that_is_no_list_of_chains_changes_nothing(tmp_path: Path, bypass: object) -> None:
    saved(tmp_path)
    preset = json.loads((tmp_path / "wet.json").read_text("utf-8"))
    preset["rack"]["bypass"] = bypass
    (tmp_path / "bad.json").write_text(json.dumps(preset), "utf-8")
    _, host, store = presets(tmp_path)
    with pytest.raises(VQSSError, match="bypass"):
        store.load("bad")
    assert host.rack is None
