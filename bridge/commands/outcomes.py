"""What comes of the songs of a batch: complaints and remarks are said at once, failures are kept for the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bridge.console import say

if TYPE_CHECKING:
    from bridge.batch import Outcome
    from bridge.files import Separation


class Outcomes:
    """Takes the outcomes of a batch; a command keeps what it needs of the songs that went well."""

    def __init__(self) -> None:
        self.failed: list[dict[str, str]] = []

    def add(self, outcome: Outcome) -> None:
        """Say what there is to say of a song, and keep it."""
        song, result = outcome
        if isinstance(result, Exception):
            say(str(result))
            self.failed.append({"song": str(song), "error": str(result)})
            return
        for remark in result.remarks:
            say(remark)
        self.keep(song, result)

    def keep(self, song: Path, result: Separation) -> None:
        """Keep a separated song."""
        raise NotImplementedError
