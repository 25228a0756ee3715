"""RemoteControl: a mixer that runs elsewhere, with the interface of `ControlSurface`, over OSC.

It keeps a copy of the remote surface: reading never waits, setting changes the copy at once and then the original.
The copy is fetched whole over HTTP when a connection is made, after the engine was restarted, and when effects come
or go; between, changes come as OSC. The engine's word counts: what it refuses or never heard is set right here.

Threads: `osc-remote` receives, renews the subscription and fetches; callbacks about what others changed run on it.
Setting and reading may be done on any thread, and do not block; `act` waits for answers about files.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from bridge.osc_answers import ANSWERED, SLOW, SLOW_S, Answers
from bridge.osc_dispatch import change_message
from bridge.osc_feeds import ERROR, SESSION
from bridge.osc_link import Link
from bridge.osc_mirror import cluster_count, fetch_description, mirror_of, update
from bridge.osc_packet import Message, encode_bundle, encode_message
from bridge.osc_readings import Doubts, read_feed, same_in_32_bits
from bridge.osc_sockets import address_text
from vqss_engine.control import (
    Action,
    Callback,
    ControlSurface,
    EngineState,
    Feed,
    News,
    Parameter,
    ParameterError,
    Telemetry,
    TelemetrySnapshot,
    UnknownAddress,
    Value,
)
from vqss_engine.errors import VQSSError
from vqss_engine.notifier import Notifier
from vqss_engine.vocabulary import POSITION, PRESET_LIST

REMOTE = "remote"
"""The origin of changes that came over the wire."""

_RENEW_S, _RETRY_S, _SILENCE_S, _REFRESH_S, _ANSWER_S = 2.0, 0.3, 3.5, 15.0, 10.0


class RemoteControl:
    """The mixer at `host`, `port`; levels come `levels_per_s` times a second (0...60).

    Spectra come as often as `telemetry.spectra_per_s` says, which whoever shows them sets.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 9000, levels_per_s: float = 30.0) -> None:
        self.host, self.port, self._levels_per_s = host, port, levels_per_s
        self._mirror = ControlSurface()
        self._changes = Notifier(self._report)
        self._vocabulary_changes = Notifier(self._report)
        self._news = Notifier(self._report)
        self._connections = Notifier(self._report)
        self._leave: list[Callable[[], None]] = []
        self._listen_to(self._mirror)
        self._doubts = Doubts()
        self._answers = Answers()
        self._known: tuple[Any, ...] = ()
        self._asked_spectra = 0.0
        self._heard_s = self._renew_s = self._refresh_s = 0.0
        self._in_step = threading.Event()
        self._link = Link(self._keep, self._hear, self._miss, self._report)

    # Connection

    def connect(self, timeout_s: float = 5.0) -> None:
        """Start, and wait until the copy is whole; raises VQSSError where it does not come about.

        From then on a connection that is lost is made again by itself.
        """
        self.start()
        if not self._in_step.wait(timeout_s):
            self.close()
            place = address_text(self.host, self.port)
            raise VQSSError(f"no VQSS answers at {place}; start `vqss live`, or check host and port")

    def start(self) -> None:
        """Start to connect, and return at once; raises VQSSError for an unknown host."""
        self._link.start(self.host, self.port)

    def close(self) -> None:
        """End the subscription and the thread. May be called twice."""
        self._link.send(encode_message("/vqss/unsubscribe"))
        self._link.close()

    @property
    def connected(self) -> bool:
        """Whether the engine answers and the copy is whole."""
        return self._in_step.is_set()

    def subscribe_connection(self, callback: Callable[[bool], None]) -> Callable[[], None]:
        """Call `callback(connected)` when the connection comes or goes; returns what ends it."""
        return self._connections.subscribe(callback)

    # The interface of ControlSurface

    @property
    def clusters(self) -> int:
        """K; another model after a restart may have another."""
        return self._mirror.clusters

    @property
    def telemetry(self) -> Telemetry:
        """What the engine last reported."""
        return self._mirror.telemetry

    def levels(self) -> TelemetrySnapshot:
        """The latest telemetry; `errors` are what the engine refused."""
        return self._mirror.levels()

    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters there are now."""
        return self._mirror.parameters()

    def parameter(self, path: str) -> Parameter:
        """The parameter at `path`; raises UnknownAddress."""
        return self._mirror.parameter(path)

    def actions(self) -> tuple[Action, ...]:
        """All actions."""
        return self._mirror.actions()

    def feeds(self) -> tuple[Feed, ...]:
        """All messages that only go out."""
        return self._mirror.feeds()

    def __contains__(self, path: object) -> bool:
        return path in self._mirror

    def get(self, path: str) -> Value:
        """The value at `path`; raises UnknownAddress."""
        return self._mirror.get(path)

    def values(self) -> dict[str, Value]:
        """Every path and its value."""
        return self._mirror.values()

    def set(self, path: str, value: object, origin: object = None) -> Value:
        """Set one parameter; returns the value taken. Raises ParameterError, and then changes nothing."""
        self.set_many({path: value}, origin)
        return self.get(path)

    def set_many(self, values: Mapping[str, object], origin: object = None) -> None:
        """Set several parameters at once, here and there; raises ParameterError, and then changes nothing."""
        messages = []
        for path, value in values.items():
            parameter = self.parameter(path)
            messages.append(change_message(path, parameter.check(value)))
            if path != POSITION:
                self._doubts.add(parameter.view_of or path)
        self._mirror.set_many(values, origin)
        if messages:
            self._link.send(messages[0] if len(messages) == 1 else encode_bundle(messages))

    def act(self, path: str, *arguments: object, origin: object = None) -> Any:
        """Do the action at `path`. Those on files wait for the answer and return it: up to 10 s, 60 s to load effects.

        Raises UnknownAddress, ParameterError on wrong arguments, and VQSSError for what the engine refuses or
        leaves unanswered; what it refuses later is told in `levels().errors`.
        """
        action = next((action for action in self.actions() if action.path == path), None)
        if action is None:
            raise UnknownAddress(path)
        message = encode_message(path, *(v for v in action.check(arguments) if not isinstance(v, tuple)))
        if path not in ANSWERED or self._link.is_this_thread:
            self._link.send(message)
            return None
        result = self._answers.ask(path, lambda: self._link.send(message), SLOW_S if path in SLOW else _ANSWER_S)
        return [name for name in result if name] if path == PRESET_LIST else result[-1]

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Call `callback(path, value, origin)` at every real change; returns a function that ends it."""
        return self._changes.subscribe(callback)

    def subscribe_vocabulary(self, callback: Callable[[tuple[str, ...], tuple[str, ...]], None]) -> Callable[[], None]:
        """Call `callback(added paths, removed paths)` when parameters come or go; returns what ends it."""
        return self._vocabulary_changes.subscribe(callback)

    def subscribe_news(self, callback: News) -> Callable[[], None]:
        """Call `callback(path, answer)` when an action would answer something else; returns what ends it."""
        return self._news.subscribe(callback)

    def _listen_to(self, mirror: ControlSurface) -> None:
        """Pass on what changes in `mirror`, and only there."""
        for leave in self._leave:
            leave()
        self._leave = [
            mirror.subscribe(self._changes.tell),
            mirror.subscribe_vocabulary(self._vocabulary_changes.tell),
            mirror.subscribe_news(self._news.tell),
        ]

    def _report(self, text: str) -> None:
        self._mirror.telemetry.report(text)

    # The wire

    def _keep(self, now_s: float) -> None:
        """Renew the subscription, ask for what is in doubt, and notice silence."""
        if self.connected and now_s - self._heard_s > _SILENCE_S:
            self._lose()
            self._answers.fail("the engine does not answer; try again when it does", spared=SLOW)
        spectra = self.telemetry.spectra_per_s
        if now_s >= self._renew_s or spectra != self._asked_spectra:
            self._asked_spectra = spectra
            self._renew_s = now_s + (_RENEW_S if self.connected else _RETRY_S)
            self._link.send(encode_message("/vqss/subscribe", 0, float(self._levels_per_s), float(spectra)))
        if now_s >= self._refresh_s:
            self._refresh_s = now_s + _REFRESH_S
            if self.connected:
                self._link.send(encode_message("/vqss/refresh"))
        for path in self._doubts.due():
            self._link.send(encode_message(path))

    def _miss(self) -> None:
        """Nobody listens where the engine was."""
        self._lose()
        self._answers.fail("the engine has ended; try again when it runs")

    def _lose(self) -> None:
        """The engine has gone: what is known of it counts no more."""
        self._known = ()
        self._renew_s = min(self._renew_s, time.monotonic() + _RETRY_S)
        self.telemetry.state = EngineState.STOPPED
        self.telemetry.silence()
        if self.connected:
            self._in_step.clear()
            self._tell_connection()

    def _tell_connection(self) -> None:
        self._connections.tell(self.connected)

    def _hear(self, message: Message) -> None:
        """Take in one message of the engine."""
        address, arguments = message.address, message.arguments
        self._heard_s = time.monotonic()
        if read_feed(self.telemetry, address, arguments):
            return
        if address == PRESET_LIST:      # an answer to somebody here, or news; both are the names of now
            self._mirror.tell(address, *map(str, filter(None, arguments)))
        if address == SESSION:
            if arguments != self._known:
                self._fetch(arguments)
        elif address == ERROR and len(arguments) == 2:
            self._refused(str(arguments[0]), str(arguments[1]))
        elif not self._answers.tell(address, True, arguments):
            self._take(address, arguments[0] if len(arguments) == 1 else arguments)

    def _refused(self, address: str, text: str) -> None:
        if not self._answers.tell(address, False, (text,)):
            self._report(text)

    def _take(self, path: str, value: object) -> None:
        """Take over a value that is not older than ours. A fader is left out: its gain comes as well."""
        if path not in self._mirror or self.parameter(path).view_of or path in self._doubts:
            return
        if not same_in_32_bits(self.get(path), value):
            with contextlib.suppress(ParameterError):
                self._mirror.set(path, value, REMOTE)

    def _fetch(self, session: tuple[Any, ...]) -> None:
        """Bring the copy up to the engine's state; where that fails it is tried again at the next renewal."""
        try:
            tree = fetch_description(self.host, self.port)
            if cluster_count(tree) != self.clusters:
                self._adopt(mirror_of(tree))
            update(self._mirror, tree, REMOTE, self._doubts)
        except VQSSError as error:
            self._report(str(error))
            return
        self._known = session
        self._heard_s = time.monotonic()
        if not self.connected:
            self._in_step.set()
            self._tell_connection()

    def _adopt(self, mirror: ControlSurface) -> None:
        """Go on with a copy that has another number of clusters."""
        old, self._mirror = self._mirror, mirror
        mirror.telemetry.spectra_per_s = old.telemetry.spectra_per_s
        self._listen_to(mirror)
        before, after = ([parameter.path for parameter in surface.parameters()] for surface in (old, mirror))
        added = tuple(path for path in after if path not in old)
        removed = tuple(path for path in before if path not in mirror)
        self._vocabulary_changes.tell(added, removed)
