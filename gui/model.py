"""What the window shows of a mixer, on the Qt thread only.

Threads: a Control calls back on any of its threads; `MixerModel` notes which paths changed and emits `changed` on the
thread it lives on, with the value of that moment. Many changes of one path become one, the newest. In the background
`request` waits for what an engine answers. Nothing blocks but `close`, which waits a moment for what runs there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from PyQt6.QtCore import QObject, Qt, QThread, pyqtSignal

from gui.background import Background
from gui.history import History
from vqss_engine.control import Control, Telemetry, Value, followed
from vqss_engine.errors import VQSSError

NO_ANSWER = "the engine does not answer; try again when it does"


class Mixer(Control, Protocol):
    """A Control that also reports spectra and health: a ControlSurface, or a remote one."""

    @property
    def telemetry(self) -> Telemetry: ...


def cluster_path(k: int, leaf: str) -> str:
    """The address of one parameter of cluster `k`."""
    return f"/vqss/cluster/{k}/{leaf}"


class MixerModel(QObject):
    """Reads, sets and follows a mixer; what is set through `move` can be undone."""

    changed = pyqtSignal(str, object)
    caught_up = pyqtSignal()
    """After the last of several `changed`."""
    vocabulary_changed = pyqtSignal()
    connection_changed = pyqtSignal(bool)
    failed = pyqtSignal(str)
    history_changed = pyqtSignal()
    news = pyqtSignal(str, object)
    """The path of an action, and what it would answer from now on."""
    _woken = pyqtSignal()

    def __init__(self, mixer: Mixer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.mixer = mixer
        self.history = History()
        self.background = Background(self)
        self.takers: dict[str, Callable[[Value], None]] = {}
        """Who takes values of undo that are not the mixer's: name in the history -> what to call."""
        self.holds: Callable[[str], bool] = lambda path: False
        """Whether undo and redo of a path must wait, because it is still on its way; `resume` goes on with them."""
        self._held: dict[str, Value] = {}
        self._unsent: dict[str, Value] = {}     # set while nobody answered, newest last
        self.connected = bool(getattr(mixer, "connected", True))
        self._lock = threading.Lock()
        self._stale: dict[str, None] = {}
        self._vocabulary_stale = False
        self._connection: bool | None = None
        self._asleep = True
        self._woken.connect(self._refresh, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]
        self._leave = [
            mixer.subscribe(self._note), mixer.subscribe_vocabulary(self._note_vocabulary),
            mixer.subscribe_news(self.news.emit),
        ]  # fmt: skip
        if hasattr(mixer, "subscribe_connection"):
            self._leave.append(mixer.subscribe_connection(self._note_connection))

    def close(self) -> None:
        """Follow no more, and let what runs in the background come to an end."""
        for leave in self._leave:
            leave()
        self._leave = []
        self.background.close()

    # Reading

    @property
    def clusters(self) -> int:
        """K."""
        return self.mixer.clusters

    def get(self, path: str) -> Value:
        """The value of `path` now, which must be one that every mixer has at all times; `find` is for the others."""
        return self.mixer.get(path)

    def find(self, path: str) -> Value | None:
        """The value of `path` now; None where it has gone, as effects and clusters may at any moment."""
        try:
            return self.mixer.get(path)
        except VQSSError:
            return None

    def settings(self, leaves: Sequence[str], paths: Sequence[str]) -> dict[str, Value]:
        """Path -> value now of these leaves of every cluster, and of other paths, without those that have gone."""
        wanted = [*(cluster_path(k, leaf) for k in range(self.clusters) for leaf in leaves), *paths]
        found = {path: self.find(path) for path in wanted}
        return {path: value for path, value in found.items() if value is not None}

    def text(self, path: str) -> str:
        """The value of a parameter that is a text; empty where it has gone."""
        value = self.find(path)
        return "" if value is None else str(value)

    def leader(self, k: int) -> int:
        """The cluster whose strip `k` follows, through all joins; its own where they lead in a circle."""
        return followed(k, self._group_of)

    def _group_of(self, k: int) -> int:
        joined = self.find(cluster_path(k, "group"))
        return joined if isinstance(joined, int) else -1

    def members(self, k: int) -> list[int]:
        """The clusters that follow the strip of `k`, `k` left out."""
        return [other for other in range(self.clusters) if other != k and self.leader(other) == k]

    def label(self, k: int) -> str:
        """The cluster's name, or its number in words."""
        return self.text(cluster_path(k, "name")) or f"cluster {k}"

    # Setting

    def move(self, values: Mapping[str, object], gesture: object = None) -> bool:
        """Set parameters as one step of undo; steps of one `gesture` become one. False, and `failed`, if refused."""
        try:
            before = {path: self.mixer.get(path) for path in values}
            self.mixer.set_many(values, self)
            after = {path: self.mixer.get(path) for path in values}
        except VQSSError as error:
            self.failed.emit(str(error))
            self._settle(values)
            return False
        self.forget_held(lambda path: path in values)
        self._keep_unsent(after)
        self.history.add(before, after, gesture)
        self.history_changed.emit()
        self._settle(values)
        return True

    def put(self, path: str, value: object) -> bool:
        """Set a parameter that undo leaves alone (transport, source)."""
        try:
            self._keep_unsent({path: self.mixer.set(path, value, self)})
            return True
        except VQSSError as error:
            self.failed.emit(str(error))
            return False
        finally:
            self._settle({path: value})

    def act(self, path: str, *arguments: object) -> None:
        """Do an action that answers nothing; `failed`, if refused."""
        if not self.connected:
            self.failed.emit(NO_ANSWER)
            return
        try:
            self.mixer.act(path, *arguments, origin=self)
        except VQSSError as error:
            self.failed.emit(str(error))

    def request(
        self, path: str, *arguments: object,
        done: Callable[[Any], object], failed: Callable[[str], object], unforeseen: str,
    ) -> None:  # fmt: skip
        """Do an action on files, which may take seconds, without waiting: `done(answer)` or `failed(text)` comes later.

        Of what nobody foresaw the text is `unforeseen`. Where nobody answers, `failed` comes at once.
        """
        if not self.connected:
            failed(NO_ANSWER)
            return
        self.background.run(
            "request", lambda: self.mixer.act(path, *arguments, origin=self), done, failed, unforeseen
        )

    def undo(self) -> bool:
        """Take back the last step; what of it cannot be set yet, as soon as that can be."""
        return self._apply(self.history.undo())

    def redo(self) -> bool:
        """Do again what was taken back; what of it cannot be set yet, as soon as that can be."""
        return self._apply(self.history.redo())

    def resume(self) -> None:
        """Go on with undo and redo that had to wait."""
        self._apply(self._held)

    def forget_held(self, unwanted: Callable[[str], bool]) -> None:
        """Leave out what waits of undo and redo, of paths that something newer has settled."""
        self._held = {path: value for path, value in self._held.items() if not unwanted(path)}

    def _apply(self, step: Mapping[str, Value] | None) -> bool:
        if not step:
            return False
        self._held = {path: value for path, value in {**self._held, **step}.items() if self.holds(path)}
        values = {path: value for path, value in step.items() if path not in self._held}
        own = {path: value for path, value in values.items() if self.find(path) is not None}    # effects come and go
        try:
            self.mixer.set_many(own, self)
        except VQSSError as error:
            self.failed.emit(str(error))
            return False
        finally:
            self.history_changed.emit()
        self._keep_unsent(own)
        for name in values.keys() & self.takers.keys():
            self.takers[name](values[name])
        self._settle(own)
        return True

    def _keep_unsent(self, values: Mapping[str, Value]) -> None:
        """Where nobody answers, note what the next who does shall have."""
        if not self.connected:
            self._unsent = {path: value for path, value in self._unsent.items() if path not in values} | dict(values)

    def _send_again(self) -> None:
        unsent, self._unsent = self._unsent, {}
        for path, value in unsent.items():
            if self.find(path) is not None:
                self.put(path, value)

    def _settle(self, values: Mapping[str, object]) -> None:
        """Show what was set here at once, also where the mixer took another value or none."""
        for path in values:
            self._note(path, None, None)
        if QThread.currentThread() is self.thread():
            self._refresh()

    # Following

    def _note(self, path: str, value: object, origin: object) -> None:
        with self._lock:
            self._stale[path] = None
        self._wake()

    def _note_vocabulary(self, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        with self._lock:
            self._vocabulary_stale = True
        self._wake()

    def _note_connection(self, connected: bool) -> None:
        with self._lock:
            self._connection = connected
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            asleep, self._asleep = self._asleep, False
        if asleep:
            self._woken.emit()

    def _refresh(self) -> None:
        """Emit what has changed since the last time."""
        with self._lock:
            stale, self._stale = self._stale, {}
            vocabulary, self._vocabulary_stale = self._vocabulary_stale, False
            connection, self._connection = self._connection, None
            self._asleep = True
        if connection is not None and connection != self.connected:
            self.connected = connection
            if connection:
                self._send_again()
            self.connection_changed.emit(connection)
        if vocabulary:
            self.vocabulary_changed.emit()
        for path in stale:
            if (value := self.find(path)) is not None:
                self.changed.emit(path, value)
        self.caught_up.emit()
