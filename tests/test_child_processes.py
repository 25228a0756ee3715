"""What VQSS starts is VQSS, whatever lies in the folder it is started from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.commands.devices import devices_of_child
from bridge.doctor import probe
from bridge.engine_child import EngineChild
from bridge.rack_catalogue import catalogue_of_child
from tests.osc_peers import wait_until
from vqss_engine.errors import VQSSError


def list_devices(folder: Path) -> None:
    with contextlib.suppress(VQSSError):        # of a machine that has none
        devices_of_child()


def list_effects(folder: Path) -> None:
    assert catalogue_of_child()


def look_at_a_package(folder: Path) -> None:
    assert probe("import bridge, soundfile; print(bridge.__file__)")[0]


def start_an_engine(folder: Path) -> None:
    told: list[str] = []
    child = EngineChild(["--input=none", "--output=none", "--osc=none", f"--model={folder}"], list, told.append)
    try:
        wait_until(lambda: told, 60.0)
    finally:
        child.close()
    assert "no model bundle" in told[0]


@pytest.mark.parametrize("start", [list_devices, list_effects, look_at_a_package, start_an_engine])
def test_code_in_the_working_folder_does_not_run(
    start: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    for package in ("bridge", "soundfile", "numpy"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    start(tmp_path)
    assert not ran.exists()
