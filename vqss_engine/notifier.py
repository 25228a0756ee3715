"""Calls listeners back in the order of the changes, outside every lock of the caller. Standard library only.

Threads: any may queue and deliver. One thread at a time delivers; the others leave their changes to it and go on.
A listener may change things itself: what it causes is delivered after what is being delivered.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

Listener = Callable[..., Any]


class Notifier:
    """Listeners and what they have yet to hear. `on_failure` is told in words when a listener raises."""

    def __init__(self, on_failure: Callable[[str], None]) -> None:
        self._on_failure = on_failure
        self._listeners: tuple[Listener, ...] = ()
        self._changing = threading.Lock()
        self._delivering = threading.Lock()
        self._pending: deque[tuple[tuple[Listener, ...], tuple[Any, ...]]] = deque()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; returns a function that removes it."""
        with self._changing:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._changing:
                self._listeners = tuple(other for other in self._listeners if other is not listener)

        return unsubscribe

    def queue(self, *arguments: Any, first: Listener | None = None) -> None:
        """Note a change for all present listeners (and `first` before them); the order of calls is kept."""
        listeners = self._listeners if first is None else (first, *self._listeners)
        self._pending.append((listeners, arguments))

    def deliver(self) -> None:
        """Call back until nothing is pending, unless another thread (or an outer call) is doing so."""
        while self._pending and self._delivering.acquire(blocking=False):
            try:
                while self._pending:
                    listeners, arguments = self._pending.popleft()
                    for listener in listeners:
                        self._call(listener, arguments)
            finally:
                self._delivering.release()

    def tell(self, *arguments: Any) -> None:
        """Note a change, and call back."""
        self.queue(*arguments)
        self.deliver()

    def _call(self, listener: Listener, arguments: tuple[Any, ...]) -> None:
        """A listener that fails must not take the writer or other listeners with it."""
        try:
            listener(*arguments)
        except Exception as error:
            self._on_failure(f"a listener failed on {arguments[0]} ({type(error).__name__}: {error})")
