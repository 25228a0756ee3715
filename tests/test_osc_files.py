"""Files by remote control: inside their folder only, and presets by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.osc_files import file_within
from tests.osc_peers import Peer, serve
from vqss_engine.control import ControlSurface
from vqss_engine.errors import VQSSError
from vqss_engine.presets import PresetFolder

GAIN = "/vqss/cluster/2/gain"
CLIMBING = ["../secret.wav", "..", ".", "a/../../secret.wav", "link.wav", "linked/secret.wav", "missing.wav", "a", ""]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    (folder / "a").mkdir(parents=True)
    (tmp_path / "secret.wav").touch()
    for name in ("song ä.wav", "a/song.wav"):
        soundfile.write(folder / name, np.zeros((441, 2)), 44100)
    (folder / "link.wav").symlink_to(tmp_path / "secret.wav")
    (folder / "linked").symlink_to(tmp_path)
    return folder


def test_files_inside_are_found(music: Path) -> None:
    for name in ("song ä.wav", "a/song.wav", "a/../song ä.wav"):
        assert file_within(music, name).is_file()


@pytest.mark.parametrize("name", [*CLIMBING, "/etc/passwd", "x\0y", "~/x", "x" * 5000])
def test_what_leads_out_is_refused(music: Path, name: str) -> None:
    with pytest.raises(VQSSError):
        file_within(music, name)
    with pytest.raises(VQSSError):
        file_within(None, name)


def test_a_source_is_the_input_or_a_song_of_the_music_folder(music: Path) -> None:
    surface = ControlSurface()
    (music / "notes.txt").write_text("no song")
    (music / "empty.wav").touch()
    with serve(surface, music_folder=music) as server, Peer(server) as peer:
        assert peer.ask("/vqss/source", "a/song.wav") == [] and surface.get("/vqss/source") == "a/song.wav"
        for name in [*CLIMBING, str(music / ".." / "secret.wav"), "/etc/passwd", "notes.txt", "empty.wav"]:
            ((address, (about, text)),) = peer.ask("/vqss/source", name)
            assert (address, about) == ("/vqss/error", "/vqss/source")
            assert str(music.parent) in name or str(music.parent) not in text  # what was asked is told back
        assert surface.get("/vqss/source") == "a/song.wav"
        assert peer.ask("/vqss/source", "input") == [] and surface.get("/vqss/source") == "input"


def test_without_a_music_folder_there_is_only_the_input(music: Path) -> None:
    with serve(ControlSurface()) as server, Peer(server) as peer:
        assert peer.ask("/vqss/source", str(music / "song.wav"))[0][0] == "/vqss/error"
        assert peer.ask("/vqss/source", "input") == []


def test_racks_come_from_their_folder(music: Path) -> None:
    surface, loaded = ControlSurface(), []
    surface.on_action("/vqss/rack/load", lambda name, origin: loaded.append(name))
    with serve(surface, rack_folder=music) as server, Peer(server) as peer:
        assert peer.ask("/vqss/rack/load", "../secret.wav")[0][0] == "/vqss/error"
        assert peer.ask("/vqss/rack/load", "a/song.wav") == [("/vqss/rack/load", ["a/song.wav"])]
        assert peer.ask("/vqss/rack/load", "") == [("/vqss/rack/load", [""])]
    assert loaded == ["a/song.wav", ""]


def test_presets_are_saved_listed_and_loaded_by_name(tmp_path: Path) -> None:
    surface = ControlSurface()
    PresetFolder(tmp_path, surface).attach()
    with serve(surface) as server, Peer(server) as peer:
        peer.ask(GAIN, -9.0)
        assert peer.ask("/vqss/preset/save", "verse 1") == [("/vqss/preset/save", ["verse 1"])]
        peer.ask(GAIN, 3.0)
        peer.ask("/vqss/preset/save", "chorus")
        assert peer.ask("/vqss/preset/list") == [("/vqss/preset/list", ["chorus", "verse 1"])]
        peer.subscribe()
        peer.send("/vqss/preset/load", "verse 1")
        assert peer.wait_for(GAIN) == [-9.0], "who loads a preset must hear what it changed"
        assert surface.get(GAIN) == -9.0
    assert json.loads((tmp_path / "chorus.json").read_text())["clusters"]["2"]["gain"] == 3.0


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "..", "a/b", ".x", "", "x" * 200, "nul\\x"])
def test_presets_do_not_climb(tmp_path: Path, name: str) -> None:
    surface, folder = ControlSurface(), tmp_path / "presets"
    PresetFolder(folder, surface).attach()
    with serve(surface) as server, Peer(server) as peer:
        for action in ("save", "load"):
            assert peer.ask(f"/vqss/preset/{action}", name)[0][0] == "/vqss/error"
    assert not folder.exists() and not list(tmp_path.glob("*.json"))


def test_no_presets_are_listed_as_an_empty_name(tmp_path: Path) -> None:
    surface = ControlSurface()
    PresetFolder(tmp_path, surface).attach()
    with serve(surface) as server, Peer(server) as peer:
        assert peer.ask("/vqss/preset/list") == [("/vqss/preset/list", [""])]


def test_a_list_too_long_for_a_packet_is_an_error() -> None:
    surface = ControlSurface()
    surface.on_action("/vqss/preset/list", lambda origin: [f"preset {number}" * 5 for number in range(2000)])
    with serve(surface) as server, Peer(server) as peer:
        assert peer.ask("/vqss/preset/list")[0][0] == "/vqss/error"
