"""A row of the table: what was timed, how often, its median and p99, and beside what it stands.

A room of the benchmark is a module with `run(seconds) -> list[Row]`; `seconds` is how long a comparison goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

Values = Sequence[float] | NDArray[np.float64]


class Row(TypedDict):
    """median, p99: in `unit`; for rates, where more is better, p99 is the rate that 99 % of the runs reach.

    ratio: median over the reference's median, taken in the same run. note: what else there is to say, in words.
    Other keys may be added; they are kept with the results.
    """

    name: str
    unit: str
    median: float
    p99: float | None
    runs: int
    reference: str | None
    ratio: float | None
    note: NotRequired[str]


def row(
    name: str,
    values: Values,
    unit: str,
    reference: str | None = None,
    reference_median: float | None = None,
    *,
    more_is_better: bool = False,
    **more: Any,
) -> Row:
    """The row of these measurements; of one measurement there is no p99."""
    median = float(np.median(values))
    p99 = float(np.percentile(values, 1 if more_is_better else 99)) if len(values) > 1 else None
    made: Row = {
        "name": name, "unit": unit, "median": median, "p99": p99, "runs": len(values), "reference": reference,
        "ratio": median / reference_median if reference and reference_median else None,
    }  # fmt: skip
    made.update(more)  # type: ignore[typeddict-item]
    return made


def compared(
    times: Mapping[str, Values], unit: str, reference: str, prefix: str = "", *, more_is_better: bool = False
) -> list[Row]:
    """A row for each name, all beside the one called `reference`."""
    median = float(np.median(times[reference])) if len(times.get(reference, ())) else None
    return [
        row(prefix + name, values, unit, prefix + reference, median, more_is_better=more_is_better)
        for name, values in times.items()
        if len(values)
    ]


Clock = Callable[[], float]
Contender = tuple[Callable[[], object], int, float]
"""What to call, how often in a turn, and what a call's seconds are multiplied by."""


def in_turn(
    contenders: Mapping[str, Contender], seconds: float, least: int = 2, clock: Clock = time.perf_counter
) -> dict[str, list[float]]:
    """Time all in turns until `seconds` have passed and there were `least` turns: the machine's moods meet all alike.

    One turn goes before that counts for nothing: it warms up. clock: `time.process_time` counts what all threads of
    this process have computed, and not how long they had to wait for a core.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    turns, end = -1, 0.0
    while turns < least or time.perf_counter() < end:
        for name, (call, count, scale) in contenders.items():
            found = [_timed(call, clock) * scale for _ in range(count)]
            if turns >= 0:
                times[name] += found
        if turns < 0:
            end = time.perf_counter() + seconds
        turns += 1
    return times


def _timed(call: Callable[[], object], clock: Clock) -> float:
    started = clock()
    call()
    return clock() - started


def completed(found: Mapping[str, Any]) -> Row:
    """A row as a room gave it, where µs may stand in the keys' names, with all fields; ValueError without a median."""
    made = dict(found)
    if "median_us" in made:
        made |= {"unit": "µs", "median": made.pop("median_us"), "p99": made.pop("p99_us", None)}
    if "name" not in made or "median" not in made:
        raise ValueError(f"a row without name or median: {made}")
    defaults: dict[str, Any] = {"unit": "", "p99": None, "runs": 0, "reference": None, "ratio": None}
    return cast(Row, {**defaults, **made})
