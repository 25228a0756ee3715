"""`python -m benchmarks [SECONDS]`: all comparisons in one table, and as JSON lines in benchmarks/results.jsonl."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy

RESULTS = Path(__file__).parent / "results.jsonl"
BENCHES = ("bench_stft", "bench_runtime", "bench_rack")


def machine() -> dict[str, str]:
    """What the figures depend on."""
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "processor": _processor(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "revision": revision.stdout.strip() or "unknown",
        "date": time.strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def show(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        figures = f"{row['median_us']:10.2f} {row['p99_us']:10.2f} µs {row['ratio']:8.2f} x {row['reference']}"
        print(f"{row['name']:48} {figures}", flush=True)


def main(seconds: float) -> int:
    about = machine()
    print(f"{'':48} {'median':>10} {'p99':>10}")
    with open(RESULTS, "a", encoding="utf-8") as results:
        for name in BENCHES:
            rows = import_module(f"benchmarks.{name}").run(seconds)
            show(rows)
            for row in rows:
                results.write(json.dumps({**row, **about}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
