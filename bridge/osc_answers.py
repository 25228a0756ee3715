"""Waiting for what a server answers to an action.

Threads: any may wait; the thread that receives tells what came.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Container

from bridge.osc_packet import Scalar
from vqss_engine.errors import VQSSError

SLOW = ("/vqss/preset/load", "/vqss/rack/load")
"""A plug-in that is being loaded may keep an engine silent for seconds; its answer is waited for all the same."""

ANSWERED = (*SLOW, "/vqss/preset/save", "/vqss/preset/list")
"""Actions on files, whose answer is waited for."""


class Answers:
    """Those that wait for an answer, by address; a later one at the same address takes the place of an earlier."""

    def __init__(self) -> None:
        self._waiting: dict[str, queue.SimpleQueue[tuple[bool, tuple[Scalar, ...]]]] = {}

    def __contains__(self, address: object) -> bool:
        return address in self._waiting

    def ask(self, address: str, send: Callable[[], None], timeout_s: float) -> tuple[Scalar, ...]:
        """Send, and return the arguments of the answer; raises VQSSError for an error, or where none comes."""
        answer = self._waiting[address] = queue.SimpleQueue()
        try:
            send()
            done, arguments = answer.get(timeout=timeout_s)
        except queue.Empty:
            raise VQSSError(f"{address}: no answer within {timeout_s:g} s; check that the engine runs") from None
        finally:
            self._waiting.pop(address, None)
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
