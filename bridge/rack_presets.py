"""The rack in presets: what a preset saves of the effects that are heard, and puts in their place when it is loaded.

Beside what a rack file has, "bypass" lists the chains that are passed by, as ["3", "main"].

`read` and `write` are for `vqss_engine.presets.PresetFolder`; they come on any thread that controls, and may block.
"""

from __future__ import annotations

from typing import Any

from bridge.rack_bypass import BYPASS, without_bypass
from bridge.rack_file import FORMAT, Chains, parse_rack
from bridge.rack_host import RackHost
from bridge.rack_values import take_values
from vqss_engine.control import ControlSurface
from vqss_engine.fx_addresses import bypass_path
from vqss_engine.inserts import MAIN

Content = dict[str, Any]


class RackPresets:
    """The rack of `host` as the content of a rack file, with the values that `surface` has."""

    def __init__(self, host: RackHost, surface: ControlSurface) -> None:
        self._host, self._surface = host, surface

    def read(self) -> Content | None:
        """The rack that is heard; an empty one where there is none, None where it was made by a program."""
        source = self._host.source
        if source is None:
            return _content({}) if self._host.rack is None else None
        chains = source.absolute()
        take_values(chains, self._surface)
        bypassed = [key for key in chains if self._is_bypassed(key)]
        return _content(chains) | ({BYPASS: bypassed} if bypassed else {})

    def write(self, content: object) -> None:
        """Let the rack of a preset be heard; raises VQSSError where it does not work, and then changes nothing."""
        bypassed, rack = without_bypass(content)
        source = parse_rack(rack)
        if rack != without_bypass(self.read())[1]:
            if source.chains:
                self._host.load_source(source)
            else:
                self._host.install(None)
        for key in source.chains:
            if (path := bypass_path(str(key))) in self._surface:
                self._surface.set(path, str(key) in bypassed)

    def _is_bypassed(self, key: str) -> bool:
        path = bypass_path(key)
        return path in self._surface and bool(self._surface.get(path))


def _content(chains: Chains) -> Content:
    clusters = {key: chain for key, chain in chains.items() if key != MAIN}
    return {"format": FORMAT, "clusters": clusters, MAIN: chains.get(MAIN, [])}
