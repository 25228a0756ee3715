"""Names of files for libraries that take them as text or as bytes. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path


def native_name(path: Path) -> str | bytes:
    """The name as the system has it: soundfile cannot encode one that is no valid text."""
    return os.fsencode(path) if os.name == "posix" else str(path)
