"""What listens: loopback only unless asked, both kinds on one port, gone when closed."""

from __future__ import annotations

import ipaddress
import socket
import threading

import psutil
import pytest

from bridge.osc_client import RemoteControl
from bridge.osc_server import OscServer
from bridge.osc_sockets import address_text, free_port, host_and_port, is_loopback
from tests.osc_peers import Peer, serve, wait_until
from vqss_engine.control import ControlSurface
from vqss_engine.errors import UsageError, VQSSError


def listening() -> set[tuple[str, int, int]]:
    """Address, port and kind of this process's sockets that take packets or connections of anybody."""
    found = psutil.Process().net_connections(kind="inet")
    return {(c.laddr.ip, c.laddr.port, c.type) for c in found if c.laddr and not c.raddr}


def test_by_default_nothing_listens_beyond_loopback() -> None:
    before = listening()
    with serve(ControlSurface()) as server, Peer(server) as peer:
        peer.subscribe(levels=60)
        opened = listening() - before
        assert {("127.0.0.1", server.port, socket.SOCK_DGRAM), ("127.0.0.1", server.port, socket.SOCK_STREAM)} <= opened
        assert all(ipaddress.ip_address(ip).is_loopback for ip, _, _ in opened)


def test_the_default_address_is_loopback() -> None:
    assert is_loopback(OscServer(ControlSurface()).host) and OscServer(ControlSurface()).port == 9000


def test_closing_ends_threads_and_frees_the_port() -> None:
    threads, sockets = set(threading.enumerate()), listening()
    server = serve(ControlSurface())
    server.start()
    assert len(set(threading.enumerate()) - threads) == 3
    server.close()
    server.close()
    assert not set(threading.enumerate()) - threads and listening() <= sockets


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_in_use_is_one_clear_error(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        server = serve(ControlSurface())
        server.port = port
        with pytest.raises(VQSSError, match=f"port {port}.*--osc"):
            server.start()
        server.close()


def test_a_port_that_is_taken_early_answers_from_the_start_on() -> None:
    server = serve(ControlSurface())
    server.bind()
    with pytest.raises(VQSSError, match=f"port {server.port}"):
        OscServer(ControlSurface(), port=server.port).bind()
    with Peer(server) as peer:
        peer.send("/vqss/ping")
        server.start()
        assert peer.wait_for("/vqss/pong") == []
    server.close()


def test_a_port_that_is_taken_and_never_answers_is_free_again() -> None:
    sockets, server = listening(), serve(ControlSurface())
    server.bind()
    assert listening() > sockets
    server.close()
    server.close()
    assert listening() <= sockets


def test_an_unknown_host_is_one_clear_error() -> None:
    with pytest.raises(VQSSError, match="host"):
        serve(ControlSurface(), host="no.such.host.invalid").start()


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("0.0.0.0:9001", ("0.0.0.0", 9001)),
        ("9001", ("127.0.0.1", 9001)),
        (":9001", ("127.0.0.1", 9001)),
        ("localhost", ("localhost", 9000)),
        ("[::1]:9001", ("::1", 9001)),
        ("::1", ("::1", 9000)),
        ("[::1]", ("::1", 9000)),
        ("host:0", ("host", 0)),
    ],
)
def test_addresses_are_read(text: str, pair: tuple[str, int]) -> None:
    assert host_and_port(text) == pair
    assert host_and_port(address_text(*pair)) == pair


@pytest.mark.parametrize("text", ["host:70000", "host:port", "host:-1"])
def test_bad_ports_are_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError):
        host_and_port(text)


def test_ipv6_loopback_works_as_well() -> None:
    surface = ControlSurface()
    try:
        server = serve(surface, host="::1")
        server.start()
    except VQSSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    remote = RemoteControl("::1", server.port)
    remote.connect()
    remote.set("/vqss/main/gain", -2.0)
    wait_until(lambda: surface.get("/vqss/main/gain") == -2.0)
    assert is_loopback(server.host)
    remote.close()
    server.close()


def test_a_name_with_addresses_of_both_kinds_means_the_same_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a stock Debian, whose localhost is ::1 first."""
    numeric = socket.getaddrinfo

    def both(host: str, port: int, *rest: int, **options: int) -> list[tuple]:
        hosts = ("::1", "127.0.0.1") if host == "localhost" else (host,)
        return [entry for each in hosts for entry in numeric(each, port, *rest, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with serve(ControlSurface(), host="localhost") as server:
        assert server.host == "127.0.0.1"
        remote = RemoteControl("localhost", server.port)
        remote.connect()
        remote.close()


def test_a_port_whose_connections_are_closed_is_free_again() -> None:
    """As the engine finds it, which takes such a port: the window is reopened where it was."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)), server.accept()[0]:
            pass        # the side that closes first is the server's, whose port stays in TIME_WAIT
    assert free_port(first=port) == port


def test_a_host_that_is_not_here_has_no_free_port() -> None:
    with pytest.raises(VQSSError, match="cannot listen on"):
        free_port("192.0.2.1")
