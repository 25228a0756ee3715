"""Presets: what was saved comes back, what is damaged is one clear error, and names never leave the folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vqss_engine import presets
from vqss_engine.control import ControlSurface
from vqss_engine.errors import VQSSError


@pytest.fixture
def surface() -> ControlSurface:
    surface = ControlSurface(4)
    surface.set_many(
        {
            "/vqss/cluster/1/gain": -6.5,
            "/vqss/cluster/1/mute": 1,
            "/vqss/cluster/2/name": "Gesang ♪",
            "/vqss/cluster/2/color": "#a0b0c0",
            "/vqss/cluster/3/group": 2,
            "/vqss/cluster/0/pan": -0.5,
            "/vqss/main/gain": -3.0,
        }
    )
    return surface


def test_what_was_saved_comes_back_at_once(surface: ControlSurface, tmp_path: Path) -> None:
    racks: list[object] = []
    folder = presets.PresetFolder(tmp_path, surface, lambda: {"format": 1, "main": []}, racks.append)
    folder.attach()
    assert surface.act("/vqss/preset/save", "Bühne 1.b") == "Bühne 1.b"
    assert surface.act("/vqss/preset/list") == ["Bühne 1.b"]
    saved, fresh = surface.values(), ControlSurface(4)
    states = []
    fresh.subscribe(lambda path, value, origin: states.append((fresh.state, origin)))
    presets.PresetFolder(tmp_path, fresh, None, racks.append).load("Bühne 1.b", origin="osc")
    assert fresh.values() == saved and racks == [{"format": 1, "main": []}]
    assert all(entry == (fresh.state, "osc") for entry in states)


def test_the_file_is_for_people(surface: ControlSurface, tmp_path: Path) -> None:
    presets.PresetFolder(tmp_path, surface).save("a")
    content = json.loads((tmp_path / "a.json").read_text())
    assert list(content) == ["format", "name", "clusters", "main"]
    assert content["clusters"]["1"]["gain"] == -6.5 and content["clusters"]["1"]["mute"] is True
    assert content["main"] == {"gain": -3.0, "mute": False, "limiter": False}
    assert "Gesang ♪" in (tmp_path / "a.json").read_text()


def test_what_a_preset_leaves_out_stays(surface: ControlSurface) -> None:
    before = surface.values()
    presets.apply(surface, {"format": 1, "clusters": {"0": {"gain": -1}}})
    changed = {path for path, value in surface.values().items() if before[path] != value}
    assert changed == {"/vqss/cluster/0/gain", "/vqss/cluster/0/fader"}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "no preset"),
        ("[1]", "no preset"),
        ("{}", "format 1"),
        ('{"format": 2}', "format 1"),
        ('{"format": 1, "clusters": []}', "clusters"),
        ('{"format": 1, "clusters": {"4": {}}}', "'4'"),
        ('{"format": 1, "clusters": {"01": {}}}', "'01'"),
        ('{"format": 1, "clusters": {"0": 3}}', "/vqss/cluster/0"),
        ('{"format": 1, "clusters": {"0": {"volume": 3}}}', "'volume'"),
        ('{"format": 1, "clusters": {"0": {"gain": 13}}}', "/vqss/cluster/0/gain"),
        ('{"format": 1, "clusters": {"0": {"gain": NaN}}}', "NaN"),
        ('{"format": 1, "main": {"mute": "yes"}}', "/vqss/main/mute"),
        ('{"format": 1, "extra": 1}', "'extra'"),
        ("[" * 100_000, "no preset"),
        ("\x00\xff", "no preset"),
    ],
)
def test_damage_is_one_error_and_changes_nothing(
    surface: ControlSurface, tmp_path: Path, content: str, named: str
) -> None:
    (tmp_path / "bad.json").write_bytes(content.encode("latin-1"))
    before = surface.values()
    with pytest.raises(VQSSError) as error:
        presets.PresetFolder(tmp_path, surface).load("bad")
    assert named in str(error.value) and "\n" not in str(error.value)
    assert surface.values() == before


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/etc/passwd", "a\\b", "C:a", ".a", "a\0", "x" * 65])
def test_names_never_leave_the_folder(surface: ControlSurface, tmp_path: Path, name: str) -> None:
    folder = presets.PresetFolder(tmp_path / "presets", surface)
    for use in (folder.load, folder.save):
        with pytest.raises(VQSSError):
            use(name)
    assert not list(tmp_path.rglob("*.json"))


def test_a_preset_that_cannot_be_written_leaves_the_old_one(surface: ControlSurface, tmp_path: Path) -> None:
    folder = presets.PresetFolder(tmp_path, surface)
    folder.save("a")
    old = (tmp_path / "a.json").read_bytes()
    with pytest.raises(ValueError):
        presets.write_preset(folder.path("a"), {"format": 1, "main": {"gain": float("nan")}})
    (tmp_path / "taken.json").mkdir()
    with pytest.raises(VQSSError):
        folder.save("taken")
    assert (tmp_path / "a.json").read_bytes() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "taken.json"]


def test_a_preset_whose_writing_is_interrupted_leaves_nothing_behind(
    surface: ControlSurface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        presets.PresetFolder(tmp_path, surface).save("a")
    assert not list(tmp_path.iterdir())


def test_a_missing_preset_says_so(surface: ControlSurface, tmp_path: Path) -> None:
    with pytest.raises(VQSSError, match="none"):
        presets.PresetFolder(tmp_path, surface).load("none")


def test_a_rack_that_fails_leaves_the_mixer(surface: ControlSurface, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"format": 1, "main": {"gain": -9}, "rack": {"format": 1}}')

    def refuse(rack: object) -> None:
        raise VQSSError("no such plugin; install it")

    with pytest.raises(VQSSError, match="plugin"):
        presets.PresetFolder(tmp_path, surface, None, refuse).load("r")
    assert surface.get("/vqss/main/gain") == -3.0
