"""What is written whole or not at all leaves the old file, and nothing beside it, wherever it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def test_where_no_file_can_lie_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "a" / "inside").mkdir(parents=True)
    with pytest.raises(OSError), written_whole(tmp_path / "a") as partial:
        partial.write_text("new")
    assert contents(tmp_path) == {"a": "a folder"}
