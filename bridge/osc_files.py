"""Which files a remote may name: those inside one folder, however the name is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.song_stream import check_song
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


def source_check(music: Path | None) -> Callable[[str], None]:
    """For /vqss/source: the input, or a song in the music folder; raises VQSSError for others."""

    def check(name: str) -> None:
        if name == INPUT_SOURCE:
            return
        path = file_within(music, name)
        try:
            check_song(path)
        except VQSSError as error:      # who asks over the network learns no more of the disk than the name they gave
            raise VQSSError(str(error).replace(str(path), shown(name[:60]))) from error

    return check


def rack_check(racks: Path | None) -> Callable[[str], None]:
    """For /vqss/rack/load: a file in the folder of racks, or nothing, which removes all effects; likewise."""

    def check(name: str) -> None:
        if name:
            file_within(racks, name)

    return check
