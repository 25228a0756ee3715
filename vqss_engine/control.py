"""The one door to a running mixer: parameters as data, one immutable state, notification with origin.

Threads: any may read, write and subscribe; writers hold a short lock. Callbacks run outside the lock, in the order
of the changes, on the thread of a writer. The engine never locks: it reads `ControlSurface.state` once a hop, a
reference to an immutable `MixerState`. Standard library only, so that screens and remotes live on it cheaply.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from vqss_engine import vocabulary
from vqss_engine.fx_addresses import FxPlace, bypass_path, chain_path, place_of
from vqss_engine.notifier import Notifier
from vqss_engine.parameters import Action, Argument, Feed, Parameter, ParameterError, UnknownAddress, Value
from vqss_engine.preset_names import check_preset_name
from vqss_engine.state import MixerState, followed, state_fields
from vqss_engine.taper import db_to_fader, db_to_linear, fader_to_db
from vqss_engine.telemetry import EngineState, Telemetry, TelemetrySnapshot
from vqss_engine.vocabulary import PRESET_CLUSTER_KEYS, PRESET_MAIN_KEYS

__all__ = [
    "PRESET_CLUSTER_KEYS",
    "PRESET_MAIN_KEYS",
    "Action",
    "Argument",
    "Control",
    "ControlSurface",
    "EngineState",
    "Feed",
    "FxPlace",
    "MixerState",
    "News",
    "Parameter",
    "ParameterError",
    "Telemetry",
    "TelemetrySnapshot",
    "UnknownAddress",
    "Value",
    "bypass_path",
    "chain_path",
    "check_preset_name",
    "db_to_fader",
    "db_to_linear",
    "fader_to_db",
    "followed",
    "place_of",
    "vocabulary",
]

Callback = Callable[[str, Value, object], None]
"""Called with path, new value and the origin that the writer gave."""

News = Callable[[str, tuple[str, ...]], None]
"""Called with the path of an action, and what it would answer from now on."""

Guard = Callable[[Value], None]
"""Called with a value about to be set; raises ParameterError (or any VQSSError) to refuse it."""


class Control(Protocol):
    """What a screen needs of a mixer: `ControlSurface` in this process, or a remote one elsewhere."""

    @property
    def clusters(self) -> int: ...
    def parameters(self) -> tuple[Parameter, ...]: ...
    def parameter(self, path: str) -> Parameter: ...
    def get(self, path: str) -> Value: ...
    def values(self) -> dict[str, Value]: ...
    def set(self, path: str, value: object, origin: object = None) -> Value: ...
    def set_many(self, values: Mapping[str, object], origin: object = None) -> None: ...
    def act(self, path: str, *arguments: object, origin: object = None) -> Any: ...
    def subscribe(self, callback: Callback) -> Callable[[], None]: ...
    def subscribe_vocabulary(
        self, callback: Callable[[tuple[str, ...], tuple[str, ...]], None]
    ) -> Callable[[], None]: ...
    def subscribe_news(self, callback: News) -> Callable[[], None]: ...
    def levels(self) -> TelemetrySnapshot: ...


class ControlSurface:
    """The parameters of a mixer with K clusters; `names`, `colors` are the model's defaults ('' for none)."""

    def __init__(self, clusters: int = 16, names: Sequence[str] = (), colors: Sequence[str] = ()) -> None:
        self.telemetry = Telemetry(clusters)
        self._clusters = clusters
        self._state = MixerState.default(clusters)
        self._fields = state_fields(clusters)
        self._parameters: dict[str, Parameter] = {}
        self._values: dict[str, Value] = {}
        self._views: dict[str, str] = {}
        self._registered: dict[str, Callback | None] = {}
        self._guards: dict[str, Guard] = {}
        self._actions = {action.path: action for action in vocabulary.ACTIONS}
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._lock = threading.Lock()
        self._changes = Notifier(self.telemetry.report)
        self._vocabulary_changes = Notifier(self.telemetry.report)
        self._news = Notifier(self.telemetry.report)
        for k in range(clusters):
            name, color = names[k] if k < len(names) else "", colors[k] if k < len(colors) else ""
            self._insert(vocabulary.cluster_parameters(k, clusters, name, color))
        self._insert(vocabulary.MAIN_PARAMETERS)

    @property
    def clusters(self) -> int:
        """K."""
        return self._clusters

    @property
    def state(self) -> MixerState:
        """The state to mix by, complete and unchanging; one reference read, no lock."""
        return self._state

    def levels(self) -> TelemetrySnapshot:
        """The latest telemetry."""
        return self.telemetry.snapshot()

    # What there is

    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters there are now: clusters, main, effects."""
        with self._lock:
            return tuple(self._parameters.values())

    def parameter(self, path: str) -> Parameter:
        """The parameter at `path`; raises UnknownAddress."""
        try:
            return self._parameters[path]
        except KeyError:
            raise UnknownAddress(path) from None

    def actions(self) -> tuple[Action, ...]:
        """All actions, handled here or not."""
        return tuple(self._actions.values())

    def feeds(self) -> tuple[Feed, ...]:
        """All messages that only go out."""
        return vocabulary.FEEDS

    def __contains__(self, path: object) -> bool:
        return path in self._parameters

    # Values

    def get(self, path: str) -> Value:
        """The value at `path`; raises UnknownAddress."""
        parameter = self.parameter(path)
        try:
            return self._shown(parameter, self._values[parameter.view_of or path])
        except KeyError:
            raise UnknownAddress(path) from None

    def values(self) -> dict[str, Value]:
        """Every path and its value, views included, all of one moment."""
        with self._lock:
            parameters, values = tuple(self._parameters.values()), dict(self._values)
        return {p.path: self._shown(p, values[p.view_of or p.path]) for p in parameters}

    def _shown(self, parameter: Parameter, stored: Value) -> Value:
        """The stored value as this parameter shows it."""
        if parameter.path == vocabulary.POSITION:
            return float(self.telemetry.position_s)
        return db_to_fader(_number(stored)) if parameter.view_of else stored

    def set(self, path: str, value: object, origin: object = None) -> Value:
        """Set one parameter; returns the value taken. Raises ParameterError, and then changes nothing."""
        self.set_many({path: value}, origin)
        return self.get(path)

    def set_many(self, values: Mapping[str, object], origin: object = None) -> None:
        """Set several parameters at once: the engine sees all of them from the same hop on, or none.

        Of a gain and its fader, the later entry wins. Raises ParameterError, and then changes nothing.
        """
        stored = dict(self._check(path, value) for path, value in values.items())
        with self._lock:
            for path in stored:
                if path not in self._values:
                    raise UnknownAddress(path)
            self._store(stored, origin)
        self._changes.deliver()

    def _check(self, path: str, value: object) -> tuple[str, Value]:
        """Path and value as they are stored: checked, guarded, a view turned into what it shows."""
        parameter = self.parameter(path)
        taken = parameter.check(value)
        if guard := self._guards.get(path):
            guard(taken)
        return (parameter.view_of, fader_to_db(_number(taken))) if parameter.view_of else (path, taken)

    def _store(self, values: Mapping[str, Value], origin: object) -> None:
        """Keep real changes and queue their notifications. The lock is held."""
        state = self._state
        for path, value in values.items():
            if path == vocabulary.POSITION:
                self.telemetry.position_s = _number(value)
            elif self._values[path] == value:
                continue
            self._values[path] = value
            if path in self._fields:
                state = state.with_value(*self._fields[path], value)
            self._changes.queue(path, value, origin, first=self._registered.get(path))
            if path in self._views:
                self._changes.queue(self._views[path], db_to_fader(_number(value)), origin)
        self._state = state

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Call `callback(path, value, origin)` at every real change and at every seek; returns what ends it."""
        return self._changes.subscribe(callback)

    # Actions

    def on_action(self, path: str, handler: Callable[..., Any]) -> None:
        """Let `handler(*arguments, origin=origin)` answer the action at `path`; the last one given counts."""
        if path not in self._actions:
            raise UnknownAddress(path)
        self._handlers[path] = handler

    def act(self, path: str, *arguments: object, origin: object = None) -> Any:
        """Do the action at `path` and return its handler's answer.

        Raises UnknownAddress, ParameterError on wrong arguments, and what the handler raises.
        """
        if path not in self._actions:
            raise UnknownAddress(path)
        checked = self._actions[path].check(arguments)
        if path not in self._handlers:
            raise ParameterError(path, arguments, "it to a host that offers this action; this one does not")
        return self._handlers[path](*checked, origin=origin)

    def tell(self, path: str, *answer: str) -> None:
        """Let all who follow know what the action at `path` would answer from now on: a list that has changed."""
        self._news.tell(path, answer)

    def subscribe_news(self, callback: News) -> Callable[[], None]:
        """Call `callback(path, answer)` when an action would answer something else; returns what ends it."""
        return self._news.subscribe(callback)

    # What the host adds

    def guard(self, path: str, check: Guard) -> None:
        """Ask `check(value)` before any change of `path`; it raises ParameterError to refuse. It may block."""
        self.parameter(path)
        self._guards[path] = check

    def register(self, parameters: Iterable[Parameter], watcher: Callback | None = None) -> None:
        """Add parameters, of effects for instance; `watcher` hears of changes of these, before subscribers do.

        Raises ParameterError where a path is in use or a default not allowed, and then adds nothing.
        """
        added = {parameter.path: parameter for parameter in parameters}
        for parameter in added.values():
            parameter.check(parameter.default)
        with self._lock:
            for path in added:
                if path in self._parameters or path in self._actions:
                    raise ParameterError(path, path, "a path that is not in use")
            self._insert(added.values())
            self._registered.update(dict.fromkeys(added, watcher))
            self._vocabulary_changes.queue(tuple(added), ())
        self._vocabulary_changes.deliver()

    def unregister(self, paths: Iterable[str]) -> None:
        """Remove parameters that were registered; paths that were not are passed over."""
        with self._lock:
            removed = tuple(path for path in paths if path in self._registered)
            for path in removed:
                del self._parameters[path], self._values[path], self._registered[path]
                self._guards.pop(path, None)
            self._vocabulary_changes.queue((), removed)
        self._vocabulary_changes.deliver()

    def subscribe_vocabulary(self, callback: Callable[[tuple[str, ...], tuple[str, ...]], None]) -> Callable[[], None]:
        """Call `callback(added paths, removed paths)` when parameters come or go; returns what ends it."""
        return self._vocabulary_changes.subscribe(callback)

    def _insert(self, parameters: Iterable[Parameter]) -> None:
        for parameter in parameters:
            self._parameters[parameter.path] = parameter
            if parameter.view_of:
                self._views[parameter.view_of] = parameter.path
            else:
                self._values[parameter.path] = parameter.default


def _number(value: Value) -> float:
    """A value known to be one number."""
    return float(value)  # type: ignore[arg-type]
