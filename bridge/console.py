"""What the program says: results on stdout, one-line messages on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any


def say(message: str) -> None:
    """One line `vqss: ...` on stderr, whatever line breaks a file name may hold; a bar in progress stays whole."""
    line = "vqss: " + " ".join(message.splitlines())
    tqdm = sys.modules.get("tqdm")
    if tqdm is not None:
        tqdm.tqdm.write(line, file=sys.stderr)
    else:
        print(line, file=sys.stderr)


def counted(count: int, thing: str) -> str:
    """`1 song`, `2 songs`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def print_json(value: dict[str, Any]) -> None:
    """The one JSON object of a command run with --json; infinities and not-a-number are refused."""
    print(json.dumps(value, allow_nan=False))  # ASCII, which is the same in whatever encoding stdout has


def print_table(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """Print rows as columns; those whose number is in `right` are set flush right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ]
        print("  ".join(cells).rstrip())
