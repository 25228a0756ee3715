"""Which files a remote may name: those inside one folder, however the name is written."""

from __future__ import annotations

from pathlib import Path

from vqss_engine.errors import VQSSError
from vqss_engine.parameters import shown
from vqss_engine.vocabulary import INPUT_SOURCE


def file_within(folder: Path | None, name: str) -> Path:
    """The existing file `name` in `folder` or below it, links followed; raises VQSSError for anything else."""
    told = shown(name[:60])
    if folder is None:
        raise VQSSError(f"'{told}': no folder is open to remote control; start with one")
    root = folder.resolve()
    try:
        path = (root / name).resolve()
        inside = path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError, RuntimeError):
        inside = False
    if not inside:
        raise VQSSError(f"'{told}' is no file in {root.name}; give the name of a file in that folder")
    return path


class FolderCheck:
    """Lets through names of files in a folder, and the words given as `also`; raises VQSSError for others."""

    def __init__(self, folder: Path | None, also: tuple[str, ...] = ()) -> None:
        self._folder, self._also = folder, also

    def __call__(self, name: str) -> None:
        if name not in self._also:
            file_within(self._folder, name)


def source_check(music: Path | None) -> FolderCheck:
    """For /vqss/source: the input, or a file in the music folder."""
    return FolderCheck(music, (INPUT_SOURCE,))


def rack_check(racks: Path | None) -> FolderCheck:
    """For /vqss/rack/load: a file in the folder of racks, or nothing, which removes all effects."""
    return FolderCheck(racks, ("",))
