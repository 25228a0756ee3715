"""Rack files: effects for clusters and the main output as JSON, checked entry by entry.

    {"format": 1, "clusters": {"3": [{"plugin": "Compressor", "threshold_db": -20, "ratio": 4},
                                     {"vst3": "path.vst3", "parameters": {"...": 0.5}}]}, "main": [...]}
"""

from __future__ import annotations

import copy
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.chain_stream import load_pedalboard
from bridge.fx_parameters import range_fault
from vqss_engine.errors import VQSSError
from vqss_engine.inserts import MAIN

Chains = dict[str, list[dict[str, Any]]]
"""Cluster number or 'main', as text, to the entries of its chain, as rack files have them."""

FORMAT = 1
EXTERNAL_KEYS = ("vst3", "au")

# Containers, hosts of other plug-ins and abstract classes: no rack entry of their own.
_NOT_FOR_RACKS = frozenset(
    ("AudioUnitPlugin", "Chain", "ExternalPlugin", "IIRFilter", "Mix", "Pedalboard", "Plugin", "PluginContainer",
     "VST3Plugin")
)  # fmt: skip
PLUGIN_FOLDERS = {
    "linux": ("~/.vst3", "/usr/local/lib/vst3", "/usr/lib/vst3"),
    "darwin": ("~/Library/Audio/Plug-Ins/VST3", "/Library/Audio/Plug-Ins/VST3",
               "~/Library/Audio/Plug-Ins/Components", "/Library/Audio/Plug-Ins/Components"),
    "win32": ("C:/Program Files/Common Files/VST3",),
}  # fmt: skip


class RackError(VQSSError):
    """A rack that cannot be; the message begins with the entry at fault."""

    def __init__(self, entry: str, text: str) -> None:
        self.entry = entry
        super().__init__(f"rack entry {entry}: {text}")


@dataclass(frozen=True)
class RackSource:
    """A rack as it was written: key (cluster number or 'main') -> entries. folder: what its paths are relative to."""

    chains: dict[int | str, list[dict[str, Any]]]
    folder: Path

    @property
    def needs_main_thread(self) -> bool:
        """Whether there is a VST3 or AU in it: these are loaded on the main thread of a process only."""
        return any(key in entry for chain in self.chains.values() for entry in chain for key in EXTERNAL_KEYS)

    def absolute(self) -> Chains:
        """A copy of the chains, whose files beside the rack are found from anywhere."""
        return {str(key): [_absolute(entry, self.folder) for entry in chain] for key, chain in self.chains.items()}

    def build(self) -> dict[int | str, list[Any]]:
        """Load every plug-in, with its parameters set; raises RackError naming the entry."""
        return {
            key: [build_plugin(entry, entry_name(key, index), self.folder) for index, entry in enumerate(chain)]
            for key, chain in self.chains.items()
        }


def _absolute(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    found = copy.deepcopy(entry)
    for key in entry:
        if key in EXTERNAL_KEYS or key.endswith("_filename"):
            path = folder / str(entry[key])
            found[key] = str(path.resolve()) if path.exists() else entry[key]
    return found


def entry_name(key: int | str, index: int) -> str:
    """How messages call an entry: `clusters.3[1]`, `main[0]`, as the file has it, counted from 0."""
    return f"{MAIN if key == MAIN else f'clusters.{key}'}[{index}]"


def read_rack(path: Path) -> RackSource:
    """The rack in a file; raises VQSSError where it cannot be read or is no rack."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise VQSSError(f"cannot read the rack '{path}' ({reason}); check the path") from error
    try:
        data = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise VQSSError(f"the rack '{path}' is not valid JSON ({error}); mend it there") from error
    try:
        return parse_rack(data, path.parent)
    except VQSSError as error:
        raise VQSSError(f"{error} (in '{path}')") from error


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number JSON knows")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise ValueError(f"'{repeated}' is there twice")
    return found


def parse_rack(data: object, folder: Path | None = None) -> RackSource:
    """A rack from what its JSON holds; raises VQSSError naming what is wrong."""
    if not isinstance(data, dict):
        raise VQSSError('a rack is an object such as {"format": 1, "clusters": {}}; begin with that')
    if data.get("format") != FORMAT or isinstance(data.get("format"), bool):
        raise VQSSError(f'the rack has "format" {data.get("format")!r}; this version reads format {FORMAT}')
    if unknown := sorted(set(data) - {"format", "clusters", MAIN}):
        raise VQSSError(f"the rack has an unknown part '{unknown[0]}'; give format, clusters and main")
    clusters = data.get("clusters", {})
    if not isinstance(clusters, dict):
        raise VQSSError('"clusters" of the rack is not an object; give {"3": [...]}')
    chains: dict[int | str, list[dict[str, Any]]] = {}
    for key, chain in clusters.items():
        if not re.fullmatch(r"0|[1-9][0-9]{0,3}", key):
            raise RackError(f"clusters.{key}", "is no cluster; give its number, as in \"3\"")
        chains[int(key)] = _checked_chain(int(key), chain)
    if MAIN in data:
        chains[MAIN] = _checked_chain(MAIN, data[MAIN])
    return RackSource({key: chain for key, chain in chains.items() if chain}, folder or Path())


def _checked_chain(key: int | str, chain: object) -> list[dict[str, Any]]:
    where = entry_name(key, 0).removesuffix("[0]")
    if not isinstance(chain, list):
        raise RackError(where, "is not a list of plug-ins; give [...]")
    for index, entry in enumerate(chain):
        kinds = [] if not isinstance(entry, dict) else [kind for kind in ("plugin", *EXTERNAL_KEYS) if kind in entry]
        if len(kinds) != 1 or not isinstance(entry[kinds[0]], str):
            raise RackError(entry_name(key, index), 'is no plug-in; give {"plugin": "Name"} or {"vst3": "path.vst3"}')
    return chain


def build_plugin(entry: dict[str, Any], name: str, folder: Path) -> Any:
    """The plug-in of one entry; raises RackError naming it."""
    for key in EXTERNAL_KEYS:
        if key in entry:
            return _external(entry, key, name, folder)
    return _native(entry, name, folder)


def native_classes() -> dict[str, Any]:
    pedalboard = load_pedalboard()
    found = {name: getattr(pedalboard, name) for name in dir(pedalboard) if name[0].isupper()}
    return {
        name: kind
        for name, kind in found.items()
        if isinstance(kind, type) and issubclass(kind, pedalboard.Plugin) and name not in _NOT_FOR_RACKS
    }


def _native(entry: dict[str, Any], name: str, folder: Path) -> Any:
    classes, kind = native_classes(), entry["plugin"]
    if kind not in classes:
        raise RackError(name, f"unknown plugin '{kind}'; give one of {', '.join(classes)}")
    # pedalboard writes the arguments it knows into the docstring, and nowhere else.
    known = re.findall(r"(\w+): ", (classes[kind].__init__.__doc__ or "").partition(") ->")[0].partition("(")[2])[1:]
    arguments = {key: value for key, value in entry.items() if key != "plugin"}
    for key, value in arguments.items():
        if key not in known:
            raise RackError(name, f"{kind} has no argument '{key}'; give {', '.join(known) or 'none'}")
        if fault := range_fault(kind, key, value):
            raise RackError(name, f"{kind}: {fault}")
        arguments[key] = _argument(classes[kind], kind, key, value, name, folder)
    try:
        return classes[kind](**arguments)
    except TypeError as error:
        raise RackError(name, f"{kind} refuses {arguments}; check the types of its arguments") from error
    except (ValueError, RuntimeError, OSError) as error:
        raise RackError(name, f"{kind}: {_line(error)}") from error


def _argument(plugin: Any, kind: str, key: str, value: Any, name: str, folder: Path) -> Any:
    """A value as the plug-in wants it: the name of a mode as that mode, a file relative to the rack's folder."""
    if not isinstance(value, str):
        return value
    modes = getattr(plugin, key.capitalize(), None)
    if modes is not None:
        if value not in modes.__members__:
            raise RackError(name, f"{kind}: unknown {key} '{value}'; give one of {', '.join(modes.__members__)}")
        return modes.__members__[value]
    if key.endswith("_filename"):
        path = folder / os.path.expanduser(value)
        if not path.is_file():
            raise RackError(name, f"{kind}: no file '{path}'; check the path")
        return str(path)
    return value


def _external(entry: dict[str, Any], key: str, name: str, folder: Path) -> Any:
    if unknown := sorted(set(entry) - {key, "parameters", "name"}):
        raise RackError(name, f"unknown key '{unknown[0]}'; give {key}, parameters, and name if a file holds several")
    parameters = entry.get("parameters", {})
    if not isinstance(parameters, dict):
        raise RackError(name, 'parameters is not an object; give {"name": value}')
    path = next((found for found in _places(entry[key], folder) if found.exists()), None)
    if path is None:
        raise RackError(name, f"no plug-in '{entry[key]}'; install it, or give its whole path")
    from bridge.denormals import kept_denormals  # loads numba, which a rack of pedalboard's own plug-ins does not need

    try:
        with kept_denormals():
            plugin = load_pedalboard().load_plugin(str(path), plugin_name=entry.get("name"))
    except (ImportError, ValueError, RuntimeError, OSError, TypeError) as error:
        raise RackError(name, f"cannot load '{path}' ({_line(error)}); use a plug-in for this system") from error
    if not plugin.is_effect:
        raise RackError(name, f"'{path}' is an instrument; give an effect")
    for parameter, value in parameters.items():
        _set_external(plugin, parameter, value, name)
    return plugin


def _set_external(plugin: Any, parameter: str, value: Any, name: str) -> None:
    if parameter not in plugin.parameters:
        raise RackError(name, f"{plugin.name} has no parameter '{parameter}'; give {', '.join(plugin.parameters)}")
    try:
        setattr(plugin, parameter, value)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise RackError(name, f"{plugin.name}: {_line(error)}") from error


def _places(text: str, folder: Path) -> Iterator[Path]:
    """Where a plug-in of this name may lie: beside the rack file, then where systems keep plug-ins."""
    path = Path(os.path.expanduser(os.path.expandvars(text)))  # of an unknown user, left as it is
    yield folder / path
    if not path.is_absolute():
        for place in PLUGIN_FOLDERS.get(sys.platform, ()):
            yield Path(place).expanduser() / path


def _line(error: Exception) -> str:
    """An exception of pedalboard's on one line, without its object addresses."""
    return " ".join(str(error).split())[:300]
