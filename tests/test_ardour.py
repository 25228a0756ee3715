"""Ardour as a surface: its strips and our clusters move each other; tried with a headless Ardour where there is one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.ardour import DEFAULT_PORT, ArdourSurface, ardour_address, mixer_path
from bridge.osc_packet import LARGEST_PACKET, Message, decode_packet, encode_message
from tests.osc_peers import wait_until
from vqss_engine.control import ControlSurface

HARDOUR = sorted(Path("/usr/lib").glob("ardour*/hardour-*"))
TRACKS = 4
STARTING_S = 60.0


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
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daw:
        daw.bind(("127.0.0.1", 0))
        daw.settimeout(10)
        joined = ArdourSurface(surface, port=daw.getsockname()[1])
        joined.start()
        data, sender = daw.recvfrom(LARGEST_PACKET)
        assert decode_packet(data)[0].address == "/set_surface"
        for message in (("/strip/gain", 2, -9.0), ("/strip/gain", 3, -193.0), ("/strip/mute", 1, 1.0), ("#reply", 1)):
            daw.sendto(encode_message(*message), sender)
        daw.sendto(encode_message("/master/gain", -2.0), sender)
        wait_until(lambda: surface.get("/vqss/main/gain") == -2.0)
        assert surface.state.gain == (0.0, -9.0, -70.0, 0.0) and surface.state.mute[0] and joined.connected
        surface.set("/vqss/cluster/3/gain", -4.0)
        while (heard := decode_packet(daw.recv(LARGEST_PACKET))[0]).address == "/set_surface":
            pass
        assert heard == Message("/strip/gain", (4, -4.0))
        joined.close()


@pytest.fixture
def ardour(tmp_path: Path) -> Iterator[None]:
    """A headless Ardour with some tracks and its OSC surface switched on."""
    if not os.environ.get("VQSS_TEST_ARDOUR"):
        pytest.skip("another program's moods are no test of ours; set VQSS_TEST_ARDOUR=1 to run it")
    if not HARDOUR or not shutil.which("jackd"):
        pytest.skip("Ardour or jackd is not installed")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("0.0.0.0", DEFAULT_PORT))
        except OSError:
            pytest.skip("Ardour's port is in use")
    room = HARDOUR[0].parent
    script = f"""
        local s = create_session("{tmp_path}/session", "session", 44100)
        s:new_audio_track(2, 2, nil, {TRACKS}, "track", -1, ARDOUR.TrackMode.Normal, true)
        s:save_state("")
        close_session()
        quit()
    """
    environment = {
        **os.environ, "HOME": str(tmp_path), "LD_LIBRARY_PATH": str(room), "ARDOUR_DLL_PATH": str(room),
        "ARDOUR_DATA_PATH": f"/usr/share/{room.name}", "ARDOUR_CONFIG_PATH": f"/etc/{room.name}",
        "JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": f"vqss_ardour_{os.getpid()}",
    }  # fmt: skip
    name = environment["JACK_DEFAULT_SERVER"]
    jack = ["jackd", "--no-realtime", "--name", name, "-d", "dummy", "-r", "44100", "-p", "1024"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    with subprocess.Popen(jack, **quiet) as server:  # type: ignore[call-overload]
        try:
            subprocess.run(["jack_wait", "-w", "-t", "10", "-s", name], check=True, **quiet)  # type: ignore[call-overload]
            subprocess.run([f"{room.name}-lua"], input=script.encode(), check=True, timeout=60, **quiet)  # type: ignore[call-overload]
            session = tmp_path / "session" / "session.ardour"
            osc = '<Protocol name="Open Sound Control (OSC)" active='
            on = f'{osc}"1" address-only="0"'
            session.write_text(session.read_text("utf-8").replace(f'{osc}"0"', on), "utf-8")
            command = [str(HARDOUR[0]), "-P", str(session.parent), "session"]
            with subprocess.Popen(command, **quiet) as daw:  # type: ignore[call-overload]
                yield
                daw.kill()
        finally:
            server.terminate()  # killed, it would leave its entry in JACK's table of servers, which holds eight


@pytest.mark.jack
def test_a_headless_ardour_follows_and_leads(ardour: None) -> None:
    surface, watching = ControlSurface(TRACKS), ControlSurface(TRACKS)
    joined, watcher = ArdourSurface(surface), ArdourSurface(watching)
    joined.start()
    watcher.start()
    wait_until(lambda: joined.connected and watcher.connected, STARTING_S)
    wait_until(lambda: watching.get("/vqss/cluster/3/name") == surface.get("/vqss/cluster/3/name") == "track 4")
    surface.set("/vqss/cluster/1/gain", -12.0)
    wait_until(lambda: watching.get("/vqss/cluster/1/gain") == pytest.approx(-12.0, abs=1e-3))
    watching.set("/vqss/cluster/2/mute", 1)
    wait_until(lambda: surface.get("/vqss/cluster/2/mute") is True)
    joined.close()
    watcher.close()
