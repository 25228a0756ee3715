"""The engine as a child process: `vqss live`, watched, and started again with its state where it died.

Threads: `engine-child` reads what the child says, waits for its end and starts the next one; it may block. The methods
may be called on any thread; `close` waits some seconds at most, the others do not wait.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence

from bridge.child_command import child_command
from bridge.device_facts import RUNNING

_AGAIN_S, _PATIENCE_S = 0.3, 5.0
_RETRY_S = 2.0
"""As long as `vqss live` waits before it opens a device again."""
_SAID_LINES = 20

State = Callable[[], Sequence[str]]


class EngineChild:
    """`vqss live` with the options `arguments`; the first time with `first` too. It ends when this process does.

    `state()` gives the options that bring the next one to where the last one was; it is asked when a child dies, or
    is to be replaced. `tell(text)` is told in words what happened. Where a child ends before its sound runs, the
    options that ran before are taken again, every 2 s if they were its own; where none ever ran, `restart` is waited
    for.
    """

    def __init__(
        self, arguments: Sequence[str], state: State, tell: Callable[[str], None], first: Sequence[str] = ()
    ) -> None:
        self._arguments, self._state, self._tell = list(arguments), state, tell
        self._first = self._begin_with = list(first)
        self._ran: list[str] | None = None
        self._runs = False
        self._wanted: tuple[list[str], list[str]] | None = None
        self._lock = threading.Lock()
        self._closing, self._asked = threading.Event(), threading.Event()
        self._said: deque[str] = deque(maxlen=_SAID_LINES)
        self._told = ""
        self.report = ""
        """What the last child that ended by itself, or was asked to, told of its run on stdout."""
        self._process = self._start(first)
        self._thread = threading.Thread(target=self._watch, name="engine-child", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The process that runs now, or ran last."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the sound of the present process has begun, and it has not ended."""
        return self._runs and self._process.poll() is None

    @property
    def arguments(self) -> tuple[str, ...]:
        """The options of the process that runs now, or ran last."""
        return tuple(self._arguments)

    def restart(self, arguments: Sequence[str]) -> None:
        """End the child and start it with other options, and its state; where these do not work, with the old ones."""
        state = self._next_state()
        with self._lock:
            self._wanted = (list(arguments), state)
        self._asked.set()
        self._end(self._process)

    def _start(self, state: Sequence[str]) -> subprocess.Popen[str]:
        command = child_command("-m", "bridge", "live", "--end-with-stdin", *self._arguments, *state)
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip

    def _next_state(self) -> list[str]:
        """What the next child begins with: as the last one that ran ended, or as the first should have begun."""
        return list(self._state()) if self._ran is not None else self._first

    def _watch(self) -> None:
        while True:
            ran = self._listen()
            self._process.wait()
            _close(self._process)
            if self._closing.is_set():
                return
            if not self._take_wanted():
                if ran:
                    self._tell("the engine has died and is started again with its settings")
                    self._begin_with = self._next_state()
                elif not self._fall_back():
                    self._asked.wait(_RETRY_S if self._ran is not None else None)
                    self._take_wanted()
            if self._closing.wait(_AGAIN_S) or not self._start_next():
                return
            if self._closing.is_set() or self._asked.is_set():
                self._end(self._process)    # asked for while it was being started

    def _start_next(self) -> bool:
        """Start the next one, as soon as the system lets us; False where this was closed before it did."""
        while not self._closing.is_set():
            try:
                self._process = self._start(self._begin_with)
                return True
            except OSError as error:    # no memory or no process to be had; a moment later there may be
                self._tell_once(f"the engine cannot be started ({error.strerror}); trying again")
            self._asked.wait(_RETRY_S)
            self._take_wanted()
        return False

    def _take_wanted(self) -> bool:
        """Go on with the options that `restart` was given, if it was."""
        with self._lock:
            wanted, self._wanted = self._wanted, None
        self._asked.clear()
        if wanted is None:
            return False
        self._arguments, self._begin_with = wanted
        return True

    def _fall_back(self) -> bool:
        """Take the options that ran before; False where there are none, or they are those that have just failed."""
        last = self._said[-1].removeprefix("vqss: ") if self._said else "it said nothing; try `vqss live`"
        if self._ran is None or self._ran == self._arguments:
            again = "" if self._ran is None else "; trying again"    # what they lack, a JACK server say, may come back
            self._tell_once(f"the engine does not run: {last}{again}")
            return False
        self._arguments = self._ran
        self._tell(f"the engine does not run so, and is started as before: {last}")
        return True

    def _tell_once(self, text: str) -> None:
        """Not every 2 s, unless something else is wrong by then."""
        if text != self._told:
            self._told = text
            self._tell(text)

    def _listen(self) -> bool:
        """Keep what the child says until it ends; returns whether its sound ever ran."""
        assert self._process.stderr is not None and self._process.stdout is not None
        self._runs = False
        self._said.clear()
        for line in self._process.stderr:
            if line.strip():
                self._said.append(line.strip())
            if RUNNING in line:
                self._runs, self._ran, self._told = True, self._arguments, ""
        self.report = self._process.stdout.read() or self.report      # short, and written as the last thing
        return self._runs

    def close(self) -> None:
        """Let the child end, and wait for that."""
        self._closing.set()
        self._asked.set()
        self._ask_to_end(self._process)
        self._thread.join(_PATIENCE_S)
        if self._thread.is_alive():
            _kill(self._process)
            self._thread.join(1.0)
        self._process.wait()

    def _end(self, process: subprocess.Popen[str]) -> None:
        """Ask it to end, and end it where it has not after some seconds; returns at once."""
        self._ask_to_end(process)
        killer = threading.Timer(_PATIENCE_S, _kill, [process])
        killer.daemon = True    # who ends before need not wait for it: the child ends with its stdin
        killer.start()

    def _ask_to_end(self, process: subprocess.Popen[str]) -> None:
        """Let it unwind, keep what it recorded and tell its report.

        It watches its stdin once it has begun to start, which takes seconds. A signal comes at once, but on Windows
        leaves no time to unwind.
        """
        if sys.platform != "win32" and not self.running:
            process.terminate()
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # it, or its pipes, may have come to an end by themselves
            process.stdin.write("\n")   # a closed pipe alone is no end where another child has got a copy of it
            process.stdin.close()


def _close(process: subprocess.Popen[str]) -> None:
    """Close the pipes to a process that has ended."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):      # what it was to be told may be unread
                pipe.close()


def _kill(process: subprocess.Popen[str]) -> None:
    """End a process that has not ended by itself."""
    with contextlib.suppress(OSError):
        if process.poll() is None:
            process.kill()
