"""A headless Ardour with some tracks and its OSC surface switched on, on a JACK server of its own."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from bridge.ardour import DEFAULT_PORT
from bridge.osc_packet import LARGEST_PACKET, encode_message
from tests.jack_server import JackServer

HARDOUR = sorted(Path("/usr/lib").glob("ardour*/hardour-*"))
STARTING_S = 100.0
"""On a machine that is busy with other things; a free one takes three seconds."""

ENDING_S = 30.0
ATTEMPTS = 5

_SUPERCLOCK_HZ, _LONGEST_S = 508_032_000, 1e6
"""Ardour's own unit of time in session files."""


class HeadlessArdour:
    """A session with `tracks` stereo tracks in `folder`; skips the test where Ardour is missing, or its port taken."""

    def __init__(self, folder: Path, tracks: int) -> None:
        if not HARDOUR:
            pytest.skip("Ardour is not installed; apt-get install ardour")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("0.0.0.0", DEFAULT_PORT))
            except OSError:
                pytest.skip(f"port {DEFAULT_PORT}, Ardour's, is in use")
        self.session = folder / "session" / "session.ardour"
        self._folder, self._tracks = folder, tracks
        self.server = JackServer(block=1024, patience_ms=2000)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for _ in range(ATTEMPTS):
            self.server.start()
            try:
                self._start()
                if self._plays():
                    return self
            except BaseException:
                self.__exit__(None, None, None)
                raise
            self.server.kill()      # it would wait for what it has lost
            self.__exit__(None, None, None)
        pytest.skip("JACK has lost Ardour each time it was started")

    def _plays(self) -> bool:
        """Whether it is in JACK's graph once it answers. Sometimes two of its threads garble what it asks of JACK, and
        it is thrown out: then it answers for faders, but mutes and rolls no more."""
        deadline = time.monotonic() + STARTING_S
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.connect(("127.0.0.1", DEFAULT_PORT))
            asking.settimeout(1.0)
            while time.monotonic() < deadline:
                with suppress(OSError):
                    asking.send(encode_message("/strip/list"))
                    asking.recv(LARGEST_PACKET)
                    return "ardour:" in self.server.tool("jack_lsp")
                time.sleep(0.1)
        return False

    def _start(self) -> None:
        shutil.rmtree(self.session.parent, ignore_errors=True)
        room = HARDOUR[0].parent
        environment = {
            **self.server.environment, "HOME": str(self._folder), "LD_LIBRARY_PATH": str(room),
            "ARDOUR_DLL_PATH": str(room), "ARDOUR_DATA_PATH": f"/usr/share/{room.name}",
            "ARDOUR_CONFIG_PATH": f"/etc/{room.name}",
        }  # fmt: skip
        script = f"""
            local s = create_session("{self.session.parent}", "session", 44100)
            s:new_audio_track(2, 2, nil, {self._tracks}, "track", -1, ARDOUR.TrackMode.Normal, true)
            s:save_state("")
            close_session()
            quit()
        """
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
        command = [f"{room.name}-lua"]
        subprocess.run(command, input=script.encode(), check=True, timeout=STARTING_S, **quiet)  # type: ignore[call-overload]
        osc = '<Protocol name="Open Sound Control (OSC)" active='
        text = self.session.read_text("utf-8").replace(f'{osc}"0"', f'{osc}"1" address-only="0"')
        self.session.write_text(text, "utf-8")
        command = [str(HARDOUR[0]), "-P", str(self.session.parent), "session"]
        self._process = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:  # fmt: skip
        if self._process is not None:
            self._process.terminate()  # a client that was killed keeps its JACK server from ending for some seconds
            try:
                self._process.wait(ENDING_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.server.__exit__(kind, error, trace)

    def gain_automation(self, track: int) -> list[tuple[float, float]]:
        """(second, linear gain) of what the saved session holds for the fader of a track, counted from 1."""
        text = self.session.read_text("utf-8")
        route = text[text.index(f'name="track {track}"') :]
        found = re.search(r'<AutomationList automation-id="gain".*?</AutomationList>', route, re.DOTALL)
        events = re.search(r"<events>(.*?)</events>", found.group(), re.DOTALL) if found else None
        pairs = [line.split() for line in events.group(1).strip().splitlines()] if events else []
        events = [(int(at.removeprefix("a")) / _SUPERCLOCK_HZ, float(gain)) for at, gain in pairs]
        return [event for event in events if event[0] < _LONGEST_S]  # one may mark the end of time
