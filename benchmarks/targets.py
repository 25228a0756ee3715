"""What the project wants to reach, as limits on rows of the table; a ratio where it can be one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Rows = Mapping[tuple[str, str], Mapping[str, Any]]
"""By room and name."""

DEFAULT, LOW = "hop of default, 16 clusters audible", "hop of low, 16 clusters audible"
EMPTY = "an empty callback every 2.9 ms"
LIVE_OURS, LIVE_PEER = "vqss default, 16 sources", "HS-TasNet small, 4 sources"
STFT_OURS, STFT_REFERENCE = "vqss streaming STFT + ISTFT, stereo", "scipy, 64 frames a call"
FILES_OURS = "vqss, 16 stems, disk to disk"
HELP, SEPARATE = "vqss --help", "vqss separate, 10 s of music, the second time"
LIVE_CLOCK = "vqss live, until it sounds"
SDR_DIFFERENCE = "difference in SDR"
LONG_FILE = "vqss separate, long file"


@dataclass(frozen=True)
class Target:
    """value: from the rows, None where they are missing. The limit is the most, or where `least` the least."""

    text: str
    value: Callable[[Rows], float | None]
    limit: float
    unit: str
    least: bool = False

    @property
    def sign(self) -> str:
        return "≥" if self.least else "≤"

    def met(self, value: float) -> bool:
        return value >= self.limit if self.least else value <= self.limit

    def shown(self, value: float) -> str:
        fine = self.unit == "dB" or (self.unit in ("s", "×") and value < 10)
        digits = 0 if self.unit in ("late", "MB") else 2 if fine else 1
        return f"{value:.{digits}f} {self.unit}".rstrip()


def field(room: str, name: str, key: str = "median", scale: float = 1.0) -> Callable[[Rows], float | None]:
    """One field of a row."""

    def value(rows: Rows) -> float | None:
        found = rows.get((room, name), {}).get(key)
        return None if found is None else scale * float(found)

    return value


def of_a_hop(name: str, key: str) -> Callable[[Rows], float | None]:
    """A time as a part of the time that a hop lasts, in percent."""

    def value(rows: Rows) -> float | None:
        row = rows.get(("pace", name))
        return None if row is None else 100.0 * float(row[key]) / float(row["budget"])

    return value


def late_beyond_empty(rows: Rows) -> float | None:
    """Late hops more than the empty callback had."""
    ours, empty = rows.get(("pace", LOW)), rows.get(("pace", EMPTY))
    return None if ours is None or empty is None else float(max(0, ours["late"] - empty["late"]))


def times_faster(rows: Rows) -> float | None:
    ours = rows.get(("peers", LIVE_OURS))
    if ours is None or not ours["ratio"] or ours["reference"] != LIVE_PEER:
        return None
    return 1.0 / float(ours["ratio"])


TARGETS = (
    Target("`default`, a hop's median", of_a_hop(DEFAULT, "median"), 20.0, "% of a hop"),
    Target("`default`, a hop's p99", of_a_hop(DEFAULT, "p99"), 50.0, "% of a hop"),
    Target("`low`, a hop's median", of_a_hop(LOW, "median"), 40.0, "% of a hop"),
    Target("`low`, a hop's p99", of_a_hop(LOW, "p99"), 80.0, "% of a hop"),
    Target("`low`, late hops beyond an empty callback's", late_beyond_empty, 0.0, "late"),
    Target("faster than HS-TasNet small", times_faster, 25.0, "×", least=True),
    Target("STFT and inverse, beside scipy in a batch", field("stft", STFT_OURS, "ratio"), 1.2, "×"),
    Target("files, real time", field("peer_files", FILES_OURS), 20.0, "×", least=True),
    Target("SDR, beside torch in float32", field("sdr", SDR_DIFFERENCE), 0.05, "dB"),
    Target("memory for any length", field("memory", LONG_FILE), 400.0, "MB"),
    Target("`vqss separate` of 10 s, the second time", field("start", SEPARATE), 3.0, "s"),
    Target("`vqss --help`", field("start", HELP), 0.2, "s"),
    Target("`vqss live`, until it sounds", field("start", LIVE_CLOCK), 3.0, "s"),
)
