"""Presets that bring effects: the window knows them as if it had loaded them itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtTest import QTest

from bridge.rack_presets import RackPresets
from bridge.rack_store import RackStore
from gui.services import EffectKind
from tests.gui_presets import dialog_of, give, open_presets, pick
from tests.gui_racks import Bench, bench
from tests.gui_windows import answering, click, settle, wait_until
from vqss_engine.control import ControlSurface
from vqss_engine.errors import VQSSError
from vqss_engine.presets import PresetFolder

COMPRESSOR = EffectKind("Compressor", "built in", {"plugin": "Compressor", "ratio": 8})
REVERB = EffectKind("Reverb", "built in", {"plugin": "Reverb"})
DELAY = EffectKind("Delay", "built in", {"plugin": "Delay"})
THRESHOLD, RATIO = "/vqss/cluster/1/fx/0/threshold_db", "/vqss/cluster/1/fx/0/ratio"


@pytest.fixture
def mixer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A window whose engine keeps presets where `vqss live` keeps them."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with bench(tmp_path) as made:
        racks = RackPresets(made.host, made.surface)
        PresetFolder(tmp_path / "vqss" / "presets", made.surface, racks.read, racks.write).attach()
        yield made


def change(mixer: Bench, *kinds: EffectKind) -> None:
    for kind in kinds:
        mixer.panel.add_effect(kind)
    mixer.ready()


def load_preset(mixer: Bench, name: str) -> None:
    pick(open_presets(mixer.window), name)
    mixer.ready()


@pytest.mark.parametrize("key", ["1", "2"], ids=["the same strip", "another strip"])
def test_effects_of_a_preset_are_known_and_go_on_with_the_next_change(mixer: Bench, key: str) -> None:
    change(mixer, COMPRESSOR)
    mixer.surface.set(THRESHOLD, -20.0)
    mixer.surface.act("/vqss/preset/save", "P")
    click(mixer.panel.cards[0].remove)
    mixer.ready()
    mixer.panel.show_chain(key)
    change(mixer, REVERB)
    load_preset(mixer, "P")
    mixer.panel.show_chain("1")
    assert [card.title for card in mixer.panel.cards] == ["Compressor"] and mixer.panel.add.isEnabled()
    assert not mixer.window.errors.isVisible()
    change(mixer, DELAY)
    assert mixer.names(1) == ["Compressor", "Delay"] and not mixer.names(2)
    assert mixer.surface.get(THRESHOLD) == -20.0 and mixer.surface.get(RATIO) == 8.0


def test_a_preset_that_somebody_else_loads_is_not_taken_for_the_effects_from_here(mixer: Bench) -> None:
    change(mixer, COMPRESSOR)
    mixer.surface.act("/vqss/preset/save", "P")
    mixer.effects.remove_all()
    mixer.ready()
    change(mixer, REVERB)
    mixer.surface.act("/vqss/preset/load", "P", origin="somebody")
    settle()
    assert [card.title for card in mixer.panel.cards] == ["Compressor"] and not mixer.panel.add.isEnabled()
    export = mixer.window.services.export_mix
    assert export is not None
    assert not any("--rack" in part for part in export(Path("song.wav"), Path("mix.wav")).command)


def test_an_engine_begun_with_a_preset_has_effects_that_are_known(tmp_path: Path) -> None:
    preset = tmp_path / "P.json"
    chain = [{"plugin": "Compressor", "ratio": 8}]
    preset.write_text(json.dumps({"format": 1, "rack": {"format": 1, "clusters": {"3": chain}, "bypass": ["3"]}}))
    store = RackStore(ControlSurface(4), tmp_path, "window.json", preset=preset)
    assert store.chains() == {"3": chain}
    preset.write_text(json.dumps({"format": 1}))
    store.take_preset(preset)
    assert store.chains() == {"3": chain}       # which it leaves as they are
    with pytest.raises(VQSSError):
        store.take_preset(tmp_path / "none.json")


def test_a_preset_is_one_step_of_undo_with_its_effects(mixer: Bench) -> None:
    gain, model = "/vqss/cluster/0/gain", mixer.window.model
    change(mixer, COMPRESSOR)
    model.move({THRESHOLD: -20.0})
    mixer.surface.act("/vqss/preset/save", "P")
    model.move({gain: -3.0})
    change(mixer, REVERB)
    load_preset(mixer, "P")
    while len(model.history._done[-1].after) == 1:      # what redo brings back is known a moment later
        QTest.qWait(10)
    for go, effects, gain_db in ((model.undo, ["Compressor", "Reverb"], -3.0), (model.redo, ["Compressor"], 0.0),
                                 (model.undo, ["Compressor", "Reverb"], -3.0), (model.undo, ["Compressor"], -3.0),
                                 (model.undo, ["Compressor"], 0.0)):  # fmt: skip
        go()
        mixer.ready()
        assert (mixer.names(1), mixer.surface.get(gain)) == (effects, gain_db)
        assert mixer.surface.get(THRESHOLD) == -20.0


@pytest.mark.parametrize("moved", [False, True], ids=["at once", "after a move"])
def test_a_preset_that_is_undone_before_its_values_have_settled_comes_back(mixer: Bench, moved: bool) -> None:
    gain, model = "/vqss/cluster/0/gain", mixer.window.model
    change(mixer, COMPRESSOR)
    mixer.surface.act("/vqss/preset/save", "P")
    model.move({gain: -3.0})
    change(mixer, REVERB)
    load_preset(mixer, "P")
    step = model.history._done[-1]
    if moved:
        model.move({gain: -6.0})
    else:
        model.undo()        # before anything is known of it
    QTest.qWait(400)
    if moved:
        model.undo()
        model.undo()
    mixer.ready()
    assert (mixer.names(1), mixer.surface.get(gain)) == (["Compressor", "Reverb"], -3.0)
    model.redo()
    mixer.ready()
    assert (mixer.names(1), mixer.surface.get(gain)) == (["Compressor"], 0.0) and step.after[gain] == 0.0


def test_a_preset_is_not_replaced_unasked(mixer: Bench) -> None:
    gain = "/vqss/cluster/0/gain"
    mixer.surface.act("/vqss/preset/save", "P")
    mixer.surface.set(gain, -5.0)
    for answer, kept_db in (("Keep the old one", 0.0), ("Replace", -5.0)):
        with answering(answer) as asked:
            mixer.window.toolbar.save_preset()
            dialog = dialog_of(mixer.window)
            give(dialog, " P ")
            wait_until(lambda asked=asked: len(asked) == 1)
        assert "“P”" in asked[0]
        if kept_db == 0.0:
            wait_until(dialog.agree.isEnabled)
            assert dialog.isVisible() and dialog.field.text() == " P " and not dialog.note.text()
            click(dialog.cancel)
        mixer.ready()
        mixer.surface.act("/vqss/preset/load", "P")
        assert mixer.surface.get(gain) == kept_db
        mixer.surface.set(gain, -5.0)


def test_undo_of_effects_that_a_preset_leaves_alone_is_kept(mixer: Bench, tmp_path: Path) -> None:
    change(mixer, COMPRESSOR)
    mixer.window.model.move({THRESHOLD: -20.0})
    mixer.surface.act("/vqss/preset/save", "P")
    file = tmp_path / "vqss" / "presets" / "P.json"
    file.write_text(json.dumps({key: value for key, value in json.loads(file.read_text()).items() if key != "rack"}))
    load_preset(mixer, "P")
    for _ in range(2):      # the preset, and what was done before
        mixer.window.model.undo()
    assert mixer.names(1) == ["Compressor"] and mixer.surface.get(THRESHOLD) == 0.0
