"""Setting up on a machine whose package lists are not all in order: it goes on, or says in one line what is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("bash", "env", "cat", "cksum", "dirname", "mktemp", "rm", "tail")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="setup/ is for Debian and Ubuntu")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A clone on a machine of root's without Python and without any package."""
    shutil.copytree(ROOT / "setup", tmp_path / "setup")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or pytest.skip(f"no {tool} here"))
    program(tmp_path, "id", "echo 0")
    program(tmp_path, "dpkg-query", "exit 1")
    return tmp_path


def program(place: Path, name: str, body: str) -> None:
    path = place / "bin" / name
    path.write_text(f"#!{place}/bin/bash\n{body}\n", "utf-8")
    path.chmod(0o755)


def set_up(place: Path) -> list[str]:
    """What it says, line by line, until it ends for want of Python."""
    done = subprocess.run(
        [place / "bin" / "bash", place / "setup" / "prepare.sh", "run"],
        env={"PATH": str(place / "bin")}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    return done.stderr.splitlines()


def test_a_package_source_that_is_dead_does_not_keep_the_others_from_being_used(place: Path) -> None:
    program(place, "apt-get", f'echo "$@" >> {place}/asked\n[[ "$*" != *update* ]] || exit 100')
    program(place, "apt-cache", "exit 100")
    said = set_up(place)
    assert any(line.startswith("vqss setup: apt-get update failed;") for line in said)
    assert not any("could not all be installed" in line for line in said)
    assert "install --no-install-recommends libportaudio2" in (place / "asked").read_text("utf-8")


def test_a_newer_python_that_cannot_be_installed_is_told_in_the_last_line(place: Path) -> None:
    program(place, "apt-get", "exit 100")
    program(place, "apt-cache", "exit 0")
    said = set_up(place)
    assert said[-1].startswith("vqss setup: Python 3.11 or newer with the venv module is needed")
    assert "vqss setup: python3.11 could not be installed" in said
