"""Results as kept, as printed, and as the tables between the markers in docs/performance.md.

`python -m benchmarks.report` writes the tables anew from benchmarks/results.jsonl without measuring anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.machine import LOADED, ROOT
from benchmarks.targets import TARGETS
from vqss_engine.whole_files import written_whole

RESULTS, DOCS = ROOT / "benchmarks" / "results.jsonl", ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- begin: written by python -m benchmarks -->", "<!-- end -->"
ORDER = ("pace", "peers", "peer_files", "files", "start", "memory", "exact", "hop", "stft", "runtime", "rack")

Record = Mapping[str, Any]


def append(record: Record) -> None:
    """One line more."""
    with RESULTS.open("a", encoding="utf-8") as results:
        results.write(json.dumps(record, ensure_ascii=False) + "\n")


def latest(path: Path = RESULTS) -> dict[str, Record]:
    """The newest record of each room that was measured: by name, in the order of the tables."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    newest = {record["room"]: record for record in map(json.loads, filter(None, lines))}
    rooms = [*(room for room in ORDER if room in newest), *sorted(set(newest) - set(ORDER))]
    return {room: newest[room] for room in rooms}


def number(value: float | None) -> str:
    """Three digits that count, and as many more as stand before the point."""
    if value is None:
        return "–"
    if value == 0.0:
        return "0"
    if abs(value) >= 100.0:
        return f"{value:.0f}"
    if abs(value) < 0.001:
        return f"{value:.1e}"
    return f"{value:.3g}"


def beside(row: Record) -> str:
    """Its ratio to the reference, in words."""
    if row["ratio"] is None:
        return ""
    return "the reference" if row["reference"] == row["name"] else f"{number(row['ratio'])} × {row['reference']}"


# On the console


def console_head() -> str:
    return f"{'':56} {'median':>9} {'p99':>9} {'':9} {'runs':>6}  beside"


def console_line(row: Record) -> str:
    figures = f"{number(row['median']):>9} {number(row['p99']):>9} {row['unit']:9} {row['runs']:>6}"
    return f"{row['name']:56} {figures}  {beside(row)} {row.get('note', '')}".rstrip()


# In the documentation


def tables(records: Mapping[str, Record]) -> str:
    """Everything between the markers."""
    return "\n".join([*_targets(records), "", *_rows(records), "", *_sources(records)])


def _targets(records: Mapping[str, Record]) -> Iterable[str]:
    yield from ("| wanted | limit | measured | |", "|---|---|---|---|")
    rows = {(room, row["name"]): row for room, record in records.items() for row in record["rows"]}
    for target in TARGETS:
        value = target.value(rows)
        verdict = "not measured" if value is None else "met" if target.met(value) else "missed"
        shown = "–" if value is None else target.shown(value)
        yield f"| {target.text} | {target.sign} {target.shown(target.limit)} | {shown} | {verdict} |"


def _rows(records: Mapping[str, Record]) -> Iterable[str]:
    yield from ("| | median | p99 | unit | runs | beside | |", "|---|--:|--:|---|--:|---|---|")
    for room, record in records.items():
        yield f"| **{room}** | | | | | | |"
        for row in record["rows"]:
            figures = f"{number(row['median'])} | {number(row['p99'])} | {row['unit']} | {row['runs'] or '–'}"
            yield f"| {row['name']} | {figures} | {beside(row)} | {row.get('note', '')} |"


def _sources(records: Mapping[str, Record]) -> Iterable[str]:
    """Where, when and of which revision each table is; rooms measured alike share a line."""
    shared: dict[str, list[str]] = {}
    for room, record in records.items():
        machine, libraries = record["machine"], record.get("libraries", {})
        cores = f"{machine['cores']} cores, " if "cores" in machine else ""
        load = f", busy with other programs (load {machine['load']:.1f})" if machine.get("load", 0.0) > LOADED else ""
        named = ", ".join(f"{name} {version}" for name, version in {"Python": machine["python"], **libraries}.items())
        text = f"revision {record['revision']}, {record['date']}; {cores}{machine['processor']}{load}; {named}"
        shared.setdefault(text, []).append(room)
    yield from (f"- {', '.join(rooms)}: {text}." for text, rooms in shared.items())


def with_tables(document: str, text: str) -> str:
    """The document with what stands between the markers replaced; ValueError where it has no markers."""
    before, _, rest = document.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"the markers '{BEGIN}' and '{END}' are missing")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def write_docs() -> None:
    written = with_tables(DOCS.read_text("utf-8"), tables(latest()))
    with written_whole(DOCS) as partial:
        partial.write_text(written, "utf-8")


if __name__ == "__main__":
    write_docs()
