"""A PipeWire daemon of its own for a test, without a session manager, whose JACK programs are sent to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

PATIENCE_S = 30.0


class PipeWireServer:
    """`environment` is what `pw-jack` gives a program, `plain` what others have; skips where there is none."""

    def __init__(self) -> None:
        if not all(map(shutil.which, ("pipewire", "pw-jack", "pw-link", "pw-metadata"))):
            pytest.skip("PipeWire is not installed; apt-get install pipewire pipewire-jack")
        self._folder = tempfile.TemporaryDirectory(prefix="vqss-pw-")
        Path(self._folder.name).chmod(0o700)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIPEWIRE", "JACK"))}
        self.plain = {**kept, "XDG_RUNTIME_DIR": self._folder.name, "OPENBLAS_NUM_THREADS": "1"}
        self.environment = {**self.plain, "LD_LIBRARY_PATH": "/usr/${LIB}/pipewire-0.3/jack"}

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(["pipewire"], env=self.environment, **quiet)
        deadline = time.monotonic() + PATIENCE_S
        while not (Path(self._folder.name) / "pipewire-0").exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                pytest.skip("PipeWire does not start here")
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9, as a crash would."""
        self._process.kill()
        self._process.wait()
        (Path(self._folder.name) / "pipewire-0").unlink(missing_ok=True)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:  # fmt: skip
        self.kill()
        self._folder.cleanup()

    def tool(self, *command: str) -> str:
        """What one of PipeWire's own programs says."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True
        ).stdout

    def set_block(self, frames: int) -> None:
        """As programs that come and go with blocks of their own do."""
        self.tool("pw-metadata", "-n", "settings", "0", "clock.force-quantum", str(frames))
