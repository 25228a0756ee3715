"""One room of the benchmark in a process of its own: `python -m benchmarks.room NAME SECONDS`.

Prints one JSON object, the last line of stdout: {"rows", "libraries"}. The parent is `python -m benchmarks`.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

from benchmarks.machine import about_libraries
from benchmarks.rows import completed


def measure(module: str, seconds: float) -> dict[str, Any]:
    found = import_module(f"benchmarks.{module}")
    return {"rows": [completed(row) for row in found.run(seconds)], "libraries": about_libraries()}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], float(sys.argv[2]))), flush=True)
