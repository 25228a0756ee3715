"""File systems that are soon full, for tests of what happens then."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of `size`, as mount takes it, at `place`, which is made; skips the test where it cannot be mounted
    (only root on Linux can)."""
    place.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if mount is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a full disk needs leave to mount one")
    yield place
    subprocess.run(["umount", str(place)], check=True)
