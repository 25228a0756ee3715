"""Errors that nobody foresaw, raised where Qt calls Python: told, and survived.

Qt ends the process where an exception leaves a slot or an event handler, unless `sys.excepthook` is one's own. A
mixer on stage had better go on.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Faults:
    """While entered, prints such an error with its traceback and tells `tell(text)` of it.

    Each once for the place it comes from: what fails while painting would otherwise fail thirty times a second.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._known: set[tuple[str, int]] = set()
        self._before = sys.excepthook

    def __enter__(self) -> Self:
        self._before, sys.excepthook = sys.excepthook, self._take
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:  # fmt: skip
        sys.excepthook = self._before

    def _take(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        place = _place(trace)
        if place in self._known:
            return
        self._known.add(place)
        self._before(kind, error, trace)
        with contextlib.suppress(Exception):    # telling may be what fails
            self._tell(f"something failed in this window ({kind.__name__}: {error}); the terminal says more")


def _place(trace: TracebackType | None) -> tuple[str, int]:
    """File and line where an error was raised."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return ("", 0) if trace is None else (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
