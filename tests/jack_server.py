"""A JACK server of its own for a test, without a sound card, and a client to play and to record."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pytest

PATIENCE_S, ENDING_S = 100.0, 30.0


class JackServer:
    """`jackd` with the dummy driver under a name nobody else has; skips the test where it is not installed.

    `block` and `rate_hz` may be changed before it is started again. patience_ms: how long it waits for a client that
    is late before it throws it out.
    """

    def __init__(
        self, outputs: int = 2, block: int = 256, rate_hz: int = 44100, inputs: int = 2, patience_ms: int = 500
    ) -> None:
        if not (shutil.which("jackd") and shutil.which("jack_wait")):
            pytest.skip("jackd is not installed; apt-get install jackd2 jack-example-tools")
        self.name = f"vqss_{uuid.uuid4().hex[:10]}"
        self.environment = {
            **os.environ, "JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": self.name,
            "JACK_NO_AUDIO_RESERVATION": "1", "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        self._inputs, self._outputs, self.block, self.rate_hz = inputs, outputs, block, rate_hz
        self._patience_ms = patience_ms
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["jackd", "--no-realtime", "--sync", "-t", str(self._patience_ms), "--name", self.name, "-d", "dummy",
                   "-r", str(self.rate_hz), "-p", str(self.block), "-C", str(self._inputs),
                   "-P", str(self._outputs)]  # fmt: skip
        self._process = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait = ["jack_wait", "-s", self.name, "-w", "-t", "60"]
        ready = subprocess.run(wait, env=self.environment, capture_output=True, text=True)
        if "available" not in ready.stdout or "not available" in ready.stdout:
            self.kill()
            pytest.skip(f"jackd does not start here: {ready.stdout.strip()}")

    def kill(self) -> None:
        """kill -9, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def end(self) -> None:
        """As its user would end it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(ENDING_S)
        self._process = None

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP lets it stand still, as a computer asleep does; SIGCONT wakes it."""
        assert self._process is not None
        self._process.send_signal(number)

    def tool(self, name: str, *arguments: str) -> str:
        """What one of JACK's own programs says, such as jack_lsp; skips where it is not installed."""
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed; apt-get install jack-example-tools")
        command = [name, *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S).stdout

    def with_portaudio(self) -> None:
        """Skips where PortAudio does not start, as newer ones do not without PulseAudio or PipeWire."""
        command = [sys.executable, "-c", "import sounddevice"]
        tried = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S)
        if tried.returncode:
            pytest.skip(tried.stderr.strip().rpartition("\n")[2])

    def connect(self, source: str, target: str) -> None:
        """As soon as both ports are there."""
        deadline = time.monotonic() + PATIENCE_S
        command = ["jack_connect", "-s", self.name, source, target]
        while subprocess.run(command, env=self.environment, capture_output=True).returncode:
            assert time.monotonic() < deadline, f"cannot connect {source} to {target}"
            time.sleep(0.1)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:  # fmt: skip
        if self._process is None:
            self.start()    # a killed server keeps one of JACK's eight places until one of its name ends in order
        try:
            self.end()
        except subprocess.TimeoutExpired:
            self.kill()
            self.start()
            self.end()
        for left in Path("/dev/shm").glob(f"jack_sem.*{self.name}*"):
            left.unlink(missing_ok=True)


class LiveProcess:
    """`vqss live` in a process of its own; `lines` is what it has said on stderr."""

    def __init__(self, server: JackServer, *arguments: str) -> None:
        command = [sys.executable, "-m", "bridge", "live", "--osc", "none", "--json", *arguments]
        self._process = subprocess.Popen(
            command, env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line)

    def wait_for(self, text: str, after: int = 0) -> int:
        """Wait until it says so after that many lines; returns how many lines there were then."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            for index in range(after, len(self.lines)):
                if text in self.lines[index]:
                    return index + 1
            time.sleep(0.02)
        raise AssertionError(f"never said {text!r}: {''.join(self.lines[-10:])}")

    def result(self) -> tuple[int, str]:
        """Exit code and what it printed, once it has ended by itself."""
        assert self._process.stdout is not None
        out = self._process.stdout.read()
        code = self._process.wait(PATIENCE_S)
        self._reader.join()
        return code, out

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Ask it to end; its exit code and what it printed."""
        self._process.send_signal(number)
        return self.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:  # fmt: skip
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


TAPE = '''
import ctypes, sys, time
import numpy as np
from bridge import jack_library as jack

signal, targets, sources, out = np.load(sys.argv[1]), sys.argv[3].split(","), sys.argv[4].split(","), sys.argv[2]
library = jack.jack_library()
player, tape = jack.open_client("player"), jack.open_client("tape")
frames = signal.shape[1]
heard = np.zeros((len(sources) + len(signal), frames), np.float32)
played, taped, going = 0, 0, False
register = library.jack_port_register
outs = [register(player, b"out_%d" % i, jack.AUDIO_TYPE, jack.IS_OUTPUT, 0) for i in range(len(signal))]
ins = [register(tape, b"in_%d" % i, jack.AUDIO_TYPE, jack.IS_INPUT, 0) for i in range(len(heard))]

@jack.Process
def play(count, _):
    global played
    now = going
    for row, port in zip(signal, outs):
        block = np.zeros(count, np.float32)
        if now:
            part = row[played : played + count]
            block[: part.size] = part
        ctypes.memmove(library.jack_port_get_buffer(port, count), block.ctypes.data, 4 * count)
    played += count if now else 0
    return 0

@jack.Process
def record(count, _):
    global taped
    if not played:
        return 0
    step = min(count, frames - taped)
    for row, port in zip(heard, ins):
        pointer = ctypes.cast(library.jack_port_get_buffer(port, count), ctypes.POINTER(ctypes.c_float))
        row[taped : taped + step] = np.ctypeslib.as_array(pointer, (count,))[:step]
    taped += step
    return 0

library.jack_set_process_callback(player, play, None)
library.jack_set_process_callback(tape, record, None)
library.jack_activate(tape)
library.jack_activate(player)
for i, target in enumerate(targets):
    assert library.jack_connect(player, b"player:out_%d" % i, target.encode()) == 0, target
for i, source in enumerate([*sources, *("player:out_%d" % i for i in range(len(signal)))]):
    assert library.jack_connect(tape, source.encode(), b"tape:in_%d" % i) == 0, source
assert library.jack_set_freewheel(player, 1) == 0
going = True
deadline = time.monotonic() + 90
while taped < frames and time.monotonic() < deadline:
    time.sleep(0.02)
library.jack_set_freewheel(player, 0)
for client in (player, tape):
    library.jack_client_close(client)  # or the server would call what is no longer there while Python ends
np.save(out, heard)
assert taped == frames, taped
'''


def tape(server: JackServer, folder: Path, signal_: np.ndarray, targets: list[str], sources: list[str]) -> Any:
    """Play (C, N) into the ports `targets` while freewheeling: what `sources` gave, then what was played, each (N,)."""
    np.save(folder / "played.npy", signal_)
    command = [sys.executable, "-c", TAPE, str(folder / "played.npy"), str(folder / "heard.npy"),
               ",".join(targets), ",".join(sources)]  # fmt: skip
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "heard.npy")
