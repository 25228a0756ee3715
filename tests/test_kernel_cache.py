"""Compiled kernels are kept where they fit the sources and nobody else can put them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fresh_process import ROOT, run_fresh


def kept_in(root: Path = ROOT, **environment: str) -> Path:
    """Where a fresh process keeps its kernels."""
    code = "import numba, vqss_engine.compiled; print(numba.config.CACHE_DIR)"
    return Path(run_fresh(code, root, **environment).stdout.strip())


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


def start(home: Path, stderr: int, work: str = "") -> str | None:
    """What a process whose cache is in `home` says at its start, before it works."""
    code = f"from bridge.first_start import tell_first_start; tell_first_start(); {work}"
    return run_fresh(code, stderr=stderr, XDG_CACHE_HOME=str(home)).stderr


def test_only_a_first_start_tells_that_it_takes_long_and_only_to_who_waits_for_it(tmp_path: Path) -> None:
    compiles = "import numpy as n, training.mixing as m; m.read_at_speed(n.zeros(9, 'i2'), 0., 1., n.zeros(4, 'f4'))"
    assert start(tmp_path, subprocess.PIPE) == ""
    ours, terminal = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        start(tmp_path, terminal, compiles)
        assert b"the first start takes a minute" in screen.read(4096)
        start(tmp_path, terminal)
        os.set_blocking(ours, False)
        assert screen.read(4096) is None  # nothing more
    os.close(terminal)
