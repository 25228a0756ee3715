"""Where compiled kernels are kept: a folder that is always writable and belongs to exactly these sources.

Numba notices a change only in the file a kernel stands in. Ours are built from several, so the folder's name
is a digest of all files that kernels stand in, and an update can never meet kernels of the version before.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import numba
from numba import njit, prange
from platformdirs import user_cache_path

__all__ = ["njit", "prange"]

KEPT_VERSIONS = 4


def _digest() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        text = source.read_bytes()
        if b"njit" in text or b"vector_code" in text:
            digest.update(text)
    return digest.hexdigest()[:16]


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _drop_old(home: Path) -> None:
    try:
        versions = sorted(home.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    except OSError:     # another process does the same at this moment
        return
    for folder in versions[KEPT_VERSIONS:]:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def _choose_folder() -> Path:
    homes = (user_cache_path("vqss") / "kernels", Path(tempfile.gettempdir()) / f"vqss-kernels-{_user()}")
    for home in homes:
        folder = home / _digest()
        if _writable(folder):
            folder.touch()
            _drop_old(home)
            return folder
    return homes[-1]


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(_choose_folder())  # type: ignore[attr-defined]
