"""How exact it is while it is fast: clusters minus mix, and what is heard live minus the same mix made from a file."""

from __future__ import annotations

from benchmarks.rows import Row, row
from bridge.bench import file_run, stream_difference
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig


def run(seconds: float = 10.0) -> list[Row]:
    """Rows in dBFS and in full scale, for `default` and `low`; each is one number, there is nothing to repeat."""
    bundle, rows = ModelBundle.load(), []
    for profile in ("default", "low"):
        null = file_run(bundle, profile, min(seconds, 5.0))["null_dbfs"]
        rows.append(row(f"sum of 16 clusters minus the mix, {profile}", [null], "dBFS"))
        difference = stream_difference(bundle, StreamConfig.named(profile), min(seconds, 2.0))
        rows.append(row(f"live minus offline, largest, {profile}", [difference], "of 1.0"))
    return rows
