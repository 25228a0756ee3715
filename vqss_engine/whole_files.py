"""Files that are written whole or not at all: made under a hidden name beside their place, and then moved there."""

from __future__ import annotations

import errno
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

KEPT_OF_NAME = 50
"""Characters that are left of a name that gets longer by something; 200 bytes at most, and file systems take 255."""
_HIDDEN = re.compile(r"\..*\.partial-\d+")


def hidden_beside(path: Path) -> Path:
    """Where `path` is made before it is shown; however long its name is, that of the hidden one is none too long.

    It is another one on every thread of this machine, and the same on each.
    """
    return path.with_name(f".{path.name[:KEPT_OF_NAME]}.partial-{threading.get_native_id()}")


def shown_folder(folder: Path) -> Path:
    """Where that will be found which is written to `folder`, as long as this is hidden, or lies in what is."""
    hidden = [path for path in (folder, *folder.parents) if _HIDDEN.fullmatch(path.name)]
    return hidden[-1].parent if hidden else folder


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a hidden file to write, then move it to `path`; after any error until then `path` is as before.

    Raises OSError where it cannot be moved.
    """
    with hidden_file(path) as partial:
        yield partial
        os.replace(partial, path)


@contextmanager
def hidden_file(path: Path) -> Iterator[Path]:
    """Give a hidden file beside `path` to write, and to move; at the end it goes if it is there still.

    Who may read it is as for every new file.
    """
    partial = hidden_beside(path)
    try:
        yield partial
    finally:
        with suppress(OSError):     # a disk that takes nothing gives nothing back either
            partial.unlink(missing_ok=True)


def move_new(hidden: Path, target: Path) -> None:
    """Move a file to a name that is free; raises FileExistsError where it is not, whoever takes it and whenever.

    Raises OSError too where there can be none of that name; `hidden` is where it was then.
    """
    try:
        os.link(hidden, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise
        _claim(hidden, target)  # a file system without links, such as that of most USB sticks
        return
    with suppress(OSError):
        hidden.unlink()


def _claim(hidden: Path, target: Path) -> None:
    """The same without links: an empty file takes the name, which nobody else can have then, and is replaced."""
    target.open("xb").close()
    try:
        os.replace(hidden, target)
    except OSError:
        with suppress(OSError):
            target.unlink()
        raise
