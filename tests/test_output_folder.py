"""A song's folder that is written over: the new files take their places before old ones go."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.output_folder import filled_folder, filled_together
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
    with filled_folder(folder, overwrite=True) as partial:
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


@pytest.mark.parametrize("at_first", ["nothing", "empty", "link to empty"])
def test_what_comes_meanwhile_is_kept_unless_it_may_be_overwritten(at_first: str, tmp_path: Path) -> None:
    place = tmp_path / "song"
    if at_first != "nothing":
        real = tmp_path / "real" if "link" in at_first else place
        real.mkdir()
        if real != place:
            place.symlink_to(real)
    with pytest.raises(VQSSError, match="has come meanwhile"), filled_folder(place, overwrite=False) as late:
        (late / "cluster_01.wav").write_text("late")
        (late / "manifest.json").write_text("late")
        with filled_folder(place, overwrite=False) as early:
            (early / "cluster_02.wav").write_text("early")
            (early / "manifest.json").write_text("early")
    assert contents(place) == {"cluster_02.wav": "early", "manifest.json": "early"}
    assert {path.name for path in tmp_path.iterdir()} <= {"song", "real"}


@pytest.mark.parametrize("taken", ["index.html", "b/notes.txt", "b"])
def test_what_is_shown_together_is_shown_beside_what_is_there_or_not_at_all(taken: str, tmp_path: Path) -> None:
    def fill(out: Path) -> None:
        with filled_together(out, overwrite=False) as partial:
            for name in ("a", "b"):
                (partial / name).mkdir()
                (partial / name / "manifest.json").write_text("new")
            (partial / "index.html").write_text("new")
            if out.name == "late":
                (out / taken).parent.mkdir(exist_ok=True)
                (out / taken).write_text("old")

    (tmp_path / "fine").mkdir()
    (tmp_path / "fine" / "notes.txt").write_text("old")
    fill(tmp_path / "fine")
    assert {path.name for path in (tmp_path / "fine").iterdir()} == {"a", "b", "index.html", "notes.txt"}
    with pytest.raises(VQSSError, match="has come meanwhile"):
        fill(tmp_path / "late")
    files = [path.relative_to(tmp_path / "late").as_posix() for path in tmp_path.glob("late/**/*") if path.is_file()]
    assert files == [taken] and (tmp_path / "late" / taken).read_text() == "old"
