"""Waiting for what a server answers to an action.

Threads: any may wait; the thread that receives tells what came.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Container

from bridge.osc_packet import Scalar
from vqss_engine.errors import VQSSError
from vqss_engine.vocabulary import PRESET_LIST, PRESET_LOAD, PRESET_SAVE, RACK_LOAD

SLOW = (PRESET_LOAD, RACK_LOAD)
"""A plug-in that is being loaded may keep an engine silent for seconds; its answer is waited for all the same."""

LOAD_TIMEOUT_S = 30.0
"""How long the engine lets a load wait until its main thread takes it up; then it refuses."""

SLOW_S = LOAD_TIMEOUT_S + 30.0
"""How long a slow answer is waited for: longer than the engine waits, which else plays what was given up here."""

ANSWERED = (*SLOW, PRESET_SAVE, PRESET_LIST)
"""Actions on files, whose answer is waited for."""


class Answers:
    """Those that wait for an answer, by address; a later one at the same address takes the place of an earlier."""

    def __init__(self) -> None:
        self._waiting: dict[str, queue.SimpleQueue[tuple[bool, tuple[Scalar, ...]]]] = {}
        self._lock = threading.Lock()

    def __contains__(self, address: object) -> bool:
        return address in self._waiting

    def ask(self, address: str, send: Callable[[], None], timeout_s: float) -> tuple[Scalar, ...]:
        """Send, and return the arguments of the answer; raises VQSSError for an error, or where none comes."""
        answer: queue.SimpleQueue[tuple[bool, tuple[Scalar, ...]]] = queue.SimpleQueue()
        with self._lock:
            self._waiting[address] = answer
        try:
            send()
            done, arguments = answer.get(timeout=timeout_s)
        except queue.Empty:
            raise VQSSError(f"{address}: no answer within {timeout_s:g} s; check that the engine runs") from None
        finally:
            with self._lock:
                if self._waiting.get(address) is answer:    # else someone asked later, who still waits
                    del self._waiting[address]
        if not done:
            raise VQSSError(str(arguments[0]))
        return arguments

    def fail(self, text: str, spared: Container[str] = ()) -> None:
        """Tell all who wait that no answer will come, `spared` addresses aside."""
        for address in tuple(self._waiting):
            if address not in spared:
                self.tell(address, False, (text,))

    def tell(self, address: str, done: bool, arguments: tuple[Scalar, ...]) -> bool:
        """Pass on an answer, or what went wrong; False where nobody waits for it."""
        waiting = self._waiting.get(address)
        if waiting is not None:
            waiting.put((done, arguments))
        return waiting is not None
