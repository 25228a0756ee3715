"""What a rack can be made of on this machine, as data: pedalboard's own effects with the arguments that cannot be
changed while they run, and the VST3 and AU files that are installed.

`python -m bridge.rack_catalogue` prints it as JSON: pedalboard is loaded in a process of its own, so that a window
that shows the list need not load it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from bridge import rack_file
from bridge.child_command import child_command
from bridge.fx_parameters import FIXED, native_range
from bridge.rack import ClusterRack
from vqss_engine.errors import VQSSError
from vqss_engine.inserts import MAIN

_TIMEOUT_S = 60.0
_RATE_HZ, _CHANNELS, _HOP = 44100, 2, 256
_SUFFIXES = {".vst3": "vst3", ".component": "au"}


def catalogue() -> list[dict[str, Any]]:
    """One for each effect: {"name", "kind", "entry", "fixed"}; raises VQSSError without pedalboard.

    kind: "built in", "VST3" or "AU". entry: what a rack file says to have it. fixed: arguments that only a rack file
    sets: {"name", "default", and "choices", or "minimum", "maximum", "unit", or "file": true}.
    """
    found = [_native(name, kind) for name, kind in rack_file.native_classes().items()]
    found = [effect for effect in found if _asks_for_a_file(effect) or _plays_hop_by_hop(effect)]
    return found + [_external(path) for path in _installed()]


def catalogue_of_child() -> list[dict[str, Any]]:
    """The same, from a process of its own; raises VQSSError where that fails."""
    command = child_command("-m", "bridge.rack_catalogue")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
        return list(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise VQSSError(f"effects cannot be listed ({type(error).__name__}); run vqss doctor") from error


def _asks_for_a_file(effect: dict[str, Any]) -> bool:
    return any("file" in argument for argument in effect["fixed"])


def _plays_hop_by_hop(effect: dict[str, Any]) -> bool:
    """Whether an effect works in a stream; some of pedalboard's only do on whole files."""
    try:
        rack = ClusterRack.from_dict({"format": rack_file.FORMAT, MAIN: [effect["entry"]]})
        rack.build(_RATE_HZ, _CHANNELS, _HOP, clusters=1)
    except VQSSError:
        return False
    return True


def _native(name: str, kind: Any) -> dict[str, Any]:
    signature = (kind.__init__.__doc__ or "").partition(") ->")[0].partition("(")[2]
    fixed = []
    for argument, default in re.findall(r"(\w+): [^=]+?(?: = (.*?))?(?=, \w+: |$)", signature)[1:]:
        enumeration = getattr(kind, default[1:].partition(".")[0], None) if default.startswith("<") else None
        if enumeration or argument.endswith("_filename") or (argument in FIXED and not default.startswith("<")):
            fixed.append(_fixed(name, argument, default, enumeration))
    return {"name": name, "kind": "built in", "entry": {"plugin": name}, "fixed": fixed}


def _fixed(plugin: str, name: str, default: str, enumeration: Any) -> dict[str, Any]:
    """One argument, from what pedalboard writes about it: `0.0`, or `<Mode.LPF12: 0>`."""
    if name.endswith("_filename"):
        return {"name": name, "file": True, "default": ""}
    if enumeration:
        chosen = default[1:].partition(".")[2].partition(":")[0]
        return {"name": name, "choices": list(enumeration.__members__), "default": chosen}
    low, high, unit = native_range(plugin, name)
    return {"name": name, "minimum": low, "maximum": high, "unit": unit, "default": float(default)}


def _external(path: Path) -> dict[str, Any]:
    key = _SUFFIXES[path.suffix]
    return {"name": path.stem, "kind": key.upper(), "entry": {key: str(path)}, "fixed": []}


def _installed() -> list[Path]:
    folders = [Path(place).expanduser() for place in rack_file.PLUGIN_FOLDERS.get(sys.platform, ())]
    found = {path for folder in folders if folder.is_dir() for path in folder.rglob("*") if path.suffix in _SUFFIXES}
    outer = [path for path in found if not any(parent in found for parent in path.parents)]
    return sorted(outer, key=lambda path: path.stem.casefold())


if __name__ == "__main__":
    json.dump(catalogue(), sys.stdout)
