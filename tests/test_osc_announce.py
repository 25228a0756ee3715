"""Zeroconf: both services are announced with address and port; with loopback only when asked."""

from __future__ import annotations

import threading

import pytest

from bridge.osc_announce import SERVICES
from tests.osc_peers import PATIENCE_S, serve, wait_until
from vqss_engine.control import ControlSurface

zeroconf = pytest.importorskip("zeroconf")


def test_services_are_found_and_go_away_with_the_server() -> None:
    try:
        browsing = zeroconf.Zeroconf(interfaces=["127.0.0.1"])
    except OSError as error:
        pytest.skip(f"no multicast here: {error}")
    found: dict[str, bool] = {}

    class Listener(zeroconf.ServiceListener):
        def add_service(self, browser: object, kind: str, name: str) -> None:
            found[name] = True

        def remove_service(self, browser: object, kind: str, name: str) -> None:
            found[name] = False

        update_service = add_service

    zeroconf.ServiceBrowser(browsing, list(SERVICES), Listener())
    with serve(ControlSurface(), announce=True, name="VQSS test") as server:
        names = [f"VQSS test {server.port}.{service}" for service in SERVICES]
        wait_until(lambda: all(found.get(name) for name in names))
        for name, service in zip(names, SERVICES):
            info = browsing.get_service_info(service, name, timeout=round(1000 * PATIENCE_S))
            assert info.port == server.port and info.parsed_addresses() == ["127.0.0.1"]
    wait_until(lambda: not any(found[name] for name in names))
    browsing.close()


def test_with_loopback_nothing_is_announced_unless_asked() -> None:
    before = set(threading.enumerate())
    with serve(ControlSurface()):
        added = {thread.name for thread in set(threading.enumerate()) - before}
    assert added == {"osc-receive", "osc-send", "osc-query"}
