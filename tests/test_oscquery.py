"""The description over HTTP and WebSocket, as clients of the OSCQuery proposal read it."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from pythonosc.osc_message import OscMessage
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from bridge.osc_mirror import mirror_of, update
from bridge.osc_server import OscServer
from bridge.oscquery_server import MOST_CLIENTS
from tests.osc_peers import PATIENCE_S, Peer, message, serve, wait_until
from vqss_engine.control import ControlSurface, Parameter
from vqss_engine.parameters import Argument

GAIN, MUTE = "/vqss/cluster/3/gain", "/vqss/cluster/3/mute"


def get(server: OscServer, target: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=PATIENCE_S)
    connection.request("GET", target)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, json.loads(text) if answer.status == 200 else text


@contextmanager
def listen(server: OscServer, *commands: tuple[str, str]) -> Iterator[ClientConnection]:
    with connect(f"ws://{server.host}:{server.port}", compression=None) as client:
        wait_until(lambda: server.query.active)
        for command, path in commands:
            client.send(json.dumps({"COMMAND": command, "DATA": path}))
        wait_until(lambda: all(server.query.listeners(path) for _, path in commands))
        yield client


def leaves(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for below in node.get("CONTENTS", {}).values():
        yield from leaves(below) if "CONTENTS" in below else (below,)


def test_the_tree_holds_every_address(server: OscServer, surface: ControlSurface) -> None:
    surface.set(GAIN, -6.0)
    status, tree = get(server, "/")
    assert status == 200 and tree["FULL_PATH"] == "/"
    found = {leaf["FULL_PATH"]: leaf for leaf in leaves(tree)}
    everything = (*surface.parameters(), *surface.actions(), *surface.feeds())
    assert set(found) == {entry.path for entry in everything}
    assert all(leaf["TYPE"] and leaf["DESCRIPTION"] and leaf["ACCESS"] in (1, 2, 3) for leaf in found.values())
    assert found[GAIN] == {
        "FULL_PATH": GAIN,
        "TYPE": "f",
        "ACCESS": 3,
        "DESCRIPTION": "gain of the cluster; -70 dB is silence",
        "VALUE": [-6.0],
        "DEFAULT_VALUE": [0.0],
        "CLIPMODE": ["none"],
        "RANGE": [{"MIN": -70.0, "MAX": 12.0}],
        "UNIT": ["dB"],
    }
    assert found[MUTE]["VALUE"] == [0] and found[MUTE]["EXTENDED_TYPE"] == ["switch"]
    assert found["/vqss/levels"]["TYPE"] == "f" * 34 and found["/vqss/preset/load"]["ACCESS"] == 2


def test_what_is_told_and_not_set_may_be_read_only(server: OscServer, surface: ControlSurface) -> None:
    surface.register((Parameter("/vqss/device/block", (Argument("frames", "int", 0, 8192),), 256, "of a block"),))
    node = get(server, "/vqss/device/block")[1]
    assert node["ACCESS"] == 1 and node["VALUE"] == [256]
    mirror = mirror_of(get(server, "/")[1])
    update(mirror, get(server, "/")[1], origin=None)
    assert mirror.get("/vqss/device/block") == 256


def test_a_part_and_an_attribute_of_it(server: OscServer) -> None:
    assert get(server, "/vqss/cluster/3")[1]["CONTENTS"]["gain"]["FULL_PATH"] == GAIN
    assert get(server, f"{GAIN}?VALUE") == (200, {"VALUE": [0.0]})
    assert get(server, f"{GAIN}?RANGE") == (200, {"RANGE": [{"MIN": -70.0, "MAX": 12.0}]})
    assert get(server, "/vqss/cluster/3/name?RANGE")[0] == 204
    assert get(server, f"{GAIN}?NONSENSE")[0] == 400
    assert get(server, "/vqss/nothing")[0] == 404
    assert get(server, "/vqss/../../etc/passwd")[0] == 404


def test_host_info_says_where_osc_is_received(server: OscServer) -> None:
    info = get(server, "/?HOST_INFO")[1]
    assert info["OSC_PORT"] == info["WS_PORT"] == server.port and info["OSC_IP"] == "127.0.0.1"
    assert info["OSC_TRANSPORT"] == "UDP" and info["EXTENSIONS"]["LISTEN"] is True


def test_listeners_hear_of_changes_until_they_ignore(server: OscServer, surface: ControlSurface) -> None:
    with listen(server, ("LISTEN", GAIN), ("LISTEN", "/vqss/bypass")) as client, Peer(server) as peer:
        peer.ask(MUTE, 1)
        peer.ask(GAIN, -3.0)
        heard = OscMessage(client.recv(timeout=PATIENCE_S))
        assert (heard.address, heard.params) == (GAIN, [-3.0])
        client.send(json.dumps({"COMMAND": "IGNORE", "DATA": GAIN}))
        wait_until(lambda: not server.query.listeners(GAIN))
        peer.ask(GAIN, -4.0)
        surface.set("/vqss/bypass", 1)
        assert OscMessage(client.recv(timeout=PATIENCE_S)).address == "/vqss/bypass"


def test_clients_hear_of_effects_that_come_and_go(server: OscServer, surface: ControlSurface) -> None:
    path = "/vqss/cluster/3/fx/0/ratio"
    with listen(server) as client:
        surface.register([Parameter(path, (Argument("ratio", "float", 1.0, 20.0),), 4.0, "ratio")])
        assert json.loads(client.recv(timeout=PATIENCE_S)) == {"COMMAND": "PATH_ADDED", "DATA": path}
        assert get(server, path)[1]["VALUE"] == [4.0]
        surface.unregister([path])
        assert json.loads(client.recv(timeout=PATIENCE_S)) == {"COMMAND": "PATH_REMOVED", "DATA": path}


def test_odd_commands_are_read_over(server: OscServer, surface: ControlSurface) -> None:
    with listen(server) as client:
        odd = ['{"COMMAND": "LISTEN", "DATA": "/vqss/nothing"}', '{"COMMAND": 1, "DATA": []}', "[" * 50_000]
        for text in ("", "[]", "{", *odd, b"\0\xff"):
            client.send(text)
        client.send(json.dumps({"COMMAND": "LISTEN", "DATA": GAIN}))
        wait_until(lambda: server.query.listeners(GAIN))
        surface.set(GAIN, -9.0)
        assert OscMessage(client.recv(timeout=PATIENCE_S)).params == [-9.0]


def test_a_command_too_long_ends_that_connection_only(server: OscServer) -> None:
    with listen(server) as client, pytest.raises(ConnectionClosed):
        client.send("x" * 200_000)
        client.recv(timeout=PATIENCE_S)
    assert get(server, f"{GAIN}?VALUE")[0] == 200


def test_osc_by_websocket_sets_nothing(server: OscServer, surface: ControlSurface) -> None:
    """Any web page may open a WebSocket to this machine."""
    with listen(server) as client:
        client.send(message(GAIN, -50.0).dgram)
        client.send(json.dumps({"COMMAND": "LISTEN", "DATA": GAIN}))
        wait_until(lambda: server.query.listeners(GAIN))
    assert surface.get(GAIN) == 0.0


def test_clients_are_not_without_number(server: OscServer) -> None:
    with ExitStack() as clients:
        for _ in range(MOST_CLIENTS):
            clients.enter_context(listen(server))
        with pytest.raises(InvalidStatus, match="503"), listen(server):
            pass
    wait_until(lambda: not server.query.active)
    with listen(server):
        pass


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 5000, b"GET / HTTP/0.9\r\n\r\n", b"GET " + b"/" * 100_000, b"POST / HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_request_ends_that_connection_only(server: OscServer, data: bytes) -> None:
    with socket.create_connection((server.host, server.port), timeout=PATIENCE_S) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while client.recv(65536):
                pass
    assert get(server, f"{GAIN}?VALUE")[0] == 200


def test_a_server_for_everybody_does_not_say_where_it_is() -> None:
    """A client then uses the address that it asked at."""
    with serve(ControlSurface(), host="0.0.0.0", announce=False) as server, Peer(server) as peer:
        assert server.host == "0.0.0.0" and "OSC_IP" not in get(server, "/?HOST_INFO")[1]
        assert peer.ask("/vqss/bypass") == [("/vqss/bypass", [0])]
