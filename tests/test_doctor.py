"""`vqss doctor`: each finding is true of this machine, and a native crash is a finding, not the end."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from bridge import doctor
from bridge.doctor import Check
from tests.jack_server import JackServer


@pytest.fixture(scope="module")
def checks() -> list[Check]:
    return doctor.run_doctor()


def test_all_that_is_needed_is_fine_here(checks: list[Check]) -> None:
    """The tests run in a working environment, so that the doctor has to say so."""
    assert doctor.exit_code(checks) == 0, doctor.format_text(checks)
    by_name = {check.name: check for check in checks}
    for needed in ("Python", "model", "numba", "pedalboard"):
        assert by_name[needed].ok
    assert platform.python_version() in by_name["Python"].detail


def test_every_finding_is_shown_once(checks: list[Check]) -> None:
    names = [check.name for check in checks]
    assert len(set(names)) == len(names)
    assert {"torch", "GPU", "PortAudio", "JACK", "Qt"} <= set(names)
    text = doctor.format_text(checks)
    for check in checks:
        assert check.detail in text and check.fix in text
    assert json.loads(json.dumps(doctor.to_json(checks)))["checks"][0]["name"] == names[0]


def test_only_what_is_needed_decides() -> None:
    optional = Check("screen", None, "none")
    assert doctor.exit_code([optional, Check("Python", True, "3.11")]) == 0
    assert doctor.exit_code([optional, Check("model", False, "damaged", "install again")]) == 1
    assert doctor.to_json([Check("model", False, "damaged")])["ok"] is False


def test_a_jack_server_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with JackServer() as server:
        for name in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER"):
            monkeypatch.setenv(name, server.environment[name])
        found = doctor.check_jack()
    assert found == Check("JACK", True, "server at 44100 Hz, 256 frames a period")
    lost = doctor.check_jack()
    assert (lost.ok, lost.detail) == (None, "no JACK server is running")


def test_a_crash_in_a_probe_is_a_finding() -> None:
    fine, text = doctor.probe("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert not fine and "crashed" in text


def test_a_hanging_probe_is_given_up() -> None:
    fine, text = doctor.probe("import time; time.sleep(60)", timeout=0.5)
    assert not fine and "no answer" in text


def test_the_last_line_of_an_error_is_kept() -> None:
    assert doctor.probe("import no_such_library") == (
        False,
        "ModuleNotFoundError: No module named 'no_such_library'",
    )


@pytest.mark.parametrize(
    ("failure", "cure"),
    [
        ("OSError('PortAudio library not found')", "apt-get install libportaudio2"),
        ("RuntimeError('Error initializing PortAudio')", "start PipeWire or PulseAudio"),
    ],
)
def test_portaudio_that_fails_comes_with_its_cure(
    failure: str, cure: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A child that finds another `sounddevice` first, one that fails as the real one does."""
    (tmp_path / "sounddevice.py").write_text(f"raise {failure}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = doctor.check_portaudio()
    assert check.ok is None and "PortAudio" in check.detail and failure.split("'")[1] in check.detail
    if platform.system() == "Linux":
        assert cure in check.fix


@pytest.mark.skipif(platform.system() != "Linux", reason="only X11 has screens by number")
def test_a_screen_that_does_not_run_is_no_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setenv("DISPLAY", ":4077")
    check = doctor.check_qt()
    assert check.ok is None and ":4077" in check.detail and "DISPLAY" in check.fix


def test_a_sound_font_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VQSS_SOUNDFONT", str(tmp_path / "lost.sf2"))
    check = doctor.check_fluidsynth()
    assert check.ok is None and "lost.sf2" in check.detail and "VQSS_SOUNDFONT" in check.fix
