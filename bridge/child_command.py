"""How a process of VQSS starts another one."""

from __future__ import annotations

import sys


def child_command(*arguments: str) -> list[str]:
    """The same Python with these arguments; -P, for else code in the folder it is started in would run as ours."""
    return [sys.executable, "-P", *arguments]
