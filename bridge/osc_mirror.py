"""A copy of a control surface that runs elsewhere, made from its OSCQuery description. Standard library only."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Container, Iterator
from typing import Any

from bridge.osc_sockets import address_text
from vqss_engine.control import Argument, ControlSurface, Parameter, ParameterError, Value
from vqss_engine.errors import VQSSError
from vqss_engine.vocabulary import POSITION

_LARGEST_ANSWER = 16 << 20
_KINDS = {"f": "float", "i": "int", "s": "string"}
_LONGEST_TEXT = 255


def fetch_description(host: str, port: int, timeout_s: float = 2.0) -> dict[str, Any]:
    """The OSCQuery tree of the server at `host`, `port`; raises VQSSError."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", "/")
        tree = json.loads(connection.getresponse().read(_LARGEST_ANSWER))
        if not isinstance(tree, dict) or not _clusters(tree):
            raise ValueError("it describes no mixer")
        return tree
    except (OSError, ValueError, http.client.HTTPException) as error:
        place = address_text(host, port)
        raise VQSSError(f"no VQSS answers at {place} ({error}); start it, or check host and port") from error
    finally:
        connection.close()


def mirror_of(tree: dict[str, Any]) -> ControlSurface:
    """A control surface with the clusters that a description has, still without its effects and values."""
    strips = _clusters(tree)
    names, colors = ([_default_text(strips, k, leaf) for k in range(len(strips))] for leaf in ("name", "color"))
    return ControlSurface(len(strips), names, colors)


def cluster_count(tree: dict[str, Any]) -> int:
    """How many clusters a description has."""
    return len(_clusters(tree))


def update(mirror: ControlSurface, tree: dict[str, Any], origin: object, newer: Container[str] = ()) -> None:
    """Bring effects and values of `mirror` up to a description with as many clusters; `newer` are the paths whose
    values here the description is too old to tell of, looked at last of all. Where the song is, the stream tells."""
    leaves = {leaf["FULL_PATH"]: leaf for leaf in _leaves(tree) if "VALUE" in leaf}
    gone = [parameter.path for parameter in mirror.parameters() if parameter.path not in leaves]
    effects = (path for path in leaves if "/fx/" in path and path in mirror)
    renewed = [path for path in effects if mirror.parameter(path) != parameter_of(leaves[path])]
    kept = {path: mirror.get(path) for path in renewed if path in newer}
    if gone + renewed:
        mirror.unregister(gone + renewed)   # also where another effect has taken the place of one
    added = [parameter_of(leaf) for path, leaf in leaves.items() if path not in mirror]
    if added:
        mirror.register(added)
    values: dict[str, Value] = {}
    for path, leaf in leaves.items():
        parameter = mirror.parameter(path)
        try:
            if not parameter.view_of and path != POSITION:
                values[path] = parameter.check(tuple(leaf["VALUE"]))
        except ParameterError as error:
            mirror.telemetry.report(str(error))
    for path, value in kept.items():
        with contextlib.suppress(ParameterError):   # an effect of another kind may not take it
            values[path] = mirror.parameter(path).check(value)
    mirror.set_many({path: value for path, value in values.items() if path not in newer or path in kept}, origin)


def parameter_of(leaf: dict[str, Any]) -> Parameter:
    """The parameter that a node describes; raises VQSSError where it does not."""
    try:
        path, types = str(leaf["FULL_PATH"]), str(leaf["TYPE"])
        arguments = tuple(_argument(path, leaf, at, tag) for at, tag in enumerate(types))
        default = leaf.get("DEFAULT_VALUE", leaf["VALUE"])
        value = tuple(default) if len(arguments) > 1 else arguments[0].check(path, default[0])
        return Parameter(path, arguments, value, str(leaf.get("DESCRIPTION", "")), str(leaf.get("VIEW_OF", "")))
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise VQSSError(f"an address cannot be understood ({error!r}); use the same version on both sides") from error


def _argument(path: str, leaf: dict[str, Any], at: int, tag: str) -> Argument:
    """Value number `at` of a node."""

    def entry(name: str, otherwise: Any) -> Any:
        return leaf[name][at] if name in leaf else otherwise

    switch = entry("EXTENDED_TYPE", "") == "switch"
    kind = "switch" if switch else _KINDS[tag]
    if kind == "string":
        return Argument(path.rpartition("/")[2], kind, maximum=_LONGEST_TEXT)
    bounds = entry("RANGE", {})
    return Argument(path.rpartition("/")[2], kind, bounds.get("MIN"), bounds.get("MAX"), entry("UNIT", ""))


def _clusters(tree: dict[str, Any]) -> dict[str, Any]:
    """The nodes of the clusters, by number."""
    vqss = tree.get("CONTENTS", {}).get("vqss", {})
    found = vqss.get("CONTENTS", {}).get("cluster", {}).get("CONTENTS", {})
    return {name: node for name, node in found.items() if name.isdecimal()}


def _default_text(strips: dict[str, Any], k: int, leaf: str) -> str:
    try:
        return str(strips[str(k)]["CONTENTS"][leaf]["DEFAULT_VALUE"][0])
    except (KeyError, IndexError, TypeError):
        return ""


def _leaves(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for below in node.get("CONTENTS", {}).values():
        if "CONTENTS" in below:
            yield from _leaves(below)
        else:
            yield below
