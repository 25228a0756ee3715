"""What is not heard is shown so, by the rules that the engine mixes by."""

from __future__ import annotations

import numpy as np
import pytest

from gui.mixer_window import MixerWindow
from tests.gui_windows import click, settle
from vqss_engine.control import ControlSurface
from vqss_engine.mixer import strip_weights

K = 6
MIXES: dict[str, dict[str, object]] = {
    "all": {},
    "own mute": {"1/mute": 1},
    "solo of another": {"2/solo": 1},
    "mute wins over solo": {"2/solo": 1, "2/mute": 1},
    "group muted": {"3/group": 1, "1/mute": 1},
    "group soloed": {"3/group": 1, "1/solo": 1, "3/mute": 1},
    "solo of one that is joined does not count": {"3/group": 1, "3/solo": 1},
}


@pytest.fixture
def surface() -> ControlSurface:
    return ControlSurface(K)


@pytest.mark.parametrize("mix", MIXES)
def test_strips_and_rows_that_the_engine_silences_are_dim(
    window: MixerWindow, surface: ControlSurface, mix: str
) -> None:
    surface.set_many({f"/vqss/cluster/{path}": value for path, value in MIXES[mix].items()}, "somebody")
    settle()
    heard = [bool(weight) for weight in strip_weights(surface.state, np.zeros((K, 1), np.float32))[:, 0]]
    assert [strip.fader.heard for strip in window.row.strips] == heard
    assert [not strip.meter.dimmed for strip in window.row.strips] == heard
    assert [not tile.dimmed for tile in window.spectra.tiles[1:]] == heard
    surface.set_many(dict.fromkeys([f"/vqss/cluster/{k}/{leaf}" for k in range(K) for leaf in ("mute", "solo")], 0))
    settle()
    assert all(strip.fader.heard for strip in window.row.strips)


def test_the_solo_of_others_marks_the_mute_switch_in_its_edge_and_in_words(window: MixerWindow) -> None:
    mute, marked = window.row.strips[0].mute, []
    for _ in range(2):
        click(window.row.strips[2].solo)
        marked.append((mute.property("silenced"), "another is soloed" in mute.accessibleName(), mute.isChecked()))
    assert marked == [(True, True, False), (False, False, False)]


def test_an_unused_strip_stays_dim_when_it_is_heard_again(window: MixerWindow) -> None:
    window.row.set_unused(0, True)
    for _ in range(2):
        click(window.row.strips[0].mute)
    assert window.row.strips[0].meter.dimmed and window.row.strips[0].fader.heard


def test_mute_and_solo_stand_beside_the_names_of_the_spectra(window: MixerWindow, surface: ControlSurface) -> None:
    surface.set_many({"/vqss/cluster/0/mute": 1, "/vqss/cluster/1/solo": 1, "/vqss/cluster/3/group": 1})
    settle()
    assert [mark.accessibleName() for mark in window.spectra._marks] == ["", "muted", "soloed", "", "soloed", "", ""]
