"""A song's folder that is written over: the new files take their places before old ones go."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.output_folder import filled_folder
from vqss_engine.errors import VQSSError

MANIFEST = '{"files": ["cluster_01.wav", "cluster_02.wav", "cluster_05.wav"]}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an earlier separation, with a file of the user's in it."""
    made = tmp_path / "song"
    made.mkdir()
    for name in ("cluster_01.wav", "cluster_05.wav", "notes.txt"):
        (made / name).write_text("old")
    (made / "manifest.json").write_text(MANIFEST)
    return made


def write(folder: Path, *names: str) -> None:
    with filled_folder(folder) as partial:
        for name in names:
            (partial / name).write_text("new")


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_what_cannot_be_removed_of_the_old_does_not_keep_the_new_out(folder: Path) -> None:
    (folder / "cluster_02.wav").mkdir()         # no file, so that removing it fails
    write(folder, "cluster_01.wav", "manifest.json")
    assert contents(folder) == {"cluster_01.wav": "new", "manifest.json": "new", "notes.txt": "old"}


def test_where_the_new_cannot_come_the_old_stays(folder: Path) -> None:
    (folder / "mixdown.wav" / "inside").mkdir(parents=True)         # no file can take that name
    with pytest.raises(VQSSError, match="cannot write"):
        write(folder, "cluster_01.wav", "mixdown.wav", "manifest.json")
    kept = contents(folder)
    assert kept == {"cluster_01.wav": "new", "cluster_05.wav": "old", "manifest.json": MANIFEST, "notes.txt": "old"}
    assert [path.name for path in folder.parent.iterdir()] == ["song"]


@pytest.mark.parametrize("manifest", [
    None, "no JSON", "[]", '"cluster_05.wav"', "{}", '{"files": 3}', '{"files": [["cluster_05.wav"]]}',
    '{"files": ["../song/cluster_05.wav", "", ".."]}', '{"clusters": [{"file": null}, {"name": ""}]}',
])  # fmt: skip
def test_without_a_valid_manifest_nothing_is_removed(manifest: str | None, folder: Path) -> None:
    (folder / "manifest.json").unlink()
    if manifest is not None:
        (folder / "manifest.json").write_text(manifest)
    write(folder, "cluster_01.wav", "manifest.json")
    assert contents(folder) == {
        "cluster_01.wav": "new", "cluster_05.wav": "old", "manifest.json": "new", "notes.txt": "old",
    }  # fmt: skip


def test_an_older_manifest_tells_the_files_by_its_clusters(folder: Path) -> None:
    for name in ("mixdown.wav", "mixdown.mp3", "spectrograms.png", "cluster_05_edited.wav"):
        (folder / name).write_text("old")
    (folder / "manifest.json").write_text('{"clusters": [{"file": "cluster_01.wav"}, {"file": "cluster_05.wav"}]}')
    write(folder, "cluster_01.wav", "manifest.json")
    assert set(contents(folder)) == {
        "cluster_01.wav", "manifest.json", "notes.txt", "mixdown.mp3", "cluster_05_edited.wav",
    }  # fmt: skip
