"""Where compiled kernels are kept: a folder that is always writable and belongs to exactly these sources.

Numba notices a change only in the file a kernel stands in. Ours are built from several, so the folder's name
is a digest of all files that kernels or parts of them stand in, in whatever room, and an update can never meet kernels
of the version before. What is kept is code that runs, so a folder that another user could write to is not used.

A kernel that others call is declared with `forceinline` where the compiler has a choice of rounding. Left as a call, it
would be linked to the kernel compiled by itself in the process that compiles, but in later ones to the copy kept in
its caller, which was optimised once more: the first start would compute other last bits than those after it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

import numba
from numba import njit, prange
from platformdirs import user_cache_path

__all__ = ["are_kept", "njit", "prange"]

KEPT_VERSIONS = 4
ROOMS = ("vqss_engine", "bridge", "training")
CONSTANTS = "numerics.py"  # no kernel, but compiled into several


def _digest() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    rooms = Path(__file__).resolve().parent.parent
    for source in sorted(path for room in ROOMS for path in (rooms / room).glob("*.py")):
        text = source.read_bytes()
        if source.name == CONSTANTS or any(mark in text for mark in (b"njit", b"vector_code", b"intrinsic")):
            digest.update(text)
    return digest.hexdigest()[:16]


def _writable(folder: Path) -> bool:
    try:
        folder.parent.mkdir(0o700, parents=True, exist_ok=True)
        folder.mkdir(0o700, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _is_own(folder: Path) -> bool:
    """Whether a folder is this user's, no link, and nobody else's to write to."""
    if not hasattr(os, "getuid"):
        return True
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


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
    own, shared = user_cache_path("vqss") / "kernels", Path(tempfile.gettempdir()) / f"vqss-kernels-{_user()}"
    for home in (own, shared):
        folder = home / _digest()
        if _writable(folder) and (home == own or (_is_own(home) and _is_own(folder))):
            folder.touch()
            _drop_old(home)
            return folder
    return Path(tempfile.mkdtemp(prefix="vqss-kernels-"))       # compiled anew in every run


def are_kept() -> bool:
    """Whether kernels of these sources were compiled before, so that a start need not."""
    return any(Path(numba.config.CACHE_DIR).rglob("*.nbi"))  # type: ignore[attr-defined]


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(_choose_folder())  # type: ignore[attr-defined]
