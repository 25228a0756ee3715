"""The engine as a child process: `vqss live`, watched, and started again with its state where it died.

Threads: `engine-child` reads what the child says, waits for its end and starts it again; it may block. The methods may
be called on any thread; `close` waits some seconds at most.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence

_AGAIN_S, _PATIENCE_S = 0.3, 5.0
_SAID_LINES = 20
_READY = "OSC at "


def free_port(host: str = "127.0.0.1") -> int:
    """A port that is free for UDP and TCP at this moment."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind((host, 0))
            port = int(udp.getsockname()[1])
            try:
                tcp.bind((host, port))
            except OSError:
                continue
            return port


class EngineChild:
    """`vqss live` with `arguments`.

    `settings()` is asked for at its death, and given to the next one as --set. `on_death(text)` is told in words what
    happened; `on_return()` is called when the next one listens. A child that dies before it listens is not
    started again.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        settings: Callable[[], Mapping[str, str]],
        on_death: Callable[[str], None],
        on_return: Callable[[], None],
    ) -> None:
        self._arguments, self._settings = list(arguments), settings
        self._on_death, self._on_return = on_death, on_return
        self._closing = threading.Event()
        self._said: deque[str] = deque(maxlen=_SAID_LINES)
        self._process = self._start({})
        self._thread = threading.Thread(target=self._watch, name="engine-child", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The process that runs now, or ran last."""
        return self._process.pid

    def _start(self, settings: Mapping[str, str]) -> subprocess.Popen[str]:
        sets = [f"--set={path}={value}" for path, value in settings.items()]
        command = [sys.executable, "-m", "bridge", "live", *self._arguments, *sets]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip

    def _watch(self) -> None:
        again = False
        while True:
            listened = self._listen(again)
            self._process.wait()
            if self._closing.is_set():
                return
            last = self._said[-1].removeprefix("vqss: ") if self._said else "it said nothing; try `vqss live`"
            if not listened:
                self._on_death(f"the engine does not run: {last}")
                return
            self._on_death("the engine has died and is started again with its settings")
            settings = self._settings()
            if self._closing.wait(_AGAIN_S):
                return
            self._process, again = self._start(settings), True

    def _listen(self, again: bool) -> bool:
        """Keep what the child says until it ends; returns whether it ever listened."""
        assert self._process.stderr is not None
        listened = False
        for line in self._process.stderr:
            if line.strip():
                self._said.append(line.strip())
            if _READY in line and not listened:
                listened = True
                if again:
                    self._on_return()
        return listened

    def close(self) -> None:
        """Let the child end, and wait for that."""
        self._closing.set()
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join(1.0)
