"""The panel of effects: added, ordered, switched, set and removed, in an engine that really plays through them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QPoint

from gui import chains as edit
from gui.services import EffectKind
from tests.gui_racks import Bench, bench
from tests.gui_windows import application, click, drag, settle, turn, type_into, wait_until, window_on
from vqss_engine.control import Argument, ControlSurface, Parameter

COMPRESSOR = EffectKind("Compressor", "built in", {"plugin": "Compressor"})
DELAY = EffectKind("Delay", "built in", {"plugin": "Delay"})
LIMITER = EffectKind(
    "BrickwallLimiter", "built in", {"plugin": "BrickwallLimiter"},
    ({"name": "lookahead_ms", "minimum": 0.0, "maximum": 10000.0, "unit": "ms", "default": 5.0},),
)  # fmt: skip
THRESHOLD = "/vqss/cluster/1/fx/0/threshold_db"


@pytest.fixture
def mixer(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def add(mixer: Bench, *kinds: EffectKind) -> None:
    for kind in kinds:
        mixer.panel.add_effect(kind)
    mixer.ready()


def test_effects_are_added_ordered_switched_and_removed(mixer: Bench) -> None:
    add(mixer, COMPRESSOR, DELAY)
    assert mixer.names(1) == ["Compressor", "Delay"]
    assert [card.title for card in mixer.panel.cards] == ["Compressor", "Delay"]
    assert mixer.window.row.strips[1].fx.text() == "FX 2" and mixer.window.row.strips[0].fx.text() == "FX"
    click(mixer.panel.cards[1].up)
    mixer.ready()
    assert mixer.names(1) == ["Delay", "Compressor"]
    click(mixer.panel.cards[0].on)
    mixer.ready()
    assert mixer.names(1) == ["Compressor"] and len(mixer.panel.cards) == 2      # kept here, not heard
    click(mixer.panel.cards[0].on)
    mixer.ready()
    assert mixer.names(1) == ["Delay", "Compressor"]
    click(mixer.panel.cards[1].remove)
    mixer.ready()
    assert mixer.names(1) == ["Delay"]
    assert not mixer.surface.levels().errors


def test_every_change_of_a_chain_can_be_taken_back_and_done_again(mixer: Bench) -> None:
    add(mixer, COMPRESSOR)
    turn(mixer.panel.cards[0].rows["threshold_db"].slider, -4)
    add(mixer, DELAY)
    assert mixer.surface.get(THRESHOLD) == -4.0          # a new rack begins with the values of now
    for expected in (["Compressor"], ["Compressor"], []):
        mixer.window.model.undo()
        mixer.ready()
        assert mixer.names(1) == expected
    for _ in range(3):
        mixer.window.model.redo()
        mixer.ready()
    assert mixer.names(1) == ["Compressor", "Delay"] and mixer.surface.get(THRESHOLD) == -4.0


def test_parameters_move_the_plugin_and_follow_it(mixer: Bench) -> None:
    add(mixer, COMPRESSOR)
    row = mixer.panel.cards[0].rows["threshold_db"]
    assert row.unit == "dB" and "−120" in row.toolTip() and "60" in row.toolTip()
    assert mixer.host.rack is not None
    plugin = mixer.host.rack.chains[1][0]
    drag(row.slider, QPoint(-20, 0))
    assert plugin.threshold_db == pytest.approx(mixer.surface.get(THRESHOLD)) and plugin.threshold_db < -1.0
    type_into(row.field, "-33.5 dB")
    assert plugin.threshold_db == -33.5
    mixer.surface.set(THRESHOLD, -12.0, "somebody")
    settle()
    assert row.slider.current == -12.0 and row.field.value == "−12.0 dB"
    type_into(row.field, "9999")
    assert plugin.threshold_db == 60.0
    mixer.window.model.undo()
    assert plugin.threshold_db == -12.0


def test_a_chain_is_passed_by(mixer: Bench) -> None:
    add(mixer, COMPRESSOR)
    click(mixer.panel.bypass)
    assert mixer.surface.get("/vqss/cluster/1/fx/bypass") is True
    settle()
    assert mixer.window.row.strips[1].fx.text() == "FX off"
    add(mixer, DELAY)
    assert mixer.surface.get("/vqss/cluster/1/fx/bypass") is True        # also after the chain has changed
    mixer.surface.set("/vqss/cluster/1/fx/bypass", False, "somebody")
    settle()
    assert not mixer.panel.bypass.isChecked()


def test_the_panel_follows_the_chosen_strip_and_has_the_main_output(mixer: Bench) -> None:
    mixer.window.row.set_current(2)
    add(mixer, DELAY)
    click(mixer.window.main.fx)
    add(mixer, COMPRESSOR)
    assert mixer.names(2) == ["Delay"] and mixer.names("main") == ["Compressor"]
    assert mixer.window.main.fx.text() == "FX 1"


def test_what_only_loading_sets_is_loaded_when_the_hand_rests(mixer: Bench) -> None:
    wait_until(lambda: mixer.effects.kinds)     # or the machine's own list would come in between
    settle()
    mixer.effects.kinds = (LIMITER,)
    add(mixer, LIMITER)
    rack = mixer.host.rack
    turn(mixer.panel.cards[0].rows["lookahead_ms"].slider, 3)
    mixer.effects.kinds_known.emit()     # what shows the panel anew must not take the move with it
    assert not mixer.effects.busy
    wait_until(lambda: mixer.host.rack is not rack)
    mixer.ready()
    assert mixer.host.rack is not None
    lookahead_ms = mixer.host.rack.chains[1][0].lookahead_ms
    assert lookahead_ms > 5.0
    assert mixer.panel.cards[0].rows["lookahead_ms"].slider.current == pytest.approx(lookahead_ms, abs=0.01)
    mixer.effects.kinds = (LIMITER,)
    type_into(mixer.panel.cards[0].rows["lookahead_ms"].field, "2")
    mixer.ready()
    assert mixer.host.rack.chains[1][0].lookahead_ms == 2.0


def test_a_refused_effect_is_told_and_changes_nothing(mixer: Bench) -> None:
    add(mixer, COMPRESSOR)
    add(mixer, EffectKind("Nothing", "built in", {"plugin": "Nothing"}))
    assert "Nothing" in mixer.window.errors.label.text() and mixer.window.errors.isVisible()
    assert mixer.names(1) == ["Compressor"] and len(mixer.panel.cards) == 1


def test_racks_are_saved_and_loaded(mixer: Bench, tmp_path: Path) -> None:
    add(mixer, COMPRESSOR)
    mixer.surface.set(THRESHOLD, -21.0)
    mixer.effects.write(tmp_path / "mine.json")
    assert json.loads((tmp_path / "mine.json").read_text())["clusters"]["1"][0]["threshold_db"] == -21.0
    mixer.effects.remove_all()
    mixer.ready()
    assert not mixer.names(1)
    mixer.effects.read(tmp_path / "mine.json")
    mixer.ready()
    assert mixer.names(1) == ["Compressor"] and mixer.surface.get(THRESHOLD) == -21.0


def test_effects_of_somebody_else_can_be_set_and_not_reordered(mixer: Bench, tmp_path: Path) -> None:
    (tmp_path / "theirs.json").write_text(json.dumps({"format": 1, "clusters": {"3": [{"plugin": "Gain"}]}}))
    mixer.surface.act("/vqss/rack/load", "theirs.json")
    mixer.window.row.set_current(3)
    settle()
    card = mixer.panel.cards[0]
    assert card.title == "Gain" and not card.remove.isEnabled() and not mixer.panel.add.isEnabled()
    assert "Somebody else" in mixer.panel.note.text()
    turn(card.rows["gain_db"].slider, -3)
    assert mixer.surface.get("/vqss/cluster/3/fx/0/gain_db") == -2.0       # pedalboard begins with 1 dB


def test_a_foreign_engine_has_values_and_says_what_cannot_be_done(tmp_path: Path) -> None:
    surface = ControlSurface(4)
    gain = Parameter("/vqss/cluster/0/fx/0/gain_db", surface.parameter("/vqss/cluster/0/gain").arguments, 0.0,
                     "clusters.0[0] Gain: gain")  # fmt: skip
    surface.register([gain])
    with window_on(surface, tmp_path) as window:
        window.dock.show("0")
        panel = window.dock.panel
        assert not panel.add.isEnabled() and "not started by this window" in panel.note.text()
        turn(panel.cards[0].rows["gain_db"].slider, -6)
        assert surface.get(gain.path) == -6.0


class Listing(ControlSurface):
    """Counts how often all its parameters are asked for."""

    listings = 0

    def parameters(self) -> tuple[Parameter, ...]:
        self.listings += 1
        return super().parameters()


def test_effects_are_looked_up_once_for_all_that_shows_them(tmp_path: Path) -> None:
    counts = []
    for clusters in (4, 16):
        surface = Listing(clusters)
        gain = surface.parameter("/vqss/cluster/0/gain").arguments
        on = surface.parameter("/vqss/cluster/0/mute").arguments
        chains = [f"/vqss/cluster/{k}/fx" for k in range(clusters)]
        surface.register([Parameter(f"{base}/{i}/gain_db", gain, 0.0, "x[0] Gain: gain")
                          for base in chains for i in range(clusters)])  # fmt: skip
        surface.register([Parameter(f"{base}/bypass", on, False, "pass by") for base in chains])
        with window_on(surface, tmp_path) as window:
            window.dock.show("0")
            assert window.row.strips[3].fx.text() == f"FX {clusters}" and len(window.dock.panel.cards) == clusters
            for show in (window.dock.refresh, window.dock.panel.refresh, window.show_values_again):
                surface.listings = 0
                show()
                counts.append(surface.listings)
    assert counts == [1, 1, 2, 1, 1, 2]


@pytest.mark.parametrize(
    ("low", "high", "unit", "value", "step"),
    [(0.0, 1e9, "", 5e8, 1e7), (-4e8, 4e8, "Hz", 2e8, None), (440.0, 440.0, "Hz", 440.0, 0.0), (0.0, 0.0, "", 0.0, 0.0),
     (0.0, 0.001, "", 0.0004, 1e-5), (1e-4, 2e-3, "s", 4e-4, None)],
    ids=["large", "large frequencies", "one frequency", "nothing", "small", "short times"],
)  # fmt: skip
def test_whatever_a_plug_in_has_for_a_range_can_be_shown_and_set(
    tmp_path: Path, low: float, high: float, unit: str, value: float, step: float | None
) -> None:
    surface, path = ControlSurface(4), "/vqss/cluster/0/fx/0/x"
    surface.register([Parameter(path, (Argument("x", "float", low, high, unit),), low, "clusters.0[0] Odd: x")])
    with window_on(surface, tmp_path) as window:
        window.dock.show("0")
        row = window.dock.panel.cards[0].rows["x"]
        type_into(row.field, f"{value:.10f}")
        assert surface.get(path) == pytest.approx(value, rel=1e-6)
        row.grab()
        turn(row.slider, 1)
        moved = surface.get(path)
        assert isinstance(moved, float)
        if step is None:        # not as far everywhere
            assert value < moved < value + (high - low) / 10
        else:
            assert moved == pytest.approx(value + step, rel=1e-6)
        drag(row.slider, QPoint(200, 0))
        assert surface.get(path) == pytest.approx(high)
        assert row.slider.value() == (row.slider.maximum() if high > low else 0)


def test_the_catalogue_is_that_of_the_machine(mixer: Bench) -> None:
    wait_until(lambda: mixer.effects.kinds)
    kinds = {kind.name: kind for kind in mixer.effects.kinds}
    assert {"Compressor", "Reverb", "Convolution"} <= set(kinds)
    assert "Pedalboard" not in kinds and "PitchShift" not in kinds      # which works on whole files only
    assert kinds["LadderFilter"].fixed[0]["choices"][0] == "LPF12"
    menu = mixer.panel.kinds_menu()
    next(action for action in menu.actions() if action.text() == "Low shelf filter").trigger()
    menu.close()
    mixer.ready()
    assert mixer.names(1) == ["LowShelfFilter"]


def test_names_read_as_words() -> None:
    assert [edit.spaced(name) for name in ("LowShelfFilter", "MP3Compressor", "Gain", "GSMFullRateCompressor")] == [
        "Low shelf filter", "MP3 compressor", "Gain", "GSM full rate compressor"
    ]  # fmt: skip
    application()


def test_what_would_change_nothing_loads_nothing(mixer: Bench, tmp_path: Path) -> None:
    add(mixer, COMPRESSOR, DELAY)
    first, last = mixer.panel.cards
    assert [card.up.isEnabled() for card in (first, last)] == [False, True]
    assert [card.down.isEnabled() for card in (first, last)] == [True, False]
    rack, steps = mixer.host.rack, mixer.window.model.history.can_undo
    mixer.effects.write(tmp_path / "same.json")
    mixer.effects.read(tmp_path / "same.json")
    assert not mixer.effects.busy and mixer.host.rack is rack and mixer.window.model.history.can_undo is steps


def test_names_of_effects_are_shown_as_they_are(mixer: Bench) -> None:
    wait_until(lambda: mixer.effects.kinds)
    settle()
    mixer.effects.kinds = (DELAY, EffectKind("Drum & Bass", "AT&T", {"plugin": "Gain"}))
    menu = mixer.panel.kinds_menu()
    below = menu.actions()[-1].menu()
    assert below is not None
    assert (below.title(), below.actions()[0].text()) == ("AT&&T", "Drum && Bass")
    menu.close()
