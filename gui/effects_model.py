"""The effects of the engine as the window knows them: which there are, and how they are added, ordered and removed.

Parameters and bypasses are parameters of the mixer, set like faders. What is in a chain is only set by loading a whole
rack, which takes a moment; meanwhile further changes are made to the rack that is on its way.

Threads: in the background `effects` loads one rack, and `effects-list` finds what can be added; both may block. All
else, and what is waiting to be loaded too, is the Qt thread's.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from gui.effects_now import EffectsNow, loaded_effects
from gui.history import Step
from gui.model import MixerModel
from gui.services import Chains, EffectKind, Racks
from vqss_engine.control import Value, bypass_path, place_of, vocabulary
from vqss_engine.errors import VQSSError

RACK = "rack"
"""The name under which undo knows the whole rack."""


@dataclass(frozen=True)
class Wanted:
    """A rack to be loaded, which of the chains that come anew are passed by, and its step of undo."""

    chains: Chains
    bypassed: Collection[str]
    step: Step | None


class EffectsModel(QObject):
    """`changed`: other effects, or another state of loading; `failed(text)`: what was refused."""

    changed = pyqtSignal()
    failed = pyqtSignal(str)
    kinds_known = pyqtSignal()

    def __init__(self, model: MixerModel, racks: Racks | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model, self._racks = model, racks
        self.kinds: Sequence[EffectKind] = ()
        self._listing = False
        self._waiting: list[Wanted] = []
        self._loading: Wanted | None = None
        model.vocabulary_changed.connect(self.changed)
        model.takers[RACK] = self._recall
        model.holds = lambda path: self.busy and place_of(path) is not None

    # What there is

    @property
    def busy(self) -> bool:
        """Whether a rack is on its way."""
        return self._loading is not None

    def now(self) -> EffectsNow:
        """All of it. It takes some milliseconds for a large rack: to be asked once for all that is shown of it."""
        loaded = loaded_effects(self._model.mixer.parameters())
        known = self._racks is not None and (self.busy or self._racks.in_place)
        editable = self._racks is not None and self._model.connected and (known or not loaded)
        return EffectsNow(self._known_chains() if known else {}, known, editable, loaded)

    def _known_chains(self) -> Chains:
        if self._loading is not None:
            return (self._waiting[-1] if self._waiting else self._loading).chains
        return self._racks.chains() if self._racks is not None else {}

    @property
    def editable(self) -> bool:
        """Whether effects can be added, ordered and removed here."""
        return self.now().editable

    @property
    def why_not(self) -> str:
        """Why they cannot, in a sentence."""
        if self._racks is None:
            return ("This engine was not started by this window, so effects cannot be added or reordered here. What is"
                    " loaded can be set, passed by, and removed as a whole.")  # fmt: skip
        if not self._model.connected:
            return "The engine does not answer."
        return "Somebody else has loaded these effects: they can be set and passed by, or removed as a whole."

    @property
    def chains(self) -> Chains:
        """The rack: what is on its way, or what was loaded here, with the values of now."""
        return self.now().chains

    def bypassed(self, key: str) -> bool:
        """Whether a chain is passed by."""
        return bool(self._model.find(bypass_path(key)))

    def bypass(self, key: str, on: bool) -> None:
        """Pass a chain by, or not."""
        self._model.move({bypass_path(key): on})

    # Changing it

    def load(self, chains: Chains, bypassed: Collection[str] = (), undoable: bool = True) -> None:
        """Let the engine play through these effects; of the chains that come anew, `bypassed` are passed by."""
        if self._racks is None:
            self.failed.emit(self.why_not)
            return
        step = None
        if undoable:
            now = self.now()
            if now.known and chains == now.chains:
                return      # a rack that is loaded again would end what its effects hold
            step = self._model.history.add({RACK: self._state(now.chains)}, {RACK: self._state(chains)})
            self._model.history_changed.emit()
        self._waiting.append(Wanted(chains, bypassed, step))
        if not self.busy:
            self._begin_next(self._racks)
        self.changed.emit()

    def _begin_next(self, racks: Racks) -> None:
        self._loading = wanted = self._waiting.pop(0)

        def load() -> str:
            racks.load(wanted.chains, wanted.bypassed)
            return self._state(wanted.chains)

        self._model.background.run(
            "effects", load, self._take_loaded, self._take_refusal, "the effects could not be loaded"
        )

    def remove_all(self) -> None:
        """Remove all effects, whoever loaded them."""
        if self._racks is not None:
            self.load({})
        else:
            self._model.request(
                vocabulary.RACK_LOAD, "", done=lambda _: None, failed=self.failed.emit,
                unforeseen="the effects could not be removed",
            )  # fmt: skip

    def read(self, path: Path) -> None:
        """Load a rack file."""
        if self._racks is not None:
            with self._told():
                self.load(self._racks.read(path))

    def take_preset(self, name: str, undoable: bool) -> bool:
        """Know the effects of a preset that the engine has loaded; whether it may have brought any.

        Steps of undo about those before them are void, unless the preset is a step itself that brings them back.
        """
        brings = True
        with self._told():
            brings = self._racks is None or self._racks.take_preset(name)
            if brings and not undoable:
                self._model.history.drop(lambda step: any(path == RACK or place_of(path) for path in step.before))
                self._model.history_changed.emit()
        self.changed.emit()
        return brings

    def state(self) -> str | None:
        """The rack as undo keeps it; None where it cannot be brought back from here."""
        now = self.now()
        return self._state(now.chains) if now.editable else None

    def write(self, path: Path) -> None:
        """Write the effects as they are into a rack file."""
        if self._racks is not None:
            with self._told():
                self._racks.write(path, self.chains)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what is refused."""
        try:
            yield
        except VQSSError as error:
            self.failed.emit(str(error))

    def _recall(self, value: Value) -> None:
        """Undo or redo a change of the rack, which has the settings of its effects."""
        self._model.forget_held(lambda path: not path.endswith("/bypass"))
        rack = json.loads(str(value))
        self.load(rack["chains"], rack["bypassed"], undoable=False)

    def _state(self, chains: Chains) -> str:
        """The rack as undo keeps it, with those of its chains that are passed by at this moment."""
        bypassed = sorted(key for key in chains if self.bypassed(key))
        return json.dumps({"chains": chains, "bypassed": bypassed})

    def _take_loaded(self, after: str) -> None:
        loaded, self._loading = self._loading, None
        if loaded is not None and loaded.step is not None:
            loaded.step.after[RACK] = after
        self._go_on()

    def _take_refusal(self, text: str) -> None:
        loaded, self._loading = self._loading, None
        refused = [wanted.step for wanted in (loaded, *self._waiting) if wanted is not None]
        self._model.history.drop(lambda step: any(step is other for other in refused))
        self._model.history_changed.emit()
        # Those with steps were made on top of what was refused; undo and redo have whole racks.
        self._waiting = [wanted for wanted in self._waiting if wanted.step is None]
        self.failed.emit(text)
        self._go_on()

    def _go_on(self) -> None:
        """With what waits, and with undo and redo that had to."""
        if self._waiting and self._racks is not None:
            self._begin_next(self._racks)
        self.changed.emit()
        self._model.resume()

    # What can be added

    def want_kinds(self) -> None:
        """See to it that `kinds` become known."""
        if self._racks is not None and not self.kinds and not self._listing:
            self._listing = True
            self._model.background.run(
                "effects-list", self._racks.kinds, self._take_kinds, self._miss_kinds, "the effects could not be listed"
            )

    def _take_kinds(self, kinds: Sequence[EffectKind]) -> None:
        self._listing, self.kinds = False, kinds
        self.kinds_known.emit()

    def _miss_kinds(self, text: str) -> None:
        self._listing = False
        self.failed.emit(text)
        self.kinds_known.emit()

    def fixed(self, entry: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """The arguments of an effect that only loading sets."""
        for kind in self.kinds:
            if all(entry.get(name) == value for name, value in kind.entry.items()):
                return kind.fixed
        return ()
