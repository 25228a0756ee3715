"""Files that are written whole or not at all: made under a hidden name beside their place, and then moved there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_KEPT_OF_NAME = 50  # characters, which are 200 bytes at most; file systems take 255


def hidden_beside(path: Path) -> Path:
    """Where `path` is made before it is shown; however long its name is, that of the hidden one is none too long."""
    return path.with_name(f".{path.name[:_KEPT_OF_NAME]}.partial-{os.getpid()}")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a hidden file to write, then move it to `path`; after any error until then `path` is as before.

    Raises OSError where it cannot be moved.
    """
    partial = hidden_beside(path)
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
