"""Presets that are deleted and renamed: whole or not at all, nothing replaced, and everybody knows what there is."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.osc_client import RemoteControl
from bridge.osc_server import OscServer
from tests.osc_peers import PATIENCE_S, Peer, serve, wait_until
from vqss_engine.control import ControlSurface
from vqss_engine.errors import VQSSError
from vqss_engine.presets import PresetFolder

LIST, DELETE, RENAME = "/vqss/preset/list", "/vqss/preset/delete", "/vqss/preset/rename"


@pytest.fixture
def surface(tmp_path: Path) -> ControlSurface:
    """With two presets."""
    surface = ControlSurface(3)
    folder = PresetFolder(tmp_path, surface)
    folder.attach()
    folder.save("Bühne 1.b")
    surface.set("/vqss/main/gain", -9.0)
    folder.save("verse")
    return surface


@pytest.fixture
def server(surface: ControlSurface) -> Iterator[OscServer]:
    with serve(surface) as made:
        yield made


@pytest.fixture
def peer(server: OscServer) -> Iterator[Peer]:
    with Peer(server) as made:
        yield made


def contents(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, hidden files too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_preset_is_renamed_and_deleted_over_osc(peer: Peer, surface: ControlSurface, tmp_path: Path) -> None:
    assert peer.ask(RENAME, "verse", "Strophe ♪") == [(RENAME, ["verse", "Strophe ♪"])]
    assert peer.ask(LIST) == [(LIST, ["Bühne 1.b", "Strophe ♪"])]
    renamed = json.loads((tmp_path / "Strophe ♪.json").read_text("utf-8"))
    assert renamed["name"] == "Strophe ♪" and renamed["main"]["gain"] == -9.0
    assert peer.ask(DELETE, "Bühne 1.b") == [(DELETE, ["Bühne 1.b"])]
    assert set(contents(tmp_path)) == {"Strophe ♪.json"}
    surface.set("/vqss/main/gain", 0.0)
    peer.ask("/vqss/preset/load", "Strophe ♪")
    assert surface.get("/vqss/main/gain") == -9.0


def test_all_subscribers_are_sent_the_list_anew(server: OscServer, peer: Peer, surface: ControlSurface) -> None:
    with Peer(server) as maker:
        for listener in (peer, maker):
            listener.subscribe()
        for act, names in (
            (lambda: maker.send("/vqss/preset/save", "a"), ["a", "Bühne 1.b", "verse"]),
            (lambda: maker.send(RENAME, "a", "b"), ["b", "Bühne 1.b", "verse"]),
            (lambda: maker.send(DELETE, "b"), ["Bühne 1.b", "verse"]),
            (lambda: surface.act(DELETE, "verse"), ["Bühne 1.b"]),
            (lambda: surface.act(DELETE, "Bühne 1.b"), [""]),
        ):
            act()
            assert peer.wait_for(LIST) == names == maker.wait_for(LIST)


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ((DELETE, "none"), "there is no preset 'none'"),
        ((RENAME, "none", "other"), "there is no preset 'none'"),
        ((RENAME, "verse", "Bühne 1.b"), "there is a preset 'Bühne 1.b' already; choose another name"),
        ((RENAME, "verse", "verse"), "there is a preset 'verse' already"),
        ((RENAME, "verse", "a/b"), "'a/b' is no preset name"),
        ((RENAME, "verse", ""), "'' is no preset name"),
        ((RENAME, "../verse", "x"), "'../verse' is no preset name"),
        ((DELETE, "../verse"), "is no preset name"),
        ((DELETE, ".."), "is no preset name"),
        ((DELETE, "x" * 65), "at most 64 characters"),
        ((RENAME, "verse", "x" * 65), "at most 64 characters"),
        ((RENAME, "verse"), "text"),
        ((DELETE,), "text"),
    ],
)
def test_what_is_refused_is_one_clear_line_and_changes_nothing(
    peer: Peer, tmp_path: Path, request_: tuple[str, ...], text: str
) -> None:
    before = contents(tmp_path)
    peer.subscribe()
    ((address, (about, said)),) = peer.ask(*request_)
    assert (address, about) == ("/vqss/error", request_[0]) and text in said and "\n" not in said
    assert contents(tmp_path) == before


def test_a_damaged_preset_can_be_deleted_and_is_not_renamed(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("[")
    assert peer.ask(RENAME, "bad", "good")[0][0] == "/vqss/error"
    assert "bad.json" in contents(tmp_path) and "good.json" not in contents(tmp_path)
    assert peer.ask(DELETE, "bad") == [(DELETE, ["bad"])]
    (tmp_path / "folder.json").mkdir()
    assert "cannot delete" in peer.ask(DELETE, "folder")[0][1][1]
    assert "no preset 'folder'" in peer.ask(RENAME, "folder", "other")[0][1][1]


def test_a_link_out_of_the_folder_is_deleted_itself(tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    (tmp_path / "kept.json").write_text('{"format": 1}')
    (tmp_path / "presets" / "link.json").symlink_to(tmp_path / "kept.json")
    PresetFolder(tmp_path / "presets", ControlSurface(3)).delete("link")
    assert (tmp_path / "kept.json").exists() and not list((tmp_path / "presets").iterdir())


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["write_text", "link", "unlink"])
def test_a_renaming_that_is_interrupted_leaves_the_preset_whole(
    surface: ControlSurface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    before = (tmp_path / "verse.json").read_bytes()
    real = Path.unlink

    def fail(*arguments: object, **_: object) -> None:
        if step != "unlink" or arguments[0] == tmp_path / "verse.json":
            raise error
        real(*arguments, **_)  # type: ignore[arg-type]

    monkeypatch.setattr(os if step == "link" else Path, step, fail)
    if step == "link":
        monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(VQSSError if isinstance(error, OSError) else KeyboardInterrupt):
        surface.act(RENAME, "verse", "chorus")
    monkeypatch.undo()
    after = contents(tmp_path)
    assert after["verse.json"] == before and set(after) <= {"Bühne 1.b.json", "verse.json", "chorus.json"}
    if "chorus.json" in after:      # of an interruption only, and then it is the whole preset
        assert isinstance(error, KeyboardInterrupt) and step == "unlink"
        assert json.loads(after["chorus.json"]) == json.loads(before) | {"name": "chorus"}


def test_a_name_that_is_taken_meanwhile_is_not_replaced(
    surface: ControlSurface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.write_text

    def late(path: Path, text: str, encoding: str = "utf-8") -> int:
        real(tmp_path / "chorus.json", "theirs")
        return real(path, text, encoding)

    monkeypatch.setattr(Path, "write_text", late)
    with pytest.raises(VQSSError, match="there is a preset 'chorus' already"):
        surface.act(RENAME, "verse", "chorus")
    assert (tmp_path / "chorus.json").read_text() == "theirs" and (tmp_path / "verse.json").is_file()
    assert len(contents(tmp_path)) == 3


def test_a_remote_control_renames_deletes_and_follows(server: OscServer, surface: ControlSurface) -> None:
    remotes = [RemoteControl(server.host, server.port) for _ in range(2)]
    heard: list[list[object]] = [[], []]
    for remote, news in zip(remotes, heard):
        remote.connect(PATIENCE_S)
        remote.subscribe_news(lambda path, names, news=news: news.append((path, names)))
    try:
        assert remotes[0].act(RENAME, "verse", "chorus") == "chorus"
        assert surface.act(RENAME, "chorus", "chorus 2") == "chorus 2"
        assert remotes[0].act(DELETE, "chorus 2") == "chorus 2"
        for news in heard:
            wait_until(lambda news=news: news and news[-1] == (LIST, ("Bühne 1.b",)))
        with pytest.raises(VQSSError, match="no preset 'verse'"):
            remotes[1].act(DELETE, "verse")
        assert remotes[1].act(DELETE, "Bühne 1.b") == "Bühne 1.b"
        for news in heard:
            wait_until(lambda news=news: news[-1] == (LIST, ()))
    finally:
        for remote in remotes:
            remote.close()


def test_a_list_too_long_for_a_packet_is_not_sent_unasked(peer: Peer, surface: ControlSurface) -> None:
    peer.subscribe()
    surface.tell(LIST, *(f"preset {number}" * 5 for number in range(2000)))
    surface.tell(LIST, "one")
    assert peer.wait_for(LIST) == ["one"]


def test_capitals_do_not_come_first(surface: ControlSurface) -> None:
    for name in ("Zugabe", "Ängste", "a", "A"):
        surface.act("/vqss/preset/save", name)
    assert surface.act(LIST) == ["A", "a", "Bühne 1.b", "verse", "Zugabe", "Ängste"]
