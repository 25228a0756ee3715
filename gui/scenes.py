"""Two instant scenes: switching keeps the mixer's state as one and recalls the other, in one undoable step."""

from __future__ import annotations

import json

from PyQt6.QtCore import QObject, pyqtSignal

from gui.model import MixerModel
from vqss_engine.control import Value, vocabulary

NAMES = ("A", "B")
SCENE = "scene"
"""The name under which undo knows which scene is heard, and what is kept of the other one."""

_CLUSTER_LEAVES = ("gain", "mute", "solo", "pan", "group")
_MAIN_PATHS = (vocabulary.MAIN_GAIN, vocabulary.MAIN_MUTE)


class Scenes(QObject):
    """Holds what the scene not heard sounds like; the other is the mixer itself."""

    changed = pyqtSignal()

    def __init__(self, model: MixerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.current = NAMES[0]
        self._met = model.connected
        self._kept: dict[str, Value] = self._capture()
        model.takers[SCENE] = self._recall
        model.connection_changed.connect(self._meet)

    def _meet(self, connected: bool) -> None:
        """Both scenes begin as the engine is, which is not known before it answers."""
        if connected and not self._met:
            self._met = True
            self._kept = self._capture()

    def _capture(self) -> dict[str, Value]:
        return self._model.settings(_CLUSTER_LEAVES, _MAIN_PATHS)

    def switch(self, name: str) -> None:
        """Make scene `name` (A or B) the one that is heard."""
        if name == self.current:
            return
        heard, gesture = self._capture(), object()
        known = set(heard)
        if self._model.move({path: value for path, value in self._kept.items() if path in known}, gesture):
            self._set(name, heard, gesture)
        self.changed.emit()     # also where it was refused: the button has been pressed

    def toggle(self) -> None:
        """Hear the other one."""
        self.switch(NAMES[1 - NAMES.index(self.current)])

    def copy(self) -> None:
        """Make the other scene like the one that is heard."""
        self._set(self.current, self._capture(), object())

    def _set(self, current: str, kept: dict[str, Value], gesture: object) -> None:
        """Take these over, in the step of undo that `gesture` belongs to."""
        before = self._state()
        self.current, self._kept = current, kept
        self._model.history.add({SCENE: before}, {SCENE: self._state()}, gesture)
        self._model.history_changed.emit()
        self.changed.emit()

    def _state(self) -> str:
        return json.dumps({"current": self.current, "kept": self._kept})

    def _recall(self, value: Value) -> None:
        """Undo or redo."""
        state = json.loads(str(value))
        self.current, self._kept = state["current"], state["kept"]
        self.changed.emit()
