"""What happens at an odd moment, or was never foreseen, in a slot of the window: it goes on, and says so."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QPushButton

from bridge.gui_engine import mix_options
from bridge.osc_client import RemoteControl
from bridge.osc_server import OscServer
from gui import chains as edit
from gui.model import MixerModel
from gui.services import Chains, EffectKind, Services
from tests import slot_errors
from tests.gui_racks import Bench, bench
from tests.gui_windows import PATIENCE_S, application, click, settle, wait_until, window_on
from tests.osc_peers import serve
from vqss_engine.control import ControlSurface, Parameter

COMPRESSOR = EffectKind("Compressor", "built in", {"plugin": "Compressor"})


@pytest.fixture
def mixer(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


class Vanishing(ControlSurface):
    """Takes its effects away after they were listed `listings` times, as another thread may."""

    listings = 0

    def parameters(self) -> tuple[Parameter, ...]:
        listed = super().parameters()
        self.listings -= 1
        if self.listings == 0:
            self.unregister([parameter.path for parameter in listed if "/fx/" in parameter.path])
        return listed


def with_an_effect() -> Vanishing:
    surface = Vanishing(4)
    gain = surface.parameter("/vqss/cluster/0/gain").arguments
    on = surface.parameter("/vqss/cluster/0/mute").arguments
    surface.register([Parameter("/vqss/cluster/0/fx/0/gain_db", gain, -5.0, "clusters.0[0] Gain: gain"),
                      Parameter("/vqss/cluster/0/fx/bypass", on, True, "pass by")])  # fmt: skip
    return surface


@pytest.mark.parametrize("listings", range(1, 13))
@pytest.mark.parametrize("look", ["panel", "window", "strips"])
def test_effects_that_go_while_they_are_looked_at_are_gone(tmp_path: Path, look: str, listings: int) -> None:
    surface = with_an_effect()
    with window_on(surface, tmp_path) as window:
        window.dock.show("0")
        assert [card.title for card in window.dock.panel.cards] == ["Gain"]
        assert window.row.strips[0].fx.text() == "FX off"
        surface.listings = listings
        {"panel": window.dock.panel.refresh, "window": window.show_values_again, "strips": window.dock.refresh}[look]()
        while surface.listings > 0:
            surface.parameters()
        settle()
        assert not window.dock.panel.cards and window.row.strips[0].fx.text() == "FX"


def test_a_mix_is_written_whatever_goes_meanwhile() -> None:
    surface = with_an_effect()
    surface.set("/vqss/cluster/1/gain", -3.0)
    surface.listings = 1
    assert mix_options(surface) == ["--set=/vqss/cluster/1/gain=-3.0"]


@pytest.mark.parametrize("button", ["up", "down", "on", "remove"])
def test_a_card_whose_effect_has_gone_changes_nothing(mixer: Bench, tmp_path: Path, button: str) -> None:
    mixer.panel.add_effect(COMPRESSOR)
    mixer.ready()
    (tmp_path / "theirs.json").write_text('{"format": 1, "clusters": {"3": [{"plugin": "Gain"}]}}')
    mixer.surface.act("/vqss/rack/load", "theirs.json")         # the window has not heard of it yet
    click(getattr(mixer.panel.cards[0], button))
    mixer.ready()
    assert mixer.names(3) == ["Gain"] and not mixer.panel.cards


def test_what_waits_for_a_rack_that_is_refused_is_dropped_and_all_goes_on(mixer: Bench) -> None:
    mixer.panel.add_effect(EffectKind("Nothing", "built in", {"plugin": "Nothing"}))
    mixer.panel.add_effect(COMPRESSOR)
    assert edit.chain_of(mixer.effects.chains, "1")[1] == COMPRESSOR.entry
    mixer.ready()
    assert not mixer.names(1) and mixer.effects.chains == {}
    mixer.panel.add_effect(COMPRESSOR)
    mixer.ready()
    assert mixer.names(1) == ["Compressor"]


class BrokenRacks:
    """An engine's racks that fail in a way nobody foresaw."""

    in_place = True

    def chains(self) -> Chains:
        return {}

    def load(self, chains: Chains, *_: object) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    kinds = read = write = load


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_effects_that_fail_unforeseen_are_not_waited_for_for_ever(tmp_path: Path) -> None:
    with window_on(ControlSurface(4), tmp_path, Services(racks=BrokenRacks())) as window:  # type: ignore[arg-type]
        window.dock.effects.load({"1": [COMPRESSOR.entry]})  # type: ignore[list-item]
        wait_until(lambda: not window.dock.effects.busy)
        assert "could not be loaded" in window.errors.label.text() and window.errors.isVisible()


def test_an_engine_with_fewer_clusters_is_no_error_of_the_old_window(tmp_path: Path) -> None:
    with serve(ControlSurface(16)) as server:
        port = server.port
        remote = RemoteControl("127.0.0.1", port)
        remote.connect(PATIENCE_S)
    try:
        with window_on(remote, tmp_path) as window:
            window.dock.show("12")
            wait_until(lambda: window.notice.isVisible())
            with OscServer(ControlSurface(4), port=port):
                wait_until(lambda: not window.notice.isVisible())
                window.row.set_current(12)
                window.row.ungroup()
                window.scenes.toggle()
                window.advance(1.0)
                assert window.row.strips[12].leader == 12
                with window_on(remote, tmp_path) as other:
                    assert len(other.row.strips) == 4
    finally:
        remote.close()


def test_an_error_in_a_slot_reaches_the_test_with_its_traceback() -> None:
    application()
    button = QPushButton("press")
    button.clicked.connect(lambda: [].pop())
    with pytest.raises(IndexError, match="empty list") as caught, slot_errors.raised_at_the_end():
        click(button)
        click(button)
    assert "errors in this test: 2" in caught.value.__notes__[0]
    assert "<lambda>" in [entry.name for entry in caught.traceback]


ON_STAGE = """
from PyQt6.QtCore import QTimer
from gui import app
from gui.services import Services
from vqss_engine.control import ControlSurface

def fail():
    raise ZeroDivisionError("nobody foresaw this")

def look():
    window = next(each for each in app.QApplication.topLevelWidgets() if isinstance(each, app.MixerWindow))
    print(window.errors.isVisible(), window.errors.label.text())
    window.close()

def begin():
    for _ in range(3):
        QTimer.singleShot(0, fail)
    QTimer.singleShot(100, look)

raise SystemExit(app.show(ControlSurface(4), Services(), painted=begin))
"""


def test_a_window_on_stage_survives_what_nobody_foresaw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", ON_STAGE], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("True ") and "ZeroDivisionError: nobody foresaw this" in done.stdout
    assert done.stderr.count("Traceback") == 1 and "in fail" in done.stderr


@pytest.mark.parametrize("note", ["_note_vocabulary", "_note_connection"])
def test_what_other_threads_note_waits_until_what_was_noted_is_read(note: str) -> None:
    """Or what is noted between reading and forgetting would be forgotten unread."""
    model = MixerModel(ControlSurface(2))
    given = ((), ()) if note == "_note_vocabulary" else (False,)
    other = threading.Thread(target=getattr(model, note), args=given)
    with model._lock:
        other.start()
        other.join(0.1)
        assert not model._vocabulary_stale and model._connection is None
    other.join()
    assert model._vocabulary_stale or model._connection is False
    model.close()
