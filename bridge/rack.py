"""ClusterRack: a chain of effects for every cluster and one for the main output, from Python or from a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.chain_stream import ChainStream, check_item, is_native, is_overridden, item_name, load_pedalboard
from bridge.fx_parameters import Setting, bypass_parameter, settings_of
from bridge.plugin_insert import PluginInsert, check_streaming, measure_latency
from bridge.rack_file import RackError, RackSource, entry_name, parse_rack, read_rack
from vqss_engine.control import Parameter
from vqss_engine.errors import VQSSError
from vqss_engine.fx_addresses import chain_path
from vqss_engine.inserts import MAIN, Deadline

Key = int | str
"""A cluster's number, or 'main'."""


@dataclass(frozen=True)
class PluginLatency:
    """How late one plug-in is. entry: its place in the rack, as messages name it."""

    entry: str
    plugin: str
    latency_samples: int


@dataclass(frozen=True)
class BuiltRack:
    """A rack that is ready to run: inserts for an engine, and how late each plug-in is."""

    inserts: dict[Key, PluginInsert]
    latencies: tuple[PluginLatency, ...]


class ClusterRack:
    """Chains of effects: pedalboard's plug-ins, VST3/AU, or objects with pedalboard's call signature.

        ClusterRack({3: [Compressor(-20, 4)], 11: [Reverb()]}, main=[Limiter()])
        ClusterRack.load("rack.json")

    chains: cluster -> chain; `main`: the chain on the main output. A rack plays in one place at a time, as plug-ins
    keep their state. Raises RackError (a VQSSError) naming the entry that cannot be.
    """

    def __init__(self, chains: Mapping[Any, Any] | None = None, main: Any = None) -> None:
        given = dict(chains or {})
        if main is not None:
            given[MAIN] = main
        self.chains: dict[Key, list[Any]] = {}
        seen: dict[int, str] = {}
        for key, chain in given.items():
            self.chains[_checked_key(key)] = items = _as_items(chain)
            for index, item in enumerate(items):
                _check_entry(item, entry_name(key, index), seen)

    @classmethod
    def load(cls, path: str | Path) -> ClusterRack:
        """The rack in a rack file."""
        return cls.from_source(read_rack(Path(path)))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], folder: str | Path | None = None) -> ClusterRack:
        """The rack that the content of a rack file describes; its paths are relative to `folder`."""
        return cls.from_source(parse_rack(dict(data), Path(folder) if folder is not None else None))

    @classmethod
    def from_source(cls, source: RackSource) -> ClusterRack:
        """Load all plug-ins of a rack that was read. With VST3 or AU in it, on the main thread only."""
        return cls(source.build())

    def build(
        self, sample_rate: float, channels: int, hop: int, clusters: int, deadline: Deadline | None = None
    ) -> BuiltRack:
        """Try every plug-in and make the inserts; see PluginInsert for `deadline`."""
        inserts, latencies = {}, []
        for key, items in self.chains.items():
            if isinstance(key, int) and key >= clusters:
                raise RackError(entry_name(key, 0), f"there is no cluster {key}; the model has 0 to {clusters - 1}")
            for index, item in enumerate(items):
                entry = entry_name(key, index)
                late = _tried(item, entry, sample_rate, channels, hop)
                latencies.append(PluginLatency(entry, item_name(item), late))
            if items:
                inserts[key] = PluginInsert(items, sample_rate, channels, hop, deadline)
        return BuiltRack(inserts, tuple(latencies))

    def settings(self) -> Iterator[Setting]:
        """Every parameter that can be changed while the rack runs, at /vqss/cluster/{k}/fx/{i}/{parameter}."""
        for key, items in self.chains.items():
            for index, item in enumerate(items):
                where = f"{entry_name(key, index)} {item_name(item)}"
                yield from settings_of(item, f"{chain_path(key)}/{index}", where)

    def bypasses(self) -> dict[str, tuple[Key, Parameter]]:
        """Address -> the chain that it passes by, and the switch."""
        found = {}
        for key, items in self.chains.items():
            if items:
                what = "the main output" if key == MAIN else f"cluster {key}"
                parameter = bypass_parameter(chain_path(key), what)
                found[parameter.path] = (key, parameter)
        return found

    def __repr__(self) -> str:
        chains = (f"{key}: {' > '.join(map(item_name, items))}" for key, items in self.chains.items())
        return f"<ClusterRack {'; '.join(chains) or 'empty'}>"


def as_rack(rack: ClusterRack | Mapping[Any, Any] | str | Path) -> ClusterRack:
    """A rack, the path of a rack file, the content of one, or a mapping of cluster to chain, as a rack."""
    if isinstance(rack, ClusterRack):
        return rack
    if isinstance(rack, str | Path):
        return ClusterRack.load(rack)
    return ClusterRack.from_dict(rack) if "format" in rack else ClusterRack(rack)


def _checked_key(key: Any) -> Key:
    if key == MAIN or (isinstance(key, int) and not isinstance(key, bool) and key >= 0):
        return key
    raise VQSSError(f"no cluster {key!r} to put effects on; give its number or '{MAIN}'")


def _as_items(chain: Any) -> list[Any]:
    """One plug-in, a list of them, a Pedalboard or a Chain, as a flat list."""
    inner = getattr(chain, "plugins", chain)
    board = load_pedalboard().Chain  # also the base of Pedalboard
    if isinstance(inner, list | tuple | board) and not is_overridden(inner):
        return [item for each in inner for item in _as_items(each)]
    return [chain]


def _check_entry(item: Any, entry: str, seen: dict[int, str]) -> None:
    try:
        check_item(item)
    except TypeError as error:
        raise RackError(entry, str(error)) from error
    if id(item) in seen:
        raise RackError(entry, f"{item_name(item)} is also {seen[id(item)]}; make another, each keeps its own state")
    seen[id(item)] = entry


def _tried(item: Any, entry: str, sample_rate: float, channels: int, hop: int) -> int:
    """The latency of one plug-in, from running it; raises RackError where it does not run."""
    try:
        latency = measure_latency(ChainStream([item], sample_rate, channels), channels, hop)
        if is_native(item):
            check_streaming(item, sample_rate, channels, hop, latency)
        return latency
    except VQSSError as error:
        raise RackError(entry, f"{item_name(item)} {error}") from error
    except Exception as error:  # a plug-in may raise anything, and the entry must be named whatever it is
        text = " ".join(str(error).split()) or type(error).__name__
        where = f"with {channels} channel(s)"
        raise RackError(entry, f"{item_name(item)} does not run {where} ({text}); use another") from error
