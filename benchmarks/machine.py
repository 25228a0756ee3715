"""What figures depend on: the machine, the libraries, the revision."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOADED = 0.5
"""From this load on other programs are in the way."""

LIBRARIES = (
    "numpy", "numba", "scipy", "torch", "onnxruntime", "pedalboard", "soundfile", "PyQt6", "HS-TasNet", "demucs",
    "openunmix", "rocket-fft",
)  # fmt: skip


def processor() -> str:
    """Its name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def load() -> float:
    """How many programs wanted to compute over the last minute, on average; 0 where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def about_machine() -> dict[str, object]:
    return {
        "processor": processor(), "cores": os.cpu_count() or 1, "system": platform.system(),
        "python": platform.python_version(), "load": round(load(), 2),
    }  # fmt: skip


def about_libraries() -> dict[str, str]:
    """The versions of those that this interpreter finds."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def revision() -> str:
    """The commit, with a + where files differ from it."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    ours = [line for line in changed.splitlines() if not line.endswith(("results.jsonl", "docs/performance.md"))]
    return commit + ("+" if ours else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()


def today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())
