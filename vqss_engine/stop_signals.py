"""The signals that ask a process to end, as an error that unwinds: what is unfinished is removed, as after Ctrl-C.

Threads: the errors are raised on the main thread; `end-after` blocks on what the process is to end with, then asks.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_asked = 0  # the signal that has asked this process to end, 0 for none


class Stopped(SystemExit):
    """A signal has asked this process to end."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__(self.exit_code)


def exit_code(stopped: KeyboardInterrupt | Stopped) -> int:
    """Of a process that ends so, as shells have it."""
    return stopped.exit_code if isinstance(stopped, Stopped) else 128 + signal.SIGINT


def ending_signals() -> list[signal.Signals]:
    """Asked to end, and the terminal was closed; without one that is ignored, as by nohup."""
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) != signal.SIG_IGN]


def end_on_signals() -> None:
    """Let each of them raise Stopped on the main thread, and Ctrl-C KeyboardInterrupt as ever."""
    global _asked
    _asked = 0
    for number in ending_signals():
        signal.signal(number, _end)
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = _tell_lost


def end_if_asked() -> None:
    """Raise once more what was raised and got lost, as it does in what an import or a compiler calls back.

    To be called now and then by what takes long, and by what begins to wait for the user.
    """
    if _asked == signal.SIGINT:
        raise KeyboardInterrupt
    if _asked:
        raise Stopped(_asked)


def _tell_lost(lost: sys.UnraisableHookArgs) -> None:
    """What gets lost is told, but for what `end_if_asked` raises again."""
    if not isinstance(lost.exc_value, Stopped | KeyboardInterrupt):
        sys.__unraisablehook__(lost)


def _interrupt(number: int, frame: object) -> NoReturn:
    global _asked
    _asked = number
    raise KeyboardInterrupt


def _end(number: int, frame: object) -> NoReturn:
    global _asked
    _asked = number
    for each in ending_signals():
        signal.signal(each, signal.SIG_IGN)  # a second one, which some programs send, would cut the unwinding short
    raise Stopped(number)


def end_after(wait: Callable[[], object]) -> None:
    """End this process as by SIGTERM once `wait()` returns, which a thread of its own calls, `end-after`."""

    def watch() -> None:
        wait()
        _ask_to_end()

    threading.Thread(target=watch, name="end-after", daemon=True).start()


def _ask_to_end() -> None:
    """SIGTERM to this process, from any thread."""
    if sys.platform == "win32" and signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        _thread.interrupt_main(signal.SIGTERM)  # for there kill() ends it without a handler
    else:
        os.kill(os.getpid(), signal.SIGTERM)  # to the process, which wakes the main thread wherever it waits


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Around a task in a pool's worker: a signal that ends the task ends the process, once the task has unwound.

    A pool would take it for the task's error, and give the worker the next task; between tasks it ends it at once.
    """
    before = {number: signal.getsignal(number) for number in ending_signals()}
    try:
        end_on_signals()
        try:
            yield
            end_if_asked()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    except Stopped as stopped:
        os._exit(stopped.exit_code)


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Processes that start here are deaf to Ctrl-C, also while they import: whoever started them tells them to stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def stopped_once() -> Iterator[None]:
    """The first signal that stops this process raises in here as ever; those after it would cut the unwinding short,
    and are ignored until the end, those that raise Stopped for good.
    """
    numbers = [signal.SIGINT, *ending_signals()] if threading.current_thread() is threading.main_thread() else []
    before = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}
    asked = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = True
            before[signal.Signals(number)](number, frame)

    try:
        for number in before:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            if number == signal.SIGINT or not isinstance(sys.exception(), Stopped):
                signal.signal(number, handler)
