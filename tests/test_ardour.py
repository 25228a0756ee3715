"""Ardour as a surface: its strips and our clusters move each other; its automation moves our faders, and what they did
is replayed bit for bit.

The tests with a real Ardour, headless, run where VQSS_TEST_ARDOUR=1 asks for them.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from bridge.ardour import DEFAULT_PORT, ArdourSurface, ardour_address, mixer_path
from bridge.automation import Automation, read_take
from bridge.osc_packet import LARGEST_PACKET, Message, PacketError, Scalar, decode_packet, encode_message
from tests.headless_ardour import STARTING_S, HeadlessArdour
from tests.live_runs import RATE, play, song_file
from tests.osc_peers import PATIENCE_S, wait_until
from tests.streams import noise, small_engine
from vqss_engine.control import Control, ControlSurface

TRACKS = 4
FADER, MOVES_DB = "/vqss/cluster/1/gain", (-3.0, -12.0, -24.0)
PLAY, WRITE = 1, 2
"""Ardour's modes of automation."""

WHAT_TO_TELL = 1 + 2 + 16 + 1024
"""Buttons, faders, transport, and where it is, in samples: what Ardour is to tell the hand that works it."""


def test_addresses_fit_each_other() -> None:
    surface = ControlSurface(16)
    for path in surface.values():
        if address := ardour_address(path, 16):
            assert mixer_path(Message(address[0], (*address[1:], 0.0)), 16) == path
    assert ardour_address("/vqss/cluster/0/gain", 16) == ("/strip/gain", 1)
    assert ardour_address("/vqss/bypass", 16) is None and ardour_address("/vqss/cluster/0/fader", 16) is None
    for odd in (("/strip/gain", (17, 0.0)), ("/strip/gain", (0, 0.0)), ("/strip/gain", (1.0,)), ("/a/b/c", (1,))):
        assert mixer_path(Message(*odd), 16) == ""


def test_both_sides_follow_each_other() -> None:
    surface = ControlSurface(4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daw, ExitStack() as stack:
        daw.bind(("127.0.0.1", 0))
        daw.settimeout(PATIENCE_S)
        joined = ArdourSurface(surface, port=daw.getsockname()[1])
        joined.start()
        stack.callback(joined.close)
        data, sender = daw.recvfrom(LARGEST_PACKET)
        assert decode_packet(data)[0].address == "/set_surface"
        for message in (("/strip/gain", 2, -9.0), ("/strip/gain", 3, -193.0), ("/strip/mute", 1, 1.0), ("#reply", 1)):
            daw.sendto(encode_message(*message), sender)
        daw.sendto(encode_message("/master/gain", -2.0), sender)
        wait_until(lambda: surface.get("/vqss/main/gain") == -2.0)
        assert surface.state.gain == (0.0, -9.0, -70.0, 0.0) and surface.state.mute[0] and joined.connected
        surface.set("/vqss/cluster/3/gain", -4.0)
        for _ in range(2):      # the first was lost on the way, for all that is known: no answer has come
            assert told(daw) == Message("/strip/gain", (4, -4.0))
        daw.sendto(encode_message("/strip/gain", 4, -4.5), sender)
        wait_until(lambda: surface.get("/vqss/cluster/3/gain") == -4.5)
        surface.set("/vqss/cluster/3/mute", 1)
        while (message := told(daw)).address == "/strip/gain":
            assert message.arguments == (4, -4.0)       # from before the answer
        for _ in range(2):
            assert told(daw) == Message("/strip/mute", (4, 1))


def told(daw: socket.socket) -> Message:
    """The next that a DAW is told of our mixer."""
    while (heard := decode_packet(daw.recv(LARGEST_PACKET))[0]).address == "/set_surface":
        pass
    return heard


@pytest.fixture(scope="module")
def ardour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeadlessArdour]:
    if os.environ.get("VQSS_TEST_ARDOUR") != "1":
        pytest.skip("with a real Ardour only where it is asked for: VQSS_TEST_ARDOUR=1")
    with HeadlessArdour(tmp_path_factory.mktemp("ardour"), TRACKS) as daw:
        yield daw


@contextmanager
def joined_to_ardour(*surfaces: ControlSurface) -> Iterator[None]:
    """Join these with Ardour, and wait until it has told them all it has."""
    with ExitStack() as stack:
        for surface in surfaces:
            joint = ArdourSurface(surface)
            joint.start()
            stack.callback(joint.close)
        last = f"/vqss/cluster/{TRACKS - 1}/name"
        wait_until(lambda: all(surface.get(last) == f"track {TRACKS}" for surface in surfaces), STARTING_S)
        yield


@pytest.mark.jack
@pytest.mark.timeout(400)
def test_a_headless_ardour_follows_and_leads(ardour: HeadlessArdour) -> None:
    surface, watching = ControlSurface(TRACKS), ControlSurface(TRACKS)
    with joined_to_ardour(surface, watching):
        surface.set("/vqss/cluster/0/gain", -12.0)
        wait_until(lambda: watching.get("/vqss/cluster/0/gain") == pytest.approx(-12.0, abs=1e-3), STARTING_S)
        watching.set("/vqss/cluster/2/mute", 1)
        wait_until(lambda: surface.get("/vqss/cluster/2/mute") is True, STARTING_S)


class Hand:
    """Works Ardour's transport and modes as a surface of its own, and its faders by a mixer that is joined with it."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", DEFAULT_PORT))
        self._socket.settimeout(0.1)
        self._states: dict[str, tuple[Scalar, ...]] = {}
        self.tell("/set_surface", 0, 1, WHAT_TO_TELL, 0, 0, 0, 0)

    def tell(self, address: str, *arguments: int) -> None:
        self._socket.send(encode_message(address, *arguments))

    def tell_until(self, state: Message, address: str, *arguments: int) -> None:
        """Tell, and tell again where that was lost, until Ardour is in this state, as far as it has said.

        Not soon: what only came late would be done twice, and a second return to the start would end what rolls.
        """
        deadline, again = time.monotonic() + STARTING_S, 0.0
        self._listen()
        while self._states.get(state.address) != state.arguments:
            assert time.monotonic() < deadline, f"Ardour never said {state}"
            if time.monotonic() >= again:
                self.tell(address, *arguments)
                again = time.monotonic() + 10.0
            self._listen()

    def _listen(self) -> None:
        """Note what Ardour says, until it pauses; while it rolls it may not."""
        until = time.monotonic() + 0.2
        with suppress(TimeoutError):
            while time.monotonic() < until and (data := self._socket.recv(LARGEST_PACKET)):
                with suppress(PacketError):  # one of its replies is no OSC
                    self._states.update({message.address: message.arguments for message in decode_packet(data)})

    def _mode(self, mode: int) -> None:
        self.tell_until(Message("/strip/gain/automation", (2, float(mode))), "/strip/gain/automation", 2, mode)

    def stop(self) -> None:
        self.tell_until(Message("/transport_stop", (1.0,)), "/transport_stop")

    def rewind(self) -> None:
        self.stop()
        self.tell_until(Message("/position/samples", ("0",)), "/goto_start")

    def play(self) -> None:
        self.tell_until(Message("/transport_play", (1.0,)), "/transport_play")

    def roll(self, seconds: float) -> None:
        """Let Ardour go on by so much of its own time, however long it takes."""
        self._listen()
        until = self._samples + round(seconds * RATE)
        deadline = time.monotonic() + STARTING_S
        while self._samples < until:
            assert time.monotonic() < deadline, f"Ardour does not roll beyond {self._samples}"
            self._listen()

    @property
    def _samples(self) -> int:
        """Where Ardour is, as far as it has said."""
        return int(str(self._states.get("/position/samples", ("0",))[0]))

    def write(self, surface: Control) -> None:
        """Roll while the fader of track 2 writes, and move it."""
        self.rewind()
        self._mode(WRITE)  # a halt would end it
        self.play()
        for gain in MOVES_DB:
            self.roll(0.4)
            surface.set(FADER, gain)
        self.roll(0.4)
        self.stop()
        self._mode(PLAY)
        self.tell("/save_state")


def moves_in(gains_db: list[float]) -> list[float]:
    """Those of our moves that are among them."""
    return [move for move in MOVES_DB if min(abs(gain - move) for gain in gains_db) < 0.01]


@pytest.mark.jack
@pytest.mark.timeout(400)
def test_what_ardour_wrote_by_its_faders_is_the_same_mixdown_twice(ardour: HeadlessArdour, tmp_path: Path) -> None:
    engine = small_engine()
    song = song_file(tmp_path, noise(engine, 600, level=0.3))
    with joined_to_ardour(engine.surface):
        hand = Hand()
        hand.write(engine.surface)
        wait_until(lambda: len(ardour.gain_automation(2)) > 1, STARTING_S)
        written = [20.0 * np.log10(gain) for _, gain in ardour.gain_automation(2)]
        assert len(moves_in(written)) > 1  # the last may come after the halt
        # Ardour plays it, and its fader moves ours, while the song plays and all is written down.
        automation = Automation(engine.surface, None, tmp_path / "take.json")
        automation.begin()
        hand.rewind()
        threading.Timer(0.5, hand.play).start()
        (tmp_path / "first").mkdir()
        play(song, tmp_path / "first", 8.0, engine=engine, automation=automation, free=False)
        automation.close()
    take = read_take(tmp_path / "take.json")
    gains = [float(value) for _, path, value in take.changes if path == FADER]  # type: ignore[arg-type]
    assert len(moves_in(gains)) > 1
    mixdowns = []
    for name in ("second", "third"):
        engine = small_engine()
        automation = Automation(engine.surface, take)
        automation.begin()
        (tmp_path / name).mkdir()
        play(song, tmp_path / name, 4.0, engine=engine, automation=automation)
        mixdowns.append((tmp_path / name / "take.wav").read_bytes())
    (tmp_path / "still").mkdir()
    play(song, tmp_path / "still", 4.0)
    assert mixdowns[0] == mixdowns[1] != (tmp_path / "still" / "take.wav").read_bytes()
