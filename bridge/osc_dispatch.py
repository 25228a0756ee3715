"""What an OSC packet asks of a control surface: sets, gets and actions, and the errors that go back to its sender.

Threads: everything here runs on the one thread that receives. It may block, as long as an action takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bridge.osc_feeds import ERROR
from bridge.osc_packet import Address, Message, PacketError, Scalar, decode_packet, encode_message
from bridge.osc_patterns import AddressIndex, PatternError, is_pattern
from vqss_engine.control import ControlSurface, ParameterError, UnknownAddress, Value
from vqss_engine.errors import VQSSError

Check = Callable[[str], object]
"""Called with a text that names a file; raises VQSSError to refuse it."""

Send = Callable[[bytes, Address], None]

MOST_TARGETS = 4096
"""How many values one packet may set or ask for, patterns counted out."""

ERRORS_PER_S = 100
"""How many errors a second one sender is told of; more would only feed a flood."""

LARGEST_ANSWER = 60_000
"""In bytes; UDP takes little more."""

_COST_OF_PATTERN = 32
_MOST_SENDERS = 256
_LONGEST_TEXT = 400


class ErrorBudget:
    """How many more errors each sender may be sent within this second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._second = clock, 0
        self._sent: dict[Address, int] = {}

    def take(self, sender: Address) -> bool:
        """Whether one more may be sent; if so it is counted."""
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._sent.clear()
        sent = self._sent.get(sender, 0)
        if sent >= ERRORS_PER_S or (not sent and len(self._sent) >= _MOST_SENDERS):
            return False
        self._sent[sender] = sent + 1
        return True


class Wishes:
    """What packets ask for: values to set, in order, and paths to answer."""

    def __init__(self) -> None:
        self.sets: dict[str, Value] = {}
        self.gets: dict[str, None] = {}
        self._left = MOST_TARGETS

    def renew(self) -> None:
        """Begin to count anew, for another packet."""
        self._left = MOST_TARGETS

    def spend(self, targets: int) -> None:
        """Count what a message asks for; raises VQSSError where a packet asks for too much."""
        self._left -= targets
        if self._left < 0:
            raise VQSSError(f"a packet asks for more than {MOST_TARGETS} values; send several packets")


class Dispatcher:
    """Takes packets. `checks` guard texts that name files, by path; `send` answers a sender."""

    def __init__(
        self,
        surface: ControlSurface,
        send: Send,
        checks: Mapping[str, Check] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._surface, self._send = surface, send
        self._checks = dict(checks or {})
        self._actions = {action.path: action for action in surface.actions()}
        self._own: dict[str, Callable[..., None]] = {}
        self._feeds: dict[str, Callable[[], bytes] | None] = {feed.path: None for feed in surface.feeds()}
        self._errors = ErrorBudget(clock)
        self.index()

    def index(self) -> None:
        """Take note of the addresses there are now."""
        self._index = AddressIndex(parameter.path for parameter in self._surface.parameters())

    def answer_action(self, path: str, handler: Callable[..., None]) -> None:
        """Let `handler(sender, *arguments)` do an action that is between sender and server."""
        self._own[path] = handler

    def answer_feed(self, path: str, message: Callable[[], bytes]) -> None:
        """Answer a get of a feed by its present message."""
        self._feeds[path] = message

    def handle(self, packets: Iterable[tuple[bytes, Address]]) -> None:
        """Do all that packets ask, in order; what is refused is told to the sender. Raises nothing.

        The sets of a packet are applied together. So are those of packets in a row of one sender that only set:
        of a flood that has piled up, the engine and all subscribers see the outcome.
        """
        wishes, maker = Wishes(), None
        for data, sender in packets:
            try:
                messages = decode_packet(data)
            except PacketError as error:
                self.refuse(sender, error.address, str(error))
                continue
            if maker is not None and (sender != maker or not all(map(self._only_sets, messages))):
                self._finish(wishes, maker)
            maker = sender
            wishes.renew()
            for message in messages:
                self._guarded(sender, message.address, self._take, message, sender, wishes)
            if wishes.gets:
                self._finish(wishes, sender)
        if maker is not None:
            self._finish(wishes, maker)

    def _only_sets(self, message: Message) -> bool:
        return bool(message.arguments) and message.address not in self._actions

    def _finish(self, wishes: Wishes, sender: Address) -> None:
        """Apply and answer all that was wished so far."""
        self._apply(wishes, sender)
        for path in wishes.gets:
            self._guarded(sender, path, self._tell, path, sender)
        wishes.gets.clear()

    def _guarded(self, sender: Address, address: str, act: Callable[..., None], *arguments: Any) -> None:
        """Do something; what fails goes back to the sender, and never ends the thread."""
        try:
            act(*arguments)
        except (VQSSError, PatternError) as error:
            self.refuse(sender, address, str(error))
        except Exception as error:
            self._surface.telemetry.report(f"OSC {address} failed ({type(error).__name__}: {error})")
            self.refuse(sender, address, f"failed inside ({type(error).__name__}); this is a fault of the program")

    def _take(self, message: Message, sender: Address, wishes: Wishes) -> None:
        """Note what a message sets or asks; do what it acts. Raises VQSSError or PatternError."""
        address, arguments = message.address, message.arguments
        if address in self._feeds:
            feed = self._feeds[address]
            if feed and not arguments:
                self._send(feed(), sender)
        elif address in self._actions:
            self._apply(wishes, sender)
            self._act(address, arguments, sender)
        elif arguments:
            for path in self._matching(address, wishes):
                self._guarded(sender, path, self._wish, path, arguments, wishes)
        else:
            wishes.gets.update(dict.fromkeys(self._matching(address, wishes)))

    def _matching(self, address: str, wishes: Wishes) -> tuple[str, ...]:
        if not is_pattern(address):
            if address not in self._surface:
                raise UnknownAddress(address)
            wishes.spend(1)
            return (address,)
        wishes.spend(_COST_OF_PATTERN)
        if not (paths := self._index.find(address)):
            raise UnknownAddress(address)
        wishes.spend(len(paths))
        return paths

    def _wish(self, path: str, arguments: tuple[Scalar, ...], wishes: Wishes) -> None:
        value = self._surface.parameter(path).check(arguments[0] if len(arguments) == 1 else arguments)
        if check := self._checks.get(path):
            check(str(value))
        wishes.sets.pop(path, None)  # of a gain and its fader the later counts, so the order matters
        wishes.sets[path] = value

    def _apply(self, wishes: Wishes, sender: Address) -> None:
        """Set all that was wished so far at once; what a guard of the surface refuses is left out."""
        while wishes.sets:
            try:
                self._surface.set_many(wishes.sets, sender)
                wishes.sets.clear()
            except ParameterError as error:
                self.refuse(sender, error.address, str(error))
                if wishes.sets.pop(error.address, None) is None:
                    wishes.sets.clear()
            except Exception as error:
                self._surface.telemetry.report(f"OSC set failed ({type(error).__name__}: {error})")
                self.refuse(sender, next(iter(wishes.sets)), str(error) if isinstance(error, VQSSError) else "failed")
                wishes.sets.clear()

    def _act(self, path: str, arguments: tuple[Scalar, ...], sender: Address) -> None:
        # Nil and impulse are how some clients call what takes no argument.
        checked = self._actions[path].check(tuple(argument for argument in arguments if argument is not None))
        if check := self._checks.get(path):
            check(str(checked[0]))
        if path in self._own:
            self._own[path](sender, *checked)
            return
        # Who loads a preset has not made the changes that follow, and must hear of them like everybody else.
        result = self._surface.act(path, *checked, origin=f"{path} of {sender[0]}:{sender[1]}")
        if names := _names(path, checked, result):
            answer = encode_message(path, *names)
            if len(answer) > LARGEST_ANSWER:
                raise VQSSError(f"{len(names)} names are too many for one packet; tidy up that folder")
            self._send(answer, sender)

    def _tell(self, path: str, sender: Address) -> None:
        self._send(change_message(path, self._surface.get(path)), sender)

    def refuse(self, sender: Address, address: str, text: str) -> None:
        """Tell the sender that something was not done, and why."""
        if self._errors.take(sender):
            self._send(encode_message(ERROR, address[:_LONGEST_TEXT], text[:_LONGEST_TEXT]), sender)


def change_message(path: str, value: Value) -> bytes:
    """The message that tells a value of a parameter."""
    return encode_message(path, *value) if isinstance(value, tuple) else encode_message(path, value)


def _names(path: str, arguments: tuple[Value, ...], result: object) -> tuple[str, ...]:
    """What an action on files answers: the names it found, else the one it was given. Others answer nothing."""
    if not path.startswith(("/vqss/preset/", "/vqss/rack/")):
        return ()
    if isinstance(result, list | tuple) and all(isinstance(name, str) for name in result):
        return tuple(result) or ("",)
    return tuple(str(argument) for argument in arguments)
