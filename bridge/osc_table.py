"""The whole OSC vocabulary as a table, made from a control surface: for the terminal, for docs, as plain data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bridge.oscquery import describe_action, describe_feed, describe_parameter
from vqss_engine.control import Action, ControlSurface, Feed, Parameter

_CLUSTER = re.compile(r"^/vqss/cluster/\d+/")
_HEADS = ("address", "types", "range", "access", "what it does")


@dataclass(frozen=True)
class Row:
    """One address; `{k}` stands for any cluster where all have it."""

    address: str
    types: str
    range: str
    access: str
    description: str

    @property
    def cells(self) -> tuple[str, ...]:
        return (self.address, self.types, self.range, self.access, self.description)


def table(surface: ControlSurface) -> list[Row]:
    """All addresses in order: clusters (once, where all have the same), main, effects, actions, what only goes out."""
    rows: dict[Row, int] = {}
    entries: list[Parameter | Action | Feed] = [*surface.parameters(), *surface.actions(), *surface.feeds()]
    for entry in entries:
        row = Row(entry.path, entry.types, entry.range_text, entry.access, entry.description)
        folded = Row(_CLUSTER.sub("/vqss/cluster/{k}/", entry.path), *row.cells[1:])
        shared = folded if _everywhere(surface, folded.address) else row
        rows[shared] = rows.get(shared, 0) + 1
    return list(rows)


def _everywhere(surface: ControlSurface, template: str) -> bool:
    return "{k}" in template and all(template.format(k=k) in surface for k in range(surface.clusters))


def text_rows(surface: ControlSurface) -> list[tuple[str, ...]]:
    """The table with its heads, for a terminal."""
    return [_HEADS, *(row.cells for row in table(surface))]


def markdown(surface: ControlSurface) -> str:
    """The table as Markdown."""
    lines = [_HEADS, ("---",) * len(_HEADS)]
    for row in table(surface):
        lines.append((f"`{row.address}`", row.types, row.range, row.access, row.description))
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in lines) + "\n"


def as_data(surface: ControlSurface) -> dict[str, Any]:
    """Every address on its own, in the terms of OSCQuery, with `range_text` for people."""
    values = surface.values()
    return {
        "clusters": surface.clusters,
        "parameters": [
            {**describe_parameter(p, values[p.path]), "range_text": p.range_text} for p in surface.parameters()
        ],
        "actions": [{**describe_action(a), "range_text": a.range_text} for a in surface.actions()],
        "feeds": [{**describe_feed(f, surface.clusters), "range_text": f.range_text} for f in surface.feeds()],
    }
