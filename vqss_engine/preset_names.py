"""Which names presets may have: those of files on any system, in one folder. Standard library only."""

from __future__ import annotations

from vqss_engine.errors import VQSSError
from vqss_engine.parameters import is_plain, shown

_LONGEST_NAME = 64
_SHOWN = 40


def check_preset_name(name: str) -> None:
    """Raise VQSSError, with what is allowed, where `name` is no plain name."""
    plain = is_plain(name) and not any(character in name for character in '/\\:*?"<>|')
    if not plain or not name.strip(" .") or name.startswith(".") or len(name) > _LONGEST_NAME:
        told = shown(name) if len(name) <= _SHOWN else f"{shown(name[:_SHOWN])}…"
        raise VQSSError(
            f"'{told}' is no preset name; use up to {_LONGEST_NAME} characters, no dot first, and "
            'none of / \\ : * ? " < > |'
        )
