"""The tables in docs/performance.md are those of benchmarks/results.jsonl, and say what the rows say."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report
from benchmarks.__main__ import ROOMS
from benchmarks.rows import compared, completed, row
from benchmarks.targets import DEFAULT, EMPTY, LIVE_OURS, LIVE_PEER, LOW, TARGETS
from bridge.commands.gui_services import TYPICAL_LOAD


def record(room: str, *rows: Any, revision: str = "a") -> dict[str, Any]:
    machine = {"processor": "a processor", "cores": 2, "python": "3.11"}
    return {"room": room, "date": "2026-01-01", "revision": revision, "machine": machine, "rows": rows}


def verdict(records: dict[str, Any], text: str) -> str:
    line = next(line for line in report.tables(records).splitlines() if line.startswith(f"| {text} "))
    return line.strip("| ").split(" | ")[-1]


def test_the_documentation_shows_the_newest_results() -> None:
    document = report.DOCS.read_text("utf-8")
    stale = "docs/performance.md is not what benchmarks/results.jsonl says; run python -m benchmarks.report"
    assert report.with_tables(document, report.tables(report.latest())) == document, stale


def test_the_window_promises_the_load_that_was_measured() -> None:
    rows = {row["name"]: row for record in report.latest().values() for row in record["rows"]}
    for profile, measured in (("default", DEFAULT), ("low", LOW)):
        assert TYPICAL_LOAD[profile] == pytest.approx(rows[measured]["ratio"], abs=0.01)


@pytest.mark.parametrize("name", ROOMS)
def test_only_what_can_be_run_for_some_seconds_is_asked_for_a_table(name: str) -> None:
    tree = ast.parse(ROOMS[name].source.read_text("utf-8"))
    runs = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run"]
    assert ROOMS[name].table == bool(runs)
    assert all(run.args.args[0].arg == "seconds" for run in runs)


def test_a_document_without_markers_is_left_alone() -> None:
    with pytest.raises(ValueError, match="markers"):
        report.with_tables("# What it costs\n", "| |")


def test_the_newest_record_of_each_room_counts(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    records = (record("rack"), record("pace"), record("rack", revision="b"))
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    found = report.latest(path)
    assert [(room, each["revision"]) for room, each in found.items()] == [("pace", "a"), ("rack", "b")]


def test_p99_is_the_bad_end_of_the_runs() -> None:
    values = [float(value) for value in range(1, 101)]
    assert row("time", values, "ms")["p99"] == pytest.approx(99.01)
    assert row("speed", values, "× real time", more_is_better=True)["p99"] == pytest.approx(1.99)
    assert row("once", [3.0], "MB")["p99"] is None


def test_rows_stand_beside_the_median_of_their_reference() -> None:
    ours, theirs = compared({"ours": [1.0, 2.0, 9.0], "theirs": [4.0, 4.0, 5.0]}, "s", "theirs")
    assert ours["ratio"] == 0.5 and theirs["ratio"] == 1.0
    assert report.beside(ours) == "0.5 × theirs" and report.beside(theirs) == "the reference"


def test_a_row_in_microseconds_is_completed() -> None:
    found = completed({"name": "a", "median_us": 2.0, "p99_us": 3.0, "ratio": None, "reference": None})
    assert (found["median"], found["p99"], found["unit"], found["runs"]) == (2.0, 3.0, "µs", 0)
    with pytest.raises(ValueError, match="median"):
        completed({"name": "a"})


def test_targets_are_met_up_to_their_limit_and_missed_beyond() -> None:
    def pace(name: str, median: float, late: int) -> dict[str, Any]:
        return {**row(name, [median, median], "ms"), "budget": 10.0, "late": late}

    met = {"pace": record("pace", pace(DEFAULT, 2.0, 0), pace(LOW, 4.0, 3), pace(EMPTY, 0.0, 3))}
    missed = {"pace": record("pace", pace(DEFAULT, 2.1, 0), pace(LOW, 4.1, 4), pace(EMPTY, 0.0, 3))}
    for text in ("`default`, a hop's median", "`low`, a hop's median", "`low`, late hops beyond an empty callback's"):
        assert verdict(met, text) == "met" and verdict(missed, text) == "missed"
    assert {verdict({}, target.text) for target in TARGETS} == {"not measured"}


@pytest.mark.parametrize(("theirs", "expected"), [(25.0, "met"), (24.0, "missed")])
def test_how_many_times_faster_is_the_ratio_turned_over(theirs: float, expected: str) -> None:
    rows = compared({LIVE_OURS: [1.0, 1.0], LIVE_PEER: [theirs, theirs]}, "s per s", LIVE_PEER)
    assert verdict({"peers": record("peers", *rows)}, "faster than HS-TasNet small") == expected
    alone = compared({LIVE_OURS: [1.0, 1.0]}, "s per s", LIVE_OURS)
    assert verdict({"peers": record("peers", *alone)}, "faster than HS-TasNet small") == "not measured"
