"""A song's output folder: filled under a hidden name beside its place, shown only when it is complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bridge.audio_files import disk_error
from bridge.manifest import MANIFEST_NAME, PAGE_STRIP_NAME, files_listed
from vqss_engine.errors import VQSSError
from vqss_engine.whole_files import hidden_beside, move_new


def folder_name(song: Path) -> str:
    """What a song's folder is called: as its file without the ending, unless that leads elsewhere, as of `...wav`."""
    return song.name if song.stem in (".", "..") else song.stem


def check_no_file(folder: Path) -> None:
    """Raise VQSSError where `folder`, or what it would lie in, is there and no folder."""
    for path in (folder, *folder.parents):
        if os.path.lexists(path) and not os.path.isdir(path):
            kind = "a file" if os.path.exists(path) else "a link that leads nowhere"
            raise VQSSError(f"'{path}' is {kind}; choose another folder")


def check_free(folder: Path, overwrite: bool, of_page: bool = False) -> None:
    """Raise VQSSError where `folder` already holds something and may not be overwritten.

    Stems never replace the song of a page, which would still name its files, nor does a page replace stems.
    """
    check_no_file(folder)
    if not overwrite and folder.is_dir() and any(folder.iterdir()):
        raise VQSSError(f"'{folder}' already exists; pass --overwrite or choose another folder with -o")
    files = files_listed(folder)
    if files and (PAGE_STRIP_NAME in files) != of_page:
        other = "stems of vqss separate" if of_page else "a song of a page"
        raise VQSSError(f"'{folder}' holds {other}, which --overwrite keeps; choose another folder with -o")


def check_room(folder: Path, bytes_needed: int | None) -> None:
    """Raise VQSSError where files of known size (None: unknown) cannot fit on the disk that holds `folder`."""
    if bytes_needed is None:
        return
    place = next(parent for parent in folder.absolute().parents if parent.exists())
    free = shutil.disk_usage(place).free
    if bytes_needed > free:
        raise VQSSError(
            f"the stems need {_size(bytes_needed)} and the disk that holds '{folder.parent}' has"
            f" {_size(free)} free; free some space, choose --format flac or another folder with -o"
        )


def _size(count: int) -> str:
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"


def make_folder(folder: Path) -> None:
    """See to it that `folder` exists, before what it is for is done; raises VQSSError where it cannot be made."""
    check_no_file(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error


@contextmanager
def filled_folder(folder: Path, overwrite: bool) -> Iterator[Path]:
    """Give a hidden folder to fill, then move what it holds to `folder`; after any error until then both are as before.

    To overwrite, the new files take their places one by one; then those are removed that the earlier manifest lists and
    that have no successor. All others stay. Where the disk refuses in the midst of that, old files lie beside new ones,
    under the old manifest. Else `folder` must hold nothing at the end either. Raises VQSSError where it does, and where
    the disk refuses.
    """
    show = _show if overwrite else _show_new
    with made_folder(folder.parent), _at_end(hidden_beside(folder), folder, show) as partial:
        yield partial


@contextmanager
def filled_together(folder: Path, overwrite: bool) -> Iterator[Path]:
    """Give a hidden folder in `folder`, for folders and files that are shown together, or else none of them.

    Folders take their places first, each as those of `filled_folder`, then files. Raises VQSSError where the disk
    refuses, or where one of them is there and not to be overwritten.
    """
    show, partial = (_show if overwrite else _show_beside), hidden_beside(folder / "together")
    with made_folder(folder), _at_end(partial, folder, show) as partial:
        yield partial


@contextmanager
def _at_end(partial: Path, folder: Path, show: Callable[[Path, Path], None]) -> Iterator[Path]:
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        yield partial
        show(partial, folder)
    except OSError as error:
        raise disk_error(partial.parent, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """See to it that `folder` exists; at the end it goes again, with its parents, if it was made here and is empty.

    Raises VQSSError where it cannot be made.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        make_folder(folder)
        yield
    finally:
        for path in made:
            with suppress(OSError):
                path.rmdir()


def _show_new(partial: Path, folder: Path) -> None:
    """Let `folder` become what `partial` is, unless it holds something by now: raises VQSSError then."""
    try:
        if not _is_empty(folder):
            os.rename(partial, folder)
            return
        (folder / MANIFEST_NAME).open("xb").close()     # of runs that find it empty at once, one makes this file
    except OSError as error:
        if os.path.lexists(folder) and not _is_empty(folder):
            raise _come_meanwhile(folder) from error
        raise
    _replace_contents(partial, folder)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _come_meanwhile(path: Path) -> VQSSError:
    return VQSSError(f"'{path}' has come meanwhile and is kept; pass --overwrite or choose another folder with -o")


def _show_beside(partial: Path, folder: Path) -> None:
    """Show in `folder` all that `partial` holds, or nothing: raises VQSSError where a name is taken by now."""
    shown: list[Path] = []
    for path in sorted(partial.iterdir(), key=Path.is_file):
        target = folder / path.name
        try:
            (_show_new if path.is_dir() else move_new)(path, target)
        except (OSError, VQSSError) as error:
            for made in shown:
                shutil.rmtree(made, ignore_errors=True)
            if isinstance(error, FileExistsError):
                raise _come_meanwhile(target) from error
            raise
        shown.append(target)


def _show(partial: Path, folder: Path) -> None:
    if folder.is_dir():
        _replace_contents(partial, folder)
    else:
        os.rename(partial, folder)


def _replace_contents(partial: Path, folder: Path) -> None:
    new = {path.name for path in partial.iterdir()}
    old = files_listed(folder) - new if MANIFEST_NAME in new else set()
    # The manifest comes last: who reads it finds all the files it names.
    for name in sorted(new, key=lambda name: (name == MANIFEST_NAME, (partial / name).is_file(), name)):
        if (partial / name).is_dir():
            _show(partial / name, folder / name)
        else:
            os.replace(partial / name, folder / name)
    for name in old:
        with suppress(OSError, ValueError):     # all that is new is in place, and one stem too many does no harm
            (folder / name).unlink()
    partial.rmdir()
