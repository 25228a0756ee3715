"""The files of a take, of sound or of moves: each comes to its name when it is whole, and never replaces another."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from pathlib import Path

from vqss_engine.errors import VQSSError
from vqss_engine.whole_files import KEPT_OF_NAME, move_new

_LONGEST_NAME = 255  # bytes


def check_unused(path: Path, option: str) -> None:
    """Raise VQSSError where there is something at `path` already, or never can be; `option` is what it was given to."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise VQSSError(f"'{path}' cannot be ({error.strerror}); choose another name for {option}") from error
    raise VQSSError(f"'{path}' exists; choose another name for {option}, or move it away")


def show_new(hidden: Path, path: Path) -> Path:
    """Give `hidden` the name `path`, or `NAME-2`, `NAME-3` where that is taken by now; returns which it is.

    Raises OSError where there can be none of them, and then `hidden` is where it was.
    """
    for number in itertools.count(1):
        target = path if number == 1 else _numbered(path, number)
        with suppress(FileExistsError):
            move_new(hidden, target)
            return target
    raise AssertionError("numbers do not end")


def _numbered(path: Path, number: int) -> Path:
    name, short = (f"{stem}-{number}{path.suffix}" for stem in (path.stem, path.stem[:KEPT_OF_NAME]))
    return path.with_name(name if len(os.fsencode(name)) <= _LONGEST_NAME else short)
