"""Work that may take long, done beside the Qt thread; what comes of it is told on the Qt thread.

Threads: every piece of work has one of its own, called by its name, which may block and ends with it. `run`, `close`
and what tells the outcome belong to the thread that the `Background` lives on, Qt's.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from PyQt6.QtCore import QObject, pyqtSignal

from vqss_engine.errors import VQSSError

_PATIENCE_S = 0.5
"""For what still works when the window closes; an engine that hangs must not keep it open."""

Result = TypeVar("Result")


class Background(QObject):
    """Runs callables for one window, until it closes."""

    _ended = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._ended.connect(self._tell)

    def run(
        self, name: str, work: Callable[[], Result], done: Callable[[Result], object],
        failed: Callable[[str], object], unforeseen: str,
    ) -> None:  # fmt: skip
        """Call `work()` on a thread called `name`, then `done(result)` here, or `failed(text)` where it raised.

        The text of a VQSSError is its own; of anything else it is `unforeseen`, and the traceback goes where those of
        threads go.
        """
        if self._closed:
            return

        def job() -> None:
            tell: Callable[[], object] = partial(failed, f"{unforeseen}; what went wrong is in the terminal")
            try:
                tell = partial(done, work())
            except VQSSError as error:
                tell = partial(failed, str(error))
            finally:        # also after what nobody foresaw: else the window would wait for ever
                with contextlib.suppress(RuntimeError):     # the window may have gone meanwhile
                    self._ended.emit(tell)

        thread = threading.Thread(target=job, name=name, daemon=True)
        self._threads = [*(other for other in self._threads if other.is_alive()), thread]
        thread.start()

    def close(self, patience_s: float = _PATIENCE_S) -> bool:
        """Tell nothing any more, and wait for what still works, not longer than that; whether all has ended."""
        self._closed = True
        deadline_s = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _tell(self, tell: Callable[[], object]) -> None:
        if not self._closed:
            tell()
