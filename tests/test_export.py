"""`vqss export`: what it says, and what becomes of it where nothing can be written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.cli import main
from vqss_engine.bundle import ModelBundle

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    ModelBundle.load().save(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_json_names_the_file(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(bundle), "-o", str(tmp_path / "copy"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(tmp_path / "copy")}
    assert main(["info", str(tmp_path / "copy"), "--json"]) == 0


def test_onnx_that_is_written_says_nothing_else(bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    command = [sys.executable, "-m", "bridge", "export", str(bundle), "--onnx", str(tmp_path / "step.onnx")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == (f"{tmp_path / 'step.onnx'}\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is a folder that nobody may write to")
def test_onnx_that_cannot_be_written_names_the_folder(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    assert main(["export", str(bundle), "--onnx", "/proc/step.onnx"]) == 1
    line = capsys.readouterr().err
    assert line.startswith("vqss: cannot write to '/proc' (") and line.count("\n") == 1
