"""Two instant scenes: switching keeps the mixer's state as one and recalls the other, in one undoable step."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal

from gui.model import MixerModel, cluster_path
from vqss_engine.control import Value

NAMES = ("A", "B")
_CLUSTER_LEAVES = ("gain", "mute", "solo", "pan", "group")
_MAIN_PATHS = ("/vqss/main/gain", "/vqss/main/mute")


class Scenes(QObject):
    """Holds what the scene not heard sounds like; the other is the mixer itself."""

    changed = pyqtSignal()

    def __init__(self, model: MixerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.current = NAMES[0]
        self._kept: dict[str, Value] = self._capture()

    def _paths(self) -> list[str]:
        clusters = range(self._model.clusters)
        return [*(cluster_path(k, leaf) for k in clusters for leaf in _CLUSTER_LEAVES), *_MAIN_PATHS]

    def _capture(self) -> dict[str, Value]:
        found = {path: self._model.find(path) for path in self._paths()}
        return {path: value for path, value in found.items() if value is not None}

    def switch(self, name: str) -> None:
        """Make scene `name` (A or B) the one that is heard."""
        if name == self.current:
            return
        heard = self._capture()
        known = set(heard)
        if self._model.move({path: value for path, value in self._kept.items() if path in known}):
            self._kept, self.current = heard, name
        self.changed.emit()

    def toggle(self) -> None:
        """Hear the other one."""
        self.switch(NAMES[1 - NAMES.index(self.current)])

    def copy(self) -> None:
        """Make the other scene like the one that is heard."""
        self._kept = self._capture()
        self.changed.emit()
