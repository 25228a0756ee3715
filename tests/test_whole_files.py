"""What is written whole or not at all leaves the old file, and nothing beside it, wherever it fails."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from bridge.rack_store import write_chains
from vqss_engine.control import ControlSurface
from vqss_engine.presets import PresetFolder
from vqss_engine.whole_files import written_whole


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") if path.is_file() else "a folder" for path in folder.iterdir()}


def test_the_new_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    name = 80 * "é"     # 160 bytes, and 255 is the most a name may have
    (tmp_path / name).write_text("old")
    with written_whole(tmp_path / name) as partial:
        partial.write_text("new")
        assert partial.name.startswith(".") and contents(tmp_path)[name] == "old"
    assert contents(tmp_path) == {name: "new"}


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_after_an_error_all_is_as_before(error: type[BaseException], tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(error), written_whole(tmp_path / "a") as partial:
        partial.write_text("half")
        raise error
    assert contents(tmp_path) == {"a": "old"}


def test_threads_that_write_at_once_do_not_write_into_each_other(tmp_path: Path) -> None:
    both = Barrier(2)

    def write(text: str) -> None:
        with written_whole(tmp_path / "a") as partial:
            partial.write_text(text)
            both.wait(10.0)
            assert partial.read_text() == text

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, ("one", "two")))
    assert contents(tmp_path) in ({"a": "one"}, {"a": "two"})


@pytest.mark.skipif(os.name == "nt", reason="there are no such modes there")
def test_who_may_read_presets_and_racks_is_as_for_other_files(tmp_path: Path) -> None:
    surface = ControlSurface(4)
    before = os.umask(0o027)
    try:
        PresetFolder(tmp_path, surface).save("a")
        write_chains(tmp_path / "rack.json", {"3": [{"plugin": "Gain"}]})
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "a.json": 0o640, "rack.json": 0o640
    }  # fmt: skip


def test_where_no_file_can_lie_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "a" / "inside").mkdir(parents=True)
    with pytest.raises(OSError), written_whole(tmp_path / "a") as partial:
        partial.write_text("new")
    assert contents(tmp_path) == {"a": "a folder"}
