"""A preset saved while playing does the same to a file: faders, names, effects, and which chains are passed by."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.cli import main
from bridge.commands.options import preset_file, preset_folder
from bridge.rack_host import RackHost
from bridge.rack_presets import RackPresets
from tests.streams import small_bundle, small_engine, worst_dbfs
from tests.test_pedalboard_separator import music
from vqss_engine.presets import PresetFolder

RACK = {
    "format": 1,
    "clusters": {"1": [{"plugin": "Gain", "gain_db": -6.0}], "2": [{"plugin": "Invert"}]},
    "main": [{"plugin": "Gain", "gain_db": -12.0}],
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a song, a model, a rack, and the preset `take.json` of an engine that had all that."""
    soundfile.write(tmp_path / "song.wav", music(2, 20000).T, 44100, subtype="FLOAT")
    small_bundle().save(tmp_path / "model")
    (tmp_path / "rack.txt").write_text(json.dumps(RACK), "utf-8")
    engine = small_engine()
    host = RackHost(engine)
    host.load(tmp_path / "rack.txt")
    racks = RackPresets(host, engine.surface)
    for path, value in {"cluster/0/gain": -20.0, "cluster/3/mute": 1, "cluster/1/name": "bass", "main/gain": 6.0,
                        "cluster/2/fx/bypass": 1, "main/fx/bypass": 1}.items():  # fmt: skip
        engine.surface.set(f"/vqss/{path}", value)
    PresetFolder(tmp_path, engine.surface, racks.read, racks.write).save("take")
    return tmp_path


def separate(place: Path, name: str, *options: str) -> dict[str, np.ndarray]:
    """Stems and mixdown (2, N) by their files' names."""
    command = ["separate", str(place / "song.wav"), "-o", str(place / name), "--model", str(place / "model")]
    assert main([*command, "--clusters", "all", "--mixdown", "--json", *options]) == 0
    files = (place / name / "song").glob("*.wav")
    return {file.stem: soundfile.read(file, dtype="float32", always_2d=True)[0].T for file in files}


def test_a_preset_does_the_same_to_a_file(place: Path) -> None:
    plain, preset = separate(place, "plain"), separate(place, "preset", "--preset", str(place / "take.json"))
    half = 10 ** (-6 / 20)
    assert worst_dbfs(preset["cluster_01_bass"] - half * plain["cluster_01"]) < -100
    assert worst_dbfs(preset["cluster_02"] - plain["cluster_02"]) < -100     # its chain is passed by
    expected = 0.1 * preset["cluster_00"] + preset["cluster_01_bass"] + preset["cluster_02"]
    assert worst_dbfs(preset["mixdown"] - 10 ** (6 / 20) * expected) < -100


def test_a_preset_may_be_given_by_its_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place / "settings"))
    monkeypatch.chdir(place)
    kept = PresetFolder(preset_folder(), small_engine().surface)
    kept.save("verse 1")
    assert preset_file("verse 1") == kept.path("verse 1")
    assert preset_file("none") == Path("none") and preset_file("model/verse 1") == Path("model/verse 1")
    (place / "verse 1").write_text("here")
    assert preset_file("verse 1") == Path("verse 1")


def test_set_and_rack_go_first(place: Path) -> None:
    (place / "none.txt").write_text('{"format": 1}', "utf-8")
    options = ("--preset", str(place / "take.json"), "--rack", str(place / "none.txt"), "--set", "main/gain=0")
    plain, changed = separate(place, "plain"), separate(place, "changed", *options)
    expected = 0.1 * plain["cluster_00"] + plain["cluster_01"] + plain["cluster_02"]
    assert worst_dbfs(changed["mixdown"] - expected) < -100


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": 9}, "format 1"),
        ({"clusters": {"99": {}}}, "no cluster '99'"),
        ({"rack": {"format": 1, "main": [{"plugin": "Nothing"}]}}, "main[0]"),
    ],
)
def test_a_preset_that_does_not_fit_is_one_line(
    place: Path, change: dict[str, object], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = json.loads((place / "take.json").read_text("utf-8")) | change
    (place / "bad.json").write_text(json.dumps(preset), "utf-8")
    command = ["separate", str(place / "song.wav"), "-o", str(place / "out"), "--model", str(place / "model")]
    assert main([*command, "--preset", str(place / "bad.json")]) == 1
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1
    assert not (place / "out" / "song").exists()
