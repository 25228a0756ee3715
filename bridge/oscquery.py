"""The description of a control surface as the OSCQuery proposal (Vidvox) has it: a tree of plain data.

Every address has FULL_PATH, TYPE, ACCESS, DESCRIPTION; where they apply RANGE, VALUE, DEFAULT_VALUE, UNIT,
EXTENDED_TYPE (`switch`) and, beyond the proposal, VIEW_OF (the address whose value is shown in another unit).
"""

from __future__ import annotations

from typing import Any

from vqss_engine.control import Action, Argument, ControlSurface, Feed, Parameter, Value
from vqss_engine.parameters import TYPE_TAGS
from vqss_engine.vocabulary import DEVICE

READ, WRITE, READ_WRITE = 1, 2, 3
ATTRIBUTES = (
    "FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "DESCRIPTION", "RANGE", "VALUE", "DEFAULT_VALUE", "UNIT",
    "EXTENDED_TYPE", "CLIPMODE", "VIEW_OF",
)  # fmt: skip
EXTENSIONS = {
    name: True
    for name in ("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT", "EXTENDED_TYPE", "CLIPMODE", "LISTEN",
                 "PATH_ADDED", "PATH_REMOVED")
}  # fmt: skip

Node = dict[str, Any]


def namespace(surface: ControlSurface) -> Node:
    """The whole tree, with the values of one moment."""
    root = _container("/")
    values = surface.values()
    for parameter in surface.parameters():
        _place(root, parameter.path, describe_parameter(parameter, values.get(parameter.path, parameter.default)))
    for action in surface.actions():
        _place(root, action.path, describe_action(action))
    for feed in surface.feeds():
        _place(root, feed.path, describe_feed(feed, surface.clusters))
    return root


def find_node(root: Node, path: str) -> Node | None:
    """The node at `path` of the tree, None where there is none."""
    node = root
    for part in (part for part in path.split("/") if part):
        below = node.get("CONTENTS", {}).get(part)
        if below is None:
            return None
        node = below
    return node


def describe_parameter(parameter: Parameter, value: Value) -> Node:
    """The node of a parameter that has this value now."""
    node = {
        "FULL_PATH": parameter.path,
        "TYPE": parameter.types,
        "ACCESS": READ if parameter.path.startswith(DEVICE) else READ_WRITE,
        "DESCRIPTION": parameter.description,
        "VALUE": _plain(value),
        "DEFAULT_VALUE": _plain(parameter.default),
        "CLIPMODE": ["none"] * len(parameter.arguments),
        **_arguments(parameter.arguments),
    }
    return {**node, "VIEW_OF": parameter.view_of} if parameter.view_of else node


def describe_action(action: Action) -> Node:
    """The node of an action; optional arguments are in its type too."""
    types = "".join(TYPE_TAGS[argument.kind] for argument in action.arguments)
    about = _arguments(action.arguments) if action.arguments else {}
    return {
        "FULL_PATH": action.path, "TYPE": types or "N", "ACCESS": WRITE, "DESCRIPTION": action.description, **about
    }  # fmt: skip


def describe_feed(feed: Feed, clusters: int) -> Node:
    """The node of a message that only goes out."""
    types = "f" * (2 * (clusters + 1)) if "K" in feed.types else feed.types
    text = f"{feed.description}; {feed.range_text}" if feed.range_text else feed.description
    return {"FULL_PATH": feed.path, "TYPE": types or "N", "ACCESS": READ, "DESCRIPTION": text}


def host_info(name: str, host: str | None, port: int) -> Node:
    """What a client asks first; `host` None: the address that it asked at."""
    addresses = {"OSC_IP": host, "WS_IP": host} if host else {}
    return {
        "NAME": name, "OSC_PORT": port, "OSC_TRANSPORT": "UDP", "WS_PORT": port, **addresses, "EXTENSIONS": EXTENSIONS
    }  # fmt: skip


def _arguments(arguments: tuple[Argument, ...]) -> Node:
    """RANGE, UNIT and EXTENDED_TYPE of values in order, those that say something."""
    about: Node = {}
    if any(argument.kind in ("float", "int", "switch") for argument in arguments):
        about["RANGE"] = [_bounds(argument) for argument in arguments]
    if any(argument.unit for argument in arguments):
        about["UNIT"] = [argument.unit for argument in arguments]
    if any(argument.kind == "switch" for argument in arguments):
        about["EXTENDED_TYPE"] = ["switch" if argument.kind == "switch" else "" for argument in arguments]
    return about


def _bounds(argument: Argument) -> Node:
    if argument.kind == "string":
        return {}
    return {"MIN": argument.minimum, "MAX": argument.maximum}


def _plain(value: Value) -> list[Any]:
    """A value as OSCQuery has it: a list, switches as 0 and 1."""
    values = value if isinstance(value, tuple) else (value,)
    return [int(item) if isinstance(item, bool) else item for item in values]


def _container(path: str) -> Node:
    return {"FULL_PATH": path, "ACCESS": 0, "CONTENTS": {}}


def _place(root: Node, path: str, leaf: Node) -> None:
    """Put a leaf into the tree, with the containers that lead to it."""
    node, parts = root, path.split("/")[1:]
    for depth, part in enumerate(parts[:-1], 1):
        node = node.setdefault("CONTENTS", {})
        node = node.setdefault(part, _container("/" + "/".join(parts[:depth])))
    node.setdefault("CONTENTS", {})[parts[-1]] = leaf
