"""Undo of effects: in the order of what was done, however quickly, and with what a chain was passed by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt

from gui.services import EffectKind
from tests.gui_racks import Bench, bench
from tests.gui_windows import CONTROL, click, key, turn, wheel

COMPRESSOR = EffectKind("Compressor", "built in", {"plugin": "Compressor"})
DELAY = EffectKind("Delay", "built in", {"plugin": "Delay"})
GATE = EffectKind("Gate", "built in", {"plugin": "NoiseGate"})
NOTHING = EffectKind("Nothing", "built in", {"plugin": "Nothing"})
THRESHOLD, BYPASS = "/vqss/cluster/1/fx/0/threshold_db", "/vqss/cluster/1/fx/bypass"


@pytest.fixture
def mixer(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def add(mixer: Bench, kind: EffectKind) -> None:
    mixer.panel.add_effect(kind)
    mixer.ready()


def test_undo_waits_for_the_rack_that_is_on_its_way(mixer: Bench) -> None:
    add(mixer, COMPRESSOR)
    turn(mixer.panel.cards[0].rows["threshold_db"].slider, -4)
    add(mixer, DELAY)
    for _ in range(2):
        mixer.window.model.undo()
    mixer.ready()
    assert mixer.names(1) == ["Compressor"] and mixer.surface.get(THRESHOLD) == 0.0
    for _ in range(2):
        mixer.window.model.redo()
    mixer.ready()
    assert mixer.names(1) == ["Compressor", "Delay"] and mixer.surface.get(THRESHOLD) == -4.0


def test_undo_of_what_was_refused_takes_back_nothing_else(mixer: Bench) -> None:
    wheel(mixer.window.row.strips[0].fader, -2)
    mixer.panel.add_effect(NOTHING)
    key(mixer.window, Qt.Key.Key_Z, CONTROL)
    mixer.ready()
    assert mixer.surface.get("/vqss/cluster/0/gain") == -1.0


def test_undo_takes_back_what_was_done_last_while_a_rack_is_on_its_way(mixer: Bench) -> None:
    mute = "/vqss/cluster/0/mute"
    mixer.panel.add_effect(COMPRESSOR)
    mixer.window.model.move({mute: True})
    mixer.window.model.undo()
    assert mixer.surface.get(mute) is False
    mixer.ready()
    assert mixer.names(1) == ["Compressor"]
    mixer.window.model.undo()
    mixer.ready()
    assert mixer.names(1) == []


def test_what_is_undone_while_it_is_on_its_way_is_undone_and_not_what_came_after(mixer: Bench) -> None:
    mixer.panel.add_effect(COMPRESSOR)
    mixer.window.model.undo()
    mixer.panel.show_chain("2")
    mixer.panel.add_effect(DELAY)
    mixer.ready()
    assert mixer.names(1) == [] and mixer.names(2) == ["Delay"]


def test_a_move_during_a_load_stays_one_step(mixer: Bench) -> None:
    gain, gesture = "/vqss/cluster/0/gain", object()
    mixer.window.model.move({gain: -1.0}, gesture)
    add(mixer, DELAY)
    mixer.window.model.undo()
    mixer.ready()
    mixer.panel.add_effect(COMPRESSOR)
    mixer.window.model.move({gain: -3.0}, gesture)
    mixer.ready()
    mixer.window.model.move({gain: -6.0}, gesture)
    mixer.window.model.undo()
    assert mixer.surface.get(gain) == -1.0 and mixer.names(1) == ["Compressor"]


def test_hurried_undo_sets_each_effect_as_it_was(mixer: Bench) -> None:
    """Undo of a setting waits for the rack, and must not come to another effect that a further undo has put there."""
    add(mixer, GATE)
    add(mixer, COMPRESSOR)
    click(mixer.panel.cards[0].remove)
    mixer.ready()
    mixer.window.model.move({THRESHOLD: -20.0})
    add(mixer, DELAY)
    for _ in range(3):
        mixer.window.model.undo()
    mixer.ready()
    assert mixer.names(1) == ["NoiseGate", "Compressor"]
    assert mixer.surface.get(THRESHOLD) == -100.0 and mixer.surface.get("/vqss/cluster/1/fx/1/threshold_db") == 0.0


def test_a_refused_rack_takes_no_undo_of_others_with_it(mixer: Bench) -> None:
    add(mixer, COMPRESSOR)
    mixer.panel.add_effect(NOTHING)
    for _ in range(2):
        mixer.window.model.undo()
    mixer.ready()
    assert mixer.names(1) == [] and not mixer.window.model.history.can_undo
    mixer.window.model.redo()
    mixer.ready()
    assert mixer.names(1) == ["Compressor"]


def test_a_chain_that_comes_back_is_passed_by_as_it_was(mixer: Bench) -> None:
    add(mixer, COMPRESSOR)
    click(mixer.panel.bypass)
    for _ in range(2):                          # off, and on again
        click(mixer.panel.cards[0].on)
        mixer.ready()
    assert mixer.surface.get(BYPASS) is True
    click(mixer.panel.cards[0].remove)
    mixer.ready()
    mixer.window.model.undo()
    mixer.ready()
    assert mixer.names(1) == ["Compressor"] and mixer.surface.get(BYPASS) is True


def test_a_chain_that_is_made_anew_is_heard(mixer: Bench) -> None:
    add(mixer, COMPRESSOR)
    click(mixer.panel.bypass)
    click(mixer.panel.cards[0].remove)
    mixer.ready()
    add(mixer, DELAY)
    assert mixer.names(1) == ["Delay"] and mixer.surface.get(BYPASS) is False
