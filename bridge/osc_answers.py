"""Waiting for what a server answers to an action.

Threads: any may wait; the thread that receives tells what came.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Container

from bridge.osc_packet import Scalar
from vqss_engine.errors import VQSSError
from vqss_engine.vocabulary import PRESET_DELETE, PRESET_LIST, PRESET_LOAD, PRESET_RENAME, PRESET_SAVE, RACK_LOAD

SLOW = (PRESET_LOAD, RACK_LOAD)
"""A plug-in that is being loaded may keep an engine silent for seconds; its answer is waited for all the same."""

LOAD_TIMEOUT_S = 30.0
"""How long the engine lets a load wait until its main thread takes it up; then it refuses."""

SLOW_S = LOAD_TIMEOUT_S + 30.0
"""How long a slow answer is waited for: longer than the engine waits, which else plays what was given up here."""

ANSWERED = (*SLOW, PRESET_SAVE, PRESET_DELETE, PRESET_RENAME, PRESET_LIST)
"""Actions on files, whose answer is waited for."""


_Answer = queue.SimpleQueue[tuple[bool, tuple[Scalar, ...]]]


class Answers:
    """Those that wait for an answer, by address; the first that asked gets the first that comes."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Answer]] = {}
        self._lock = threading.Lock()

    def __contains__(self, address: object) -> bool:
        return address in self._waiting

    def ask(self, address: str, send: Callable[[], None], timeout_s: float) -> tuple[Scalar, ...]:
        """Send, and return the arguments of the answer; raises VQSSError for an error, or where none comes."""
        answer: _Answer = queue.SimpleQueue()
        with self._lock:
            self._waiting.setdefault(address, []).append(answer)
        try:
            send()
            done, arguments = answer.get(timeout=timeout_s)
        except queue.Empty:
            raise VQSSError(f"{address}: no answer within {timeout_s:g} s; check that the engine runs") from None
        finally:
            self._forget(address, answer)
        if not done:
            raise VQSSError(str(arguments[0]))
        return arguments

    def fail(self, text: str, spared: Container[str] = ()) -> None:
        """Tell all who wait that no answer will come, `spared` addresses aside."""
        for address in tuple(self._waiting):
            if address not in spared:
                while self.tell(address, False, (text,)):
                    pass

    def tell(self, address: str, done: bool, arguments: tuple[Scalar, ...]) -> bool:
        """Pass on an answer, or what went wrong; False where nobody waits for it."""
        with self._lock:
            waiting = self._waiting.get(address)
            answer = waiting[0] if waiting else None
        if answer is None:
            return False
        self._forget(address, answer)
        answer.put((done, arguments))
        return True

    def _forget(self, address: str, answer: _Answer) -> None:
        """Who has an answer, or has given up, must not get that of another."""
        with self._lock:
            left = [other for other in self._waiting.pop(address, ()) if other is not answer]
            if left:
                self._waiting[address] = left
