"""Runs foreign code on a thread of its own, so that whoever asks waits no longer than it can afford.

Threads: the caller's, which waits for at most the deadline, and one worker, which may block for ever. Both hand
over through two locks used as flags; nothing is queued. The worker ends when the `IsolatedCall` is let go.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vqss_engine.inserts import Deadline, InsertLate

Block = NDArray[np.float32]
Work = Callable[[Block], Block]


_LOOK_S = 0.1
"""How often who waits for as long as it takes looks whether it still may."""


class TooLate(InsertLate):
    """The foreign code did not return in time."""


class _Desk:
    """What caller and worker share; outlives either."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.given: Block | None = None
        self.result: Block | None = None
        self.error: Exception | None = None
        self.wanted, self.done = threading.Lock(), threading.Lock()
        self.wanted.acquire()
        self.done.acquire()

    def serve(self) -> None:
        while True:
            self.wanted.acquire()
            if self.given is None:
                return
            try:
                self.result, self.error = self.work(self.given), None
            except Exception as error:
                self.result, self.error = None, error
            self.done.release()

    def close(self) -> None:
        self.given = None
        self.wanted.release()


def _share_priority(thread: threading.Thread) -> None:
    """Let `thread` run as urgently as this one, which waits for it; where the system does not allow it, it does not."""
    with contextlib.suppress(AttributeError, OSError):
        if thread.native_id is not None:
            os.sched_setscheduler(thread.native_id, os.sched_getscheduler(0), os.sched_getparam(0))


class IsolatedCall:
    """`work(block)` with a deadline. Not for several callers at once."""

    def __init__(self, work: Work, name: str) -> None:
        self._desk, self._busy = _Desk(work), False
        self._thread = threading.Thread(target=self._desk.serve, name=name, daemon=True)
        self._thread.start()
        self._caller = 0
        # A plug-in that hangs for ever keeps its thread; that is a daemon, and the process can end all the same.
        weakref.finalize(self, self._desk.close).atexit = False

    @property
    def busy(self) -> bool:
        """Whether the last call has not returned yet."""
        if self._busy and self._desk.done.acquire(blocking=False):
            self._busy = False
        return self._busy

    def settle(self, deadline: Deadline) -> None:
        """Make sure that the last call has returned, and drop what it did; raises TooLate where it has not.

        Waits for it where the deadline lets it take any time.
        """
        while self.busy:
            if deadline.limit_s is not None:
                raise TooLate("has still not returned")
            if self._desk.done.acquire(timeout=_LOOK_S):
                self._busy = False

    def __call__(self, block: Block, deadline: Deadline) -> Block:
        """What `work` returns, or raises; raises TooLate after the deadline, or at once while it is still busy.

        A late result is dropped. `block` must not be written to before `settle`.
        """
        self.settle(deadline)
        desk = self._desk
        if self._caller != threading.get_ident():
            self._caller = threading.get_ident()
            _share_priority(self._thread)
        desk.given = block
        self._busy = True
        desk.wanted.release()
        while not desk.done.acquire(timeout=_LOOK_S if (limit_s := deadline.limit_s) is None else limit_s):
            if limit_s is not None:
                raise TooLate(f"did not return within {1000.0 * limit_s:.1f} ms")
        self._busy = False
        result, error = desk.result, desk.error
        desk.result = desk.error = None
        if error is not None:
            raise error
        assert result is not None
        return result
