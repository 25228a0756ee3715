"""What the program says, whatever its standard streams are."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.console import print_json

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii", "cp1252"])
def test_json_is_json_in_every_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding, errors="backslashreplace"))
    print_json({"song": "schön 歌 🎵.wav"})
    sys.stdout.flush()
    assert json.loads(raw.getvalue()) == {"song": "schön 歌 🎵.wav"}


@pytest.mark.skipif(sys.platform == "win32", reason="closed by a shell")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_failure(closed: str) -> None:
    command = ["sh", "-c", f'exec "$0" -m bridge info --json {closed}', sys.executable]
    run = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert (run.returncode, run.stderr) == (0, b"")
    assert ">&-" in closed.replace("2>&-", "") or json.loads(run.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="closed by a shell")
def test_what_goes_wrong_is_not_said_on_stdout_where_stderr_is_closed() -> None:
    command = ["sh", "-c", 'exec "$0" -m bridge info nowhere 2>&-', sys.executable]
    run = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert (run.returncode, run.stdout) == (1, b"")
