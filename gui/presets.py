"""Presets of the engine: loaded as one step of undo, effects included where this window can bring them back.

Threads: Qt's; the model waits for the engine, which may have effects to load, in the background.
"""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from gui.effects_model import RACK, EffectsModel
from gui.model import NO_ANSWER, MixerModel
from vqss_engine.control import PRESET_CLUSTER_KEYS, PRESET_MAIN_KEYS, Value, vocabulary

PRESET = "preset"
"""The name under which undo knows which preset came."""

Done = Callable[[], object]
Told = Callable[[str], object]
"""Called with a text."""

_SETTLED_MS = 300
"""After an answer the values that changed are here."""

_MAIN_PATHS = [f"/vqss/main/{key}" for key in PRESET_MAIN_KEYS]


class Presets(QObject):
    """`failed(text)`: what was refused; `listed(names)`: what there is has changed, whoever did it.

    Everything is asked of the engine, and told later; nothing is waited for.
    """

    failed = pyqtSignal(str)
    listed = pyqtSignal(object)

    def __init__(self, model: MixerModel, effects: EffectsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model, self._effects = model, effects
        self._doing = ""        # what is on its way, as a participle
        model.takers[PRESET] = lambda value: None
        model.news.connect(self._hear)

    @property
    def busy(self) -> bool:
        """Whether something is on its way that one must wait for before the next."""
        return bool(self._doing)

    def ask(self, known: Callable[[list[str]], object], failed: Told | None = None) -> None:
        """Let `known(names)` hear what there is."""
        self._model.request(
            vocabulary.PRESET_LIST, done=lambda names: known([str(name) for name in names]),
            failed=failed or self.failed.emit, unforeseen="the presets could not be listed",
        )  # fmt: skip

    def _hear(self, path: str, answer: tuple[str, ...]) -> None:
        if path == vocabulary.PRESET_LIST:
            self.listed.emit(list(answer))

    def save(self, name: str, done: Done | None = None, failed: Told | None = None) -> None:
        """Keep the mixer as it is, under a name, in place of what had that name."""
        self._act("saved", vocabulary.PRESET_SAVE, name, done=done, failed=failed)

    def rename(self, name: str, new_name: str, done: Done | None = None, failed: Told | None = None) -> None:
        """Give a preset a name that no other has."""
        self._act("renamed", vocabulary.PRESET_RENAME, name, new_name, done=done, failed=failed)

    def delete(self, name: str) -> None:
        """Let a preset go."""
        self._act("deleted", vocabulary.PRESET_DELETE, name, done=None, failed=None)

    def load(self, name: str) -> None:
        """Let the engine be as a preset says."""
        before = self._values() | {PRESET: ""}
        self._act("loaded", vocabulary.PRESET_LOAD, name, done=lambda: self._take(name, before), failed=None)

    def _act(self, doing: str, path: str, *names: str, done: Done | None, failed: Told | None) -> None:
        """One action after the other."""
        failed = failed or self.failed.emit
        if self.busy or not self._model.connected:
            failed(f"a preset is being {self._doing}; wait for it" if self.busy else NO_ANSWER)
            return
        self._doing = doing
        self._model.request(
            path, *names, done=lambda _: self._end(done), failed=lambda text: self._end(lambda: failed(text)),
            unforeseen=f"the preset could not be {doing}",
        )  # fmt: skip

    def _end(self, then: Done | None) -> None:
        self._doing = ""
        if then is not None:
            then()

    def _take(self, name: str, before: dict[str, Value]) -> None:
        brings_effects = self._effects.take_preset(name, undoable=RACK in before)
        if not brings_effects:
            before.pop(RACK, None)
        step = self._model.history.add(before, {PRESET: name})
        self._model.history_changed.emit()
        if step is not None:
            step.look = self._values        # what redo brings back
            QTimer.singleShot(_SETTLED_MS, lambda: self._model.history.complete(step))

    def _values(self) -> dict[str, Value]:
        """All that a preset may change, as it is now; effects only where they can be brought back."""
        values = self._model.settings(PRESET_CLUSTER_KEYS, _MAIN_PATHS)
        rack = self._effects.state()
        return values if rack is None else {**values, RACK: rack}
