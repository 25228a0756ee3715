"""Ardour as a surface: strip n of the session is cluster n - 1, the master is the main output, both ways.

Ardour speaks its own OSC (`/set_surface`, `/strip/gain` …), in dB here, so that both sides read the same numbers.
The session's values count at first; later the newest change does, whoever made it. Ardour answers each change with its
new value, so that a change of ours without an answer, which UDP may have lost, is sent again.

Threads: that of a `Link` (`osc-remote`); changes of the mixer are sent on whatever thread they come.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from bridge.osc_link import Link
from bridge.osc_packet import Message, Scalar, encode_message
from bridge.osc_readings import Doubts, same_in_32_bits
from vqss_engine.control import Control, ParameterError, Value
from vqss_engine.taper import MAXIMUM_DB, SILENCE_DB

DEFAULT_PORT = 3819
_ALL_IN_ONE_BANK, _AUDIO_TRACKS, _GAIN_IN_DB, _WHERE_WE_ARE = 0, 1, 0, 0
_FEEDBACK = 1 + 2 + 8 + 16  # buttons, gains, heartbeat, master
_SILENCE_S = 3.0
_TRIES = 10  # which takes as long as silence does; no answer also comes where Ardour had that value before
_LEAVES = ("gain", "mute", "solo", "name")


class ArdourSurface:
    """Keeps `control` and the Ardour at `host`, `port` in step until closed; survives restarts of Ardour."""

    def __init__(self, control: Control, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> None:
        self._control = control
        self._address = (host, port)
        self._link = Link(self._keep, self._hear, lambda: None, lambda text: None)
        self._doubts = Doubts()
        self._said: dict[str, Scalar] = {}
        self._tries: dict[str, int] = {}
        self._heard_s = 0.0
        self._asked_s = 0.0
        self._leave: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Connect; raises VQSSError for an unknown host."""
        self._leave = self._control.subscribe(self._changed)
        self._link.start(*self._address)

    def close(self) -> None:
        """Let both go their own ways."""
        self._leave()
        self._link.close()

    @property
    def connected(self) -> bool:
        """Whether Ardour was heard in the last seconds."""
        return time.monotonic() - self._heard_s < _SILENCE_S

    # From the mixer to Ardour

    def _changed(self, path: str, value: Value, origin: object) -> None:
        if origin is self or isinstance(value, tuple):
            return
        if ardour_address(path, self._control.clusters):
            self._said.pop(path, None)
            self._tries[path] = _TRIES
            self._tell(path, value)

    def _tell(self, path: str, value: float | bool | str) -> None:
        if address := ardour_address(path, self._control.clusters):
            self._doubts.add(path)
            self._link.send(encode_message(*address, value))

    def _tell_again(self, path: str) -> None:
        """Tell what Ardour has not answered, unless it is away: its own values count when it returns."""
        tries = self._tries.pop(path, 0)
        if not (self.connected and tries):
            return
        self._tries[path] = tries - 1
        if not isinstance(value := self._control.get(path), tuple):
            self._tell(path, value)

    # From Ardour to the mixer

    def _keep(self, now_s: float) -> None:
        """Ask to be a surface as long as nothing is heard, and take Ardour's last word where both have spoken."""
        if not self.connected and now_s - self._asked_s > 1.0:
            self._asked_s = now_s
            # The port at the end: Ardour may be set to answer all surfaces at one port; 0 is where they ask from. A
            # port by its number would count for the whole host, and end what other surfaces there are on it.
            wish = (_ALL_IN_ONE_BANK, _AUDIO_TRACKS, _FEEDBACK, _GAIN_IN_DB, 0, 0, _WHERE_WE_ARE)
            self._link.send(encode_message("/set_surface", *wish))
        for path in self._doubts.due():
            if path in self._said:
                self._tries.pop(path, None)
                self._take(path, self._said.pop(path))
            else:
                self._tell_again(path)

    def _hear(self, message: Message) -> None:
        self._heard_s = time.monotonic()
        if not message.arguments:
            return
        path = mixer_path(message, self._control.clusters)
        if path in self._doubts:
            self._said[path] = message.arguments[-1]
        elif path:
            self._take(path, message.arguments[-1])

    def _take(self, path: str, value: Scalar) -> None:
        if isinstance(value, float) and path.endswith("/gain"):
            value = min(max(value, SILENCE_DB), MAXIMUM_DB)
        if isinstance(value, str) and not value.strip():
            return  # how Ardour tells of a strip that has gone
        if same_in_32_bits(self._control.get(path), value):
            return
        with contextlib.suppress(ParameterError):  # a name that is too long for a strip
            self._control.set(path, value, self)


def ardour_address(path: str, clusters: int) -> tuple[str, int] | tuple[str] | None:
    """Ardour's address (and strip) for one of ours; None where it has none."""
    parts = path.split("/")
    if parts[:3] == ["", "vqss", "main"] and parts[3] in ("gain", "mute"):
        return (f"/master/{parts[3]}",)
    if len(parts) == 5 and parts[2] == "cluster" and parts[4] in _LEAVES and int(parts[3]) < clusters:
        return (f"/strip/{parts[4]}", int(parts[3]) + 1)
    return None


def mixer_path(message: Message, clusters: int) -> str:
    """Our path for a message of Ardour's; '' where there is none."""
    parts = message.address.split("/")
    if len(parts) != 3 or parts[2] not in _LEAVES:
        return ""
    if parts[1] == "master" and parts[2] in ("gain", "mute"):
        return f"/vqss/main/{parts[2]}"
    strip = message.arguments[0]
    if parts[1] == "strip" and len(message.arguments) == 2 and isinstance(strip, int) and 1 <= strip <= clusters:
        return f"/vqss/cluster/{strip - 1}/{parts[2]}"
    return ""
