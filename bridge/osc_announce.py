"""Names the service in the local network by zeroconf: `_osc._udp` and `_oscjson._tcp`.

Threads: `osc-announce` registers, which takes a second or so of probing; zeroconf keeps another; `osc-announce-end`
takes the name back, for which `close` waits 0.4 s. All may block.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from typing import Any

SERVICES = ("_osc._udp.local.", "_oscjson._tcp.local.")
_CLOSING_S = 0.4


class Announcement:
    """Announces `name` at `port` until closed; `report` hears of failures, which hinder nothing else."""

    def __init__(self, name: str, host: str, port: int, report: Callable[[str], None]) -> None:
        self._name, self._host, self._port, self._report = f"{name} {port}", host, port, report
        self._zeroconf: Any = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._register, name="osc-announce", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take the name back, as far as that goes within a second."""
        self._closed.set()
        self._thread.join(_CLOSING_S)
        if self._thread.is_alive():
            return  # it takes the name back by itself once it is done
        ending = threading.Thread(target=self._unregister, name="osc-announce-end", daemon=True)
        ending.start()
        ending.join(_CLOSING_S)

    def _register(self) -> None:
        try:
            from zeroconf import InterfaceChoice, ServiceInfo, Zeroconf

            wildcard = ipaddress.ip_address(self._host).is_unspecified
            self._zeroconf = Zeroconf(interfaces=InterfaceChoice.All if wildcard else [self._host])
            for service in SERVICES:
                info = ServiceInfo(
                    service,
                    f"{self._name}.{service}",
                    port=self._port,
                    properties={"txtvers": "1"},
                    server=f"{socket.gethostname().partition('.')[0]}.local.",
                    parsed_addresses=_addresses() if wildcard else [self._host],
                )
                if not self._closed.is_set():
                    self._zeroconf.register_service(info, allow_name_change=True)
            if self._closed.is_set():
                self._zeroconf.close()
        except Exception as error:
            if not self._closed.is_set():
                self._report(f"zeroconf cannot announce OSC ({type(error).__name__}: {error})")

    def _unregister(self) -> None:
        if self._zeroconf is not None:
            self._zeroconf.close()


def _addresses() -> list[str]:
    """This machine's addresses, loopback left out where there are others."""
    import ifaddr

    found = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    return [address for address in found if not ipaddress.ip_address(address).is_loopback] or found
