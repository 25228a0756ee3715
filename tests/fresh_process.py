"""A Python process of its own, which keeps compiled kernels where its environment says and not where this one does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run_fresh(
    code: str, root: Path = ROOT, stderr: int = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run code on the rooms in `root`; raises CalledProcessError where it fails."""
    known = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return subprocess.run(
        [sys.executable, "-P", "-c", code], env={**known, "PYTHONPATH": str(root), **environment},
        stdout=subprocess.PIPE, stderr=stderr, text=True, check=True, timeout=400,
    )  # fmt: skip
