"""Stems and the mix of a song, written from the window by the program itself: right, cancelled, refused."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import QProcess, QTimer
from PyQt6.QtWidgets import QApplication, QFileDialog

from bridge.commands.gui_services import services_for
from gui.mix_dialog import MixDialog
from gui.mixer_window import MixerWindow
from gui.services import ExportJob
from tests import gui_windows
from tests.gui_racks import bench
from tests.gui_windows import answering, click, wheel, window_on
from vqss_engine.bundle import ModelBundle
from vqss_engine.control import ControlSurface

RATE = 44100
wait_until = partial(gui_windows.wait_until, patience_s=200.0)
pytestmark = pytest.mark.timeout(250)       # on a bare machine the kernels are compiled first


@pytest.fixture
def window(tmp_path: Path, song: np.ndarray) -> Iterator[MixerWindow]:
    """On a mixer with the shipped model's clusters, which plays half a second of the song from `tmp_path`/music."""
    music = tmp_path / "music"
    music.mkdir()
    soundfile.write(music / "short.wav", song[:, : RATE // 2].T, RATE, subtype="FLOAT")
    surface = ControlSurface(ModelBundle.load(None).config.clusters)
    services = services_for(surface, music, "this engine")  # type: ignore[arg-type]
    with window_on(surface, tmp_path, services) as made:
        surface.set("/vqss/source", "short.wav")
        wait_until(lambda: made.transport.song is not None)
        yield made


def finish(window: MixerWindow) -> None:
    wait_until(lambda: not window.export.running)
    assert "Wrote" in window.export.label.text(), window.errors.label.text()


def test_the_mix_is_written_as_the_faders_stand(window: MixerWindow, tmp_path: Path, song: np.ndarray) -> None:
    wheel(window.main.fader, -12)        # -6 dB on all
    window.transport.export_mix(tmp_path / "mix.wav")
    assert window.export.isVisible() and window.export.running
    finish(window)
    mix, rate = soundfile.read(tmp_path / "mix.wav", dtype="float32")
    assert rate == RATE and np.abs(mix.T - 10 ** (-6 / 20) * song[:, : RATE // 2]).max() < 1e-4
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".ini"} == {"mix.wav", "music"}


def test_the_mix_has_the_effects_it_was_asked_for_with_whatever_is_done_meanwhile(
    tmp_path: Path, song_file: Path, song: np.ndarray
) -> None:
    with bench(tmp_path) as mixer:
        mixer.effects.load({"main": [{"plugin": "Gain", "gain_db": -12.0}]})
        mixer.ready()
        mixer.surface.set("/vqss/main/fx/0/gain_db", -6.0)
        export = mixer.window.services.export_mix
        assert export is not None
        mixer.window.export.begin(export(song_file, tmp_path / "mix.wav"))
        mixer.effects.load({"main": [{"plugin": "Gain", "gain_db": -40.0}]})
        finish(mixer.window)
        mix, _ = soundfile.read(tmp_path / "mix.wav", dtype="float32")
        assert np.abs(mix.T - 10 ** (-6 / 20) * song).max() < 1e-4
        assert not list(tmp_path.glob(".*"))


def test_what_the_dialog_gives_is_written(window: MixerWindow, tmp_path: Path) -> None:
    def accept() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, MixDialog)
        dialog.accept()

    QTimer.singleShot(0, accept)
    window.transport._choose_file()
    finish(window)
    assert {path.name for path in (tmp_path / "music").iterdir()} == {"short.wav", "short - mix.wav"}


def test_every_move_is_in_what_is_asked_for(window: MixerWindow, tmp_path: Path) -> None:
    wheel(window.row.strips[0].fader, -2)
    click(window.row.strips[1].mute)
    window.model.put("/vqss/transport/loop", (0.0, 0.2))
    assert window.services.export_mix is not None
    command = window.services.export_mix(tmp_path / "music" / "short.wav", tmp_path / "mix.flac").command
    assert {option for option in command if option.startswith("--set")} == {
        "--set=/vqss/cluster/0/gain=-1.0", "--set=/vqss/cluster/1/mute=1",
    }  # fmt: skip


def test_stems_are_written_into_a_folder_with_the_name_of_the_song(window: MixerWindow, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    window.transport.export_stems(out)
    finish(window)
    assert (out / "short" / "manifest.json").is_file() and list((out / "short").glob("cluster_*.wav"))
    assert [path.name for path in out.iterdir()] == ["short"]


def test_a_cancelled_export_leaves_nothing_behind_and_told_how_far_it_was(
    window: MixerWindow, tmp_path: Path, song: np.ndarray
) -> None:
    soundfile.write(tmp_path / "music" / "long.wav", np.tile(song, (1, 40)).T, RATE, subtype="PCM_16")
    window.model.put("/vqss/source", "long.wav")
    out = tmp_path / "out"
    out.mkdir()
    (out / "mix.wav").write_text("an older one")
    window.transport.export_mix(out / "mix.wav")
    wait_until(lambda: window.export.progress.value() > 0 or not window.export.running)
    assert window.export.running, window.errors.label.text()
    assert window.export.progress.maximum() > window.export.progress.value()
    window.transport.export_mix(tmp_path / "second.wav")
    assert "an export is running" in window.errors.label.text()
    click(window.export.stop)
    wait_until(lambda: not window.export.running)
    assert not window.export.isVisible()
    assert [path.name for path in out.iterdir()] == ["mix.wav"]
    assert (out / "mix.wav").read_text() == "an older one"


def test_a_window_is_not_closed_over_an_export_unasked(
    window: MixerWindow, tmp_path: Path, song: np.ndarray
) -> None:
    soundfile.write(tmp_path / "music" / "long.wav", np.tile(song, (1, 40)).T, RATE, subtype="PCM_16")
    window.model.put("/vqss/source", "long.wav")
    window.transport.export_mix(tmp_path / "mix.wav")
    for answer, closed in (("Keep exporting", False), ("Cancel export and close", True)):
        with answering(answer) as asked:
            assert window.close() is closed and window.export.running is not closed
        assert len(asked) == 1


@pytest.mark.parametrize(("name", "folder"), [("short.wav", "short"), ("...wav", "...wav")])
def test_stems_are_not_replaced_unasked(
    window: MixerWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: str
) -> None:
    (tmp_path / "music" / "short.wav").rename(tmp_path / "music" / name)
    window.model.put("/vqss/source", name)
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "edited.wav").write_text("by hand")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    with answering("Keep the old ones") as asked:
        window.transport._choose_folder()
    assert len(asked) == 1 and f"{tmp_path / folder}." in asked[0]
    assert not window.export.running and (tmp_path / folder / "edited.wav").is_file()


def test_a_folder_that_cannot_be_looked_into_is_told(
    window: MixerWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / "/".join(["a" * 250] * 20)        # a longer path than there can be, refused to every user
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(deep))
    window.transport._choose_folder()
    assert "cannot be looked into (" in window.errors.label.text() and not window.export.running


STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: {after})
print(0.5, flush=True)
while True:
    time.sleep(0.05)
"""


@pytest.mark.parametrize(("after", "killed_after_ms"), [("(time.sleep(1.5), sys.exit(143))", 60000), ("None", 1500)],
                         ids=["one that takes its time", "one that does not end"])  # fmt: skip
def test_the_window_lives_on_while_an_export_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str, killed_after_ms: int
) -> None:
    monkeypatch.setattr("gui.export._KILLED_AFTER_MS", killed_after_ms)
    with window_on(ControlSurface(4), tmp_path) as window:
        export = window.export
        export.begin(ExportJob([sys.executable, "-c", STUBBORN.format(after=after)], "nothing", tmp_path))
        wait_until(lambda: export.progress.value() > 0)
        began_s = time.monotonic()
        click(export.stop)
        assert time.monotonic() - began_s < 1.0 and export.running and "Cancelling" in export.label.text()
        wait_until(lambda: not export.running)
        assert not export.isVisible() and not window.errors.isVisible()
        wait_until(lambda: not export.findChildren(QProcess))


def test_what_cannot_be_written_is_told(window: MixerWindow, tmp_path: Path) -> None:
    window.transport.export_mix(tmp_path / "mix.xyz")
    assert not window.export.running
    assert "no format that can be written" in window.errors.label.text() and window.errors.isVisible()
    window.model.put("/vqss/source", "input")
    window.transport.export_mix(tmp_path / "mix.wav")
    assert "there is no song" in window.errors.label.text()
