"""Which chains of a rack are passed by: what a preset says of it beside the rack itself, as ["3", "main"]."""

from __future__ import annotations

from vqss_engine.errors import VQSSError
from vqss_engine.inserts import MAIN

BYPASS = "bypass"


def without_bypass(content: object) -> tuple[list[str], object]:
    """The chains that are passed by, and the rest; raises VQSSError where the list is none."""
    if not isinstance(content, dict) or BYPASS not in content:
        return [], content
    bypassed = content[BYPASS]
    if not isinstance(bypassed, list) or not all(isinstance(key, str) for key in bypassed):
        raise VQSSError(f"rack: '{BYPASS}' must list chains, as [\"3\", \"{MAIN}\"]; correct it")
    return bypassed, {key: value for key, value in content.items() if key != BYPASS}
