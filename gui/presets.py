"""Presets of the engine: loaded as one step of undo, effects included where this window can bring them back.

Threads: `preset`, in the background, waits for the engine, which may have effects to load. All else is the Qt thread's.
"""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from gui.effects_model import RACK, EffectsModel
from gui.history import Step
from gui.model import MixerModel
from vqss_engine.control import PRESET_CLUSTER_KEYS, PRESET_MAIN_KEYS, Value, vocabulary

PRESET = "preset"
"""The name under which undo knows which preset came."""

_SETTLED_MS = 300
"""After an answer the values that changed are here."""

_MAIN_PATHS = [f"/vqss/main/{key}" for key in PRESET_MAIN_KEYS]


class Presets(QObject):
    """`failed(text)`: what was refused."""

    failed = pyqtSignal(str)

    def __init__(self, model: MixerModel, effects: EffectsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model, self._effects = model, effects
        self._before: dict[str, Value] | None = None
        model.takers[PRESET] = lambda value: None

    @property
    def busy(self) -> bool:
        """Whether one is on its way."""
        return self._before is not None

    def names(self) -> Sequence[str]:
        """What there is."""
        return [str(name) for name in self._model.act(vocabulary.PRESET_LIST) or ()]

    def save(self, name: str) -> None:
        """Keep the mixer as it is, under a name, in place of what had that name."""
        self._model.act(vocabulary.PRESET_SAVE, name)

    def load(self, name: str) -> None:
        """Let the engine be as a preset says."""
        if self.busy:
            self.failed.emit("a preset is being loaded; wait for it")
        elif not self._model.connected:
            self.failed.emit("the engine does not answer; try again when it does")
        else:
            self._before = self._values() | {PRESET: ""}
            self._model.background.run(
                "preset", lambda: self._model.mixer.act(vocabulary.PRESET_LOAD, name, origin=self._model),
                lambda _: self._take(name), self._fail, "the preset could not be loaded",
            )  # fmt: skip

    def _fail(self, text: str) -> None:
        self._before = None
        self.failed.emit(text)

    def _take(self, name: str) -> None:
        before, self._before = self._before, None
        if before is None:
            return
        brings_effects = self._effects.take_preset(name, undoable=RACK in before)
        if not brings_effects:
            before.pop(RACK, None)
        step = self._model.history.add(before, {PRESET: name})
        self._model.history_changed.emit()
        if step is not None:
            QTimer.singleShot(_SETTLED_MS, lambda: self._complete(step))

    def _complete(self, step: Step) -> None:
        """What redo brings back."""
        now = self._values()
        step.after.update({path: value for path, value in now.items() if path in step.before})

    def _values(self) -> dict[str, Value]:
        """All that a preset may change, as it is now; effects only where they can be brought back."""
        values = self._model.settings(PRESET_CLUSTER_KEYS, _MAIN_PATHS)
        rack = self._effects.state()
        return values if rack is None else {**values, RACK: rack}
