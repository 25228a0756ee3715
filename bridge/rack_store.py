"""The rack that a window composes: written to a file as a whole, loaded by the engine over OSC, kept for a restart.

An entry may say "off": true; it is kept here and left out of what the engine loads.

Threads: `load` waits for the engine and is called on one thread at a time; the others read, and do not wait.
"""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from bridge.rack_bypass import without_bypass
from bridge.rack_file import FORMAT, Chains, parse_rack, read_rack
from bridge.rack_values import heard, take_values
from vqss_engine.control import Control, UnknownAddress
from vqss_engine.errors import VQSSError
from vqss_engine.fx_addresses import bypass_path, place_of
from vqss_engine.inserts import MAIN
from vqss_engine.presets import read_preset
from vqss_engine.vocabulary import RACK_LOAD
from vqss_engine.whole_files import written_whole

_SHOWN_WITHIN_S = 5.0


class RackStore:
    """The rack of the engine behind `mixer`, which loads racks from `folder` by name; `name` is that of its own file.

    path, preset: the rack file and the preset that the engine was started with, if any; the rack file counts.
    """

    def __init__(
        self, mixer: Control, folder: Path, name: str, path: Path | None = None, preset: Path | None = None
    ) -> None:
        self._mixer, self._folder, self._name = mixer, folder, name
        self._lock = threading.Lock()
        begun_with = read_chains(path) if path else preset_chains(preset) if preset else None
        self._chains: Chains = begun_with or {}
        self._passed_by: set[str] = set()       # of chains that are passed by, those that may be all off

    @property
    def file(self) -> Path:
        """Where the rack is written for the engine."""
        return self._folder / self._name

    @property
    def in_place(self) -> bool:
        """Whether the engine has the effects that were loaded here, as far as their addresses and names tell."""
        running = {key: chain for key, chain in heard(self._chains).items() if chain}
        titles = _titles(self._mixer)
        return titles.keys() == running.keys() and all(_fits(titles[key], chain) for key, chain in running.items())

    def chains(self) -> Chains:
        """The chains with the values that the effects have now."""
        with self._lock:
            chains = copy.deepcopy(self._chains)
        if self.in_place:
            take_values(chains, self._mixer)
        return chains

    def load(self, chains: Chains, bypassed: Collection[str] = ()) -> None:
        """Let the engine play through these; raises VQSSError naming the entry at fault, and then nothing changes.

        What is passed by stays so, also a chain that is all off for a while. bypassed: those to pass by that come anew.
        """
        write_chains(self.file, heard(chains))
        running, switched = _titles(self._mixer).keys(), _bypassed(self._mixer)
        passed_by = self._passed_by.union(bypassed) - running
        passed_by |= {key for key in running if bypass_path(key) in switched}
        name = self._name if any(heard(chains).values()) else ""
        self._mixer.act(RACK_LOAD, name)
        with self._lock:
            self._chains = copy.deepcopy(chains)
        self._passed_by = {key for key in passed_by if chains.get(key)}
        deadline = time.monotonic() + _SHOWN_WITHIN_S
        while not self.in_place and time.monotonic() < deadline:
            time.sleep(0.005)       # the addresses come a moment after the answer
        for key in passed_by:
            with suppress(UnknownAddress):      # that chain is empty now
                self._mixer.set(bypass_path(key), True)

    def take_preset(self, preset: Path) -> bool:
        """Know the effects that the engine has taken from a preset; False where it leaves them. Raises VQSSError."""
        chains = preset_chains(preset)
        if chains is None:
            return False
        with self._lock:
            self._chains = chains
        self._passed_by = set()
        return True

    def options(self) -> list[str]:
        """The options that give a new engine the same effects with the same values."""
        rack = self.content()
        if rack is None:
            return []
        _write(self.file, rack)
        return [f"--rack={self.file}", *self.bypass_options()]

    def content(self) -> dict[str, Any] | None:
        """What a rack file of the effects of now holds; None where there are none, or others than were loaded here."""
        running = heard(self.chains())
        return _content(running) if self.in_place and any(running.values()) else None

    def bypass_options(self) -> list[str]:
        """The options that pass by the chains that are passed by now."""
        return [f"--set={path}=1" for path in _bypassed(self._mixer)]

    def close(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self.file.unlink()


def read_chains(path: Path) -> Chains:
    """The chains of a rack file, files in it by their whole paths; raises VQSSError."""
    return read_rack(path).absolute()


def preset_chains(path: Path) -> Chains | None:
    """The chains that a preset brings, None where it leaves effects as they are; raises VQSSError."""
    content = read_preset(path).get("rack")
    return None if content is None else parse_rack(without_bypass(content)[1]).absolute()


def write_chains(path: Path, chains: Chains) -> None:
    """Write a rack file, at once or not at all; one that holds these already is left. Raises VQSSError."""
    rack = _content(chains)
    parse_rack(rack)
    _write(path, rack)


def _content(chains: Chains) -> dict[str, Any]:
    """What a rack file of these chains holds."""
    clusters = {key: chain for key, chain in chains.items() if key != MAIN and chain}
    return {"format": FORMAT, "clusters": clusters, MAIN: chains.get(MAIN, [])}


def _write(path: Path, rack: dict[str, Any]) -> None:
    if _holds(path, rack):      # also where nothing can be written any more
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial:
            partial.write_text(json.dumps(rack, indent=1), encoding="utf-8")
    except OSError as error:
        raise VQSSError(f"the rack '{path}' cannot be written ({error.strerror}); choose another place") from error


def _holds(path: Path, rack: dict[str, Any]) -> bool:
    """Whether a file is this rack to the letter."""
    try:
        return bool(json.loads(path.read_text("utf-8")) == rack)
    except (OSError, ValueError):
        return False


def _titles(mixer: Control) -> dict[str, dict[int, str]]:
    """The chains that have addresses now, and what their effects are called, by number; one without parameters is
    not among them."""
    found: dict[str, dict[int, str]] = {}
    for parameter in mixer.parameters():
        if place := place_of(parameter.path):
            titles = found.setdefault(place.chain, {})
            if place.effect is not None:        # `clusters.3[0] Compressor: threshold`
                titles[place.effect] = parameter.description.partition(":")[0].partition(" ")[2]
    return found


def _fits(titles: dict[int, str], chain: list[dict[str, Any]]) -> bool:
    """Whether effects of these names can be those of a chain; a plug-in of a file goes by a name that only it knows."""
    return all(
        index < len(chain) and chain[index].get("plugin", title) == title for index, title in titles.items()
    )


def _bypassed(mixer: Control) -> list[str]:
    return [path for path, value in mixer.values().items() if path.endswith("/fx/bypass") and value]
