"""Compiled kernels are kept where they fit the sources and nobody else can put them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def kept_in(root: Path = ROOT, **environment: str) -> Path:
    """Where a fresh process keeps its kernels."""
    code = "import numba, vqss_engine.compiled; print(numba.config.CACHE_DIR)"
    known = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    run = subprocess.run(
        [sys.executable, "-P", "-c", code], env={**known, "PYTHONPATH": str(root), **environment},
        capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    return Path(run.stdout.strip())


@pytest.mark.parametrize("source", ["vqss_engine/fft.py", "bridge/ring.py", "training/mixing.py"])
def test_a_change_in_any_file_with_kernels_is_another_folder(source: str, tmp_path: Path) -> None:
    for room in ("vqss_engine", "bridge", "training"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("models", "__pycache__"))
    before = kept_in(tmp_path, XDG_CACHE_HOME=str(tmp_path))
    assert before == kept_in(tmp_path, XDG_CACHE_HOME=str(tmp_path))
    with open(tmp_path / source, "a") as file:
        file.write("# changed\n")
    assert kept_in(tmp_path, XDG_CACHE_HOME=str(tmp_path)) != before


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="elsewhere the folder of temporary files is the user's own")
def test_a_folder_that_others_can_write_to_is_not_trusted(tmp_path: Path) -> None:
    nowhere = {"XDG_CACHE_HOME": "/proc/nowhere", "TMPDIR": str(tmp_path)}
    own = tmp_path / f"vqss-kernels-{os.getuid()}"
    assert kept_in(**nowhere).parent == own and not own.stat().st_mode & 0o077
    own.chmod(0o777)
    assert kept_in(**nowhere).parent == tmp_path
    shutil.rmtree(own)
    (tmp_path / "planted").mkdir(0o700)
    own.symlink_to(tmp_path / "planted")
    assert kept_in(**nowhere).parent == tmp_path
