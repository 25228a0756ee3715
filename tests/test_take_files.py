"""What a run leaves on disk never replaces what another has put there meanwhile, on file systems of all kinds."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bridge.take_files import check_unused, show_new
from vqss_engine.errors import VQSSError


@pytest.fixture(params=["links", "none"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On a file system with links, and on one that refuses them, as FAT does."""

    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), source)

    if request.param == "none":
        monkeypatch.setattr(os, "link", refuse)
    return tmp_path


def shown(folder: Path, text: str, name: str) -> str:
    (folder / ".hidden").write_text(text)
    return show_new(folder / ".hidden", folder / name).name


def test_each_comes_to_a_name_of_its_own(folder: Path) -> None:
    names = [shown(folder, text, "take.wav") for text in ("first", "second", "third")]
    assert names == ["take.wav", "take-2.wav", "take-3.wav"]
    assert [(folder / name).read_text() for name in names] == ["first", "second", "third"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_the_longest_of_names_has_another_beside_it(tmp_path: Path) -> None:
    longest = "x" * 251 + ".wav"
    check_unused(tmp_path / longest, "--record")
    assert shown(tmp_path, "first", longest) == longest
    other = shown(tmp_path, "second", longest)
    assert other.endswith("-2.wav") and (tmp_path / other).read_text() == "second"


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        show_new(tmp_path / "gone" / ".hidden", tmp_path / "gone" / "take.wav")


@pytest.mark.parametrize("name", ["there.wav", "link.wav", "x" * 252 + ".wav"])
def test_what_cannot_be_new_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "there.wav").touch()
    (tmp_path / "link.wav").symlink_to("nowhere")
    with pytest.raises(VQSSError, match="choose another name for --record"):
        check_unused(tmp_path / name, "--record")
    check_unused(tmp_path / "new.wav", "--record")
