"""An environment of their own for the programs we are measured against: `.venv-peers`, which nothing else uses.

It shares the project's torch, numpy, scipy and numba, so that all are measured with the same ones, and adds the few
packages of `peers.txt`, each without what it depends on: that would bring a second torch, for CUDA.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from benchmarks.machine import ROOT

FOLDER, PINS = ROOT / ".venv-peers", Path(__file__).with_name("peers.txt")
SET_UP_TIMEOUT_S = 300.0


def interpreter() -> Path:
    return FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _stamp() -> str:
    return f"{sys.executable}\n{sys.version}\n{PINS.read_text('utf-8')}"


def ready() -> bool:
    stamp = FOLDER / "stamp"
    return interpreter().exists() and stamp.is_file() and stamp.read_text("utf-8") == _stamp()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=SET_UP_TIMEOUT_S)


def set_up() -> str | None:
    """Make the environment where it is not there; returns what went wrong, in a line, or None."""
    if ready():
        return None
    print(f"setting up the peers to compare with in {FOLDER.name}", file=sys.stderr, flush=True)
    try:
        _run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(FOLDER))
        ours, theirs = sysconfig.get_path("purelib"), _packages()
        (theirs / "project.pth").write_text(f"{ours}\n", "utf-8")
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(interpreter()))
        _run(*pip, "install", "-q", "--no-deps", "-r", str(PINS))
        (FOLDER / "stamp").write_text(_stamp(), "utf-8")
    except subprocess.CalledProcessError as error:
        return (error.stderr.strip().splitlines() or [str(error)])[-1]
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None


def _packages() -> Path:
    """Where the environment keeps packages."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([str(interpreter()), "-c", code], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())
