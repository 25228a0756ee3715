"""The delays that docs/daw.md tells people to enter are those the rings have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.exchange import prefill_frames
from vqss_engine.config import StreamConfig

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("column", [0, 1, 2])
def test_the_table_of_delays_is_true(column: int) -> None:
    text = (ROOT / "docs" / "daw.md").read_text("utf-8")
    heads = re.search(r"\| `--blocksize` \| `(\w+)` \| `(\w+)` \| `(\w+)` \|", text)
    rows = re.findall(r"\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", text)
    assert heads and len(rows) == 6
    stream = StreamConfig.named(heads[1 + column])
    for row in rows:
        waits = prefill_frames(int(row[0]), stream.hop)
        assert int(row[1 + column]) == waits + stream.synthesis - stream.hop
