"""What each part of the method and of the data is worth: `python -m training.ablations FILE.toml [--set KEY=VALUE]...`.

FILE names variants of one configuration (training/ablations.toml is an example). Each is trained in a process of its
own, exported and scored; a finished variant is kept and a stopped one goes on. The table is printed as Markdown, and
kept in the run folder.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vqss_engine.errors import UsageError, VQSSError, reason
from vqss_engine.stop_signals import Stopped, end_after, end_on_signals, exit_code, interrupts_ignored
from vqss_engine.whole_files import written_whole

LISTS = ("songs", "set")  # entries of an ablation file that are lists; others are texts
RESULT_NAME, TASK_NAME, TABLE_NAME = "scores.json", "task.json", "table.md"


@dataclass(frozen=True)
class Plan:
    """What an ablation file says; `variants` maps a name to the settings in which it differs."""

    variants: dict[str, list[str]]
    config: str = "training/default.toml"
    run: str = "runs/ablations"
    songs: tuple[str, ...] = ()
    real: str = ""
    rendered: str = ""
    set: tuple[str, ...] = ()


def read_plan(path: Path, overrides: Sequence[str] = ()) -> Plan:
    """Read an ablation file; `overrides` are `key=value` in TOML. Raises VQSSError, or UsageError for unknown keys."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        for override in overrides:
            key, _, value = override.partition("=")
            values[key] = _value(value)
    except (OSError, ValueError) as error:
        raise VQSSError(f"cannot read {path} ({reason(error)}); name a file like training/ablations.toml") from error
    known = {field.name for field in fields(Plan)}
    if odd := sorted(set(values) - known):
        raise UsageError(f"unknown setting '{odd[0]}' in {path}; known are {', '.join(sorted(known))}")
    if not values.get("variants"):
        raise UsageError(f"{path} names no variants; add a table [variants]")
    return Plan(**{key: _entry(path, key, value) for key, value in values.items()})


def _entry(path: Path, key: str, value: Any) -> Any:
    """An entry of an ablation file in the kind that it must have; raises UsageError where it has another."""
    if key == "variants":
        if isinstance(value, dict) and all(_is_texts(settings) for settings in value.values()):
            return value
        raise UsageError(f"variants in {path} must be lists of settings, as \"small\" = [\"model.layers=2\"]")
    if key in LISTS:
        texts = [value] if isinstance(value, str) else value
        if _is_texts(texts):
            return tuple(texts)
        raise UsageError(f"{key} in {path} must be a list of texts, not {value!r}")
    if not isinstance(value, str):
        raise UsageError(f"{key} in {path} must be a text, not {value!r}")
    return value


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def slug(name: str) -> str:
    """A variant's name as a folder."""
    return re.sub(r"\W+", "-", name.lower()).strip("-")


def run_variant(plan: Plan, name: str) -> dict[str, Any]:
    """Train, export and score one variant, or read the scores of an earlier run with the same settings.

    Raises VQSSError where a process fails.
    """
    folder = Path(plan.run) / slug(name)
    settings = [*plan.set, *plan.variants[name], f"data.songs={json.dumps(list(plan.songs))}", f"run={folder}"]
    settings.append(f"data.cache={Path(plan.run) / 'bank'}")
    task = {"config": plan.config, "settings": settings, "real": plan.real, "rendered": plan.rendered}
    result = folder / RESULT_NAME
    if _claim(folder, task) and result.is_file():
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return found
    process = multiprocessing.get_context("spawn").Process(target=_train_and_score, args=(task, folder))
    with interrupts_ignored():
        process.start()
    try:
        process.join()
    except BaseException:  # whoever stops us stops the training too, which goes on from its checkpoint next time
        process.terminate()
        process.join()
        raise
    if process.exitcode:
        raise VQSSError(f"the variant '{name}' ended with code {process.exitcode}; see above, and run it again")
    finished: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return finished


def _claim(folder: Path, task: dict[str, Any]) -> bool:
    """Note what the folder is for; whether it was so before. A checkpoint of other settings must not be taken up."""
    note = folder / TASK_NAME
    before = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
    if before and any(before[key] != task[key] for key in ("config", "settings")):
        raise VQSSError(f"{folder} holds a variant with other settings; remove it, or set run=another/folder")
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(task, indent=1) + "\n", encoding="utf-8")
    return bool(before == task)


def _train_and_score(task: dict[str, Any], folder: Path) -> None:
    """Runs in a process of its own, whose memory is free again afterwards."""
    from training.evaluate import run_evaluation
    from training.export import export_bundle
    from training.train import run_training

    if runner := multiprocessing.parent_process():
        end_after(runner.join)
    try:
        checkpoint = folder / "checkpoint.pt"
        run_training(task["config"], task["settings"], resume=checkpoint.exists())
        export_bundle(checkpoint, folder / "bundle", folder.name)
        scores = {key: run_evaluation(task[key], folder / "bundle") for key in ("real", "rendered") if task[key]}
    except VQSSError as error:
        print(f"vqss: {error}", file=sys.stderr)
        raise SystemExit(1) from error
    with written_whole(folder / RESULT_NAME) as partial:
        partial.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


Column = tuple[str, str, Callable[[dict[str, Any]], float]]
COLUMNS: tuple[Column, ...] = (
    ("class SDR, dB", "real", lambda s: s["cross"].get("average", s["sdr_db"]["average"])),
    ("best map", "real", lambda s: s["best_map_per_song"]["average"]),
    ("purity", "real", lambda s: s["instruments"]["purity"]),
    ("NMI", "real", lambda s: s["instruments"]["nmi"]),
    ("codes", "real", lambda s: s["codes_used"]),
    ("steady", "real", lambda s: s["steadiness"]["share"]),
    ("most alike", "real", lambda s: s["correlation"]["largest"]),
    ("largest share", "real", lambda s: max(s["cluster_shares"])),
    ("rendered: over the mix, dB", "rendered", lambda s: s["partition"]["sdr_improvement_db"]),
    ("absent, dB", "rendered", lambda s: s["partition"]["silence_db"]),
)


def table(results: dict[str, dict[str, Any]]) -> str:
    """The scores of the variants as a Markdown table; columns that nothing was scored for are left out."""
    columns = [column for column in COLUMNS if any(column[1] in scores for scores in results.values())]
    lines = ["| variant | " + " | ".join(title for title, _, _ in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, scores in results.items():
        cells = [_cell(read(scores[songs])) if songs in scores else "" for _, songs, read in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.2f}".replace("-", "−")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the variants that are not done, print the table of all; returns 1 where one failed."""
    parser = argparse.ArgumentParser(prog="python -m training.ablations", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE.toml", help="the variants, as in training/ablations.toml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change an entry (repeatable)")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="these variants alone (repeatable)")
    arguments = parser.parse_args(argv)
    end_on_signals()
    results: dict[str, dict[str, Any]] = {}
    failed = False
    try:
        plan = read_plan(arguments.file, arguments.set)
        if gone := [folder for folder in (plan.real, plan.rendered) if folder and not Path(folder).is_dir()]:
            raise VQSSError(f"there is no folder {gone[0]} of songs to score by; set real and rendered to others")
        if odd := [name for name in arguments.only if name not in plan.variants]:
            raise UsageError(f"there is no variant '{odd[0]}'; choose from: {'; '.join(plan.variants)}")
        for name in arguments.only or plan.variants:
            try:
                results[name] = run_variant(plan, name)
            except VQSSError as error:
                failed = True
                print(f"vqss: {error}", file=sys.stderr)
    except VQSSError as error:
        print(f"vqss: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except (KeyboardInterrupt, Stopped) as stopped:
        print("vqss: stopped; what is done is kept, and the same command goes on", file=sys.stderr)
        return exit_code(stopped)
    if results:
        text = table(results)
        (Path(plan.run) / TABLE_NAME).write_text(text + "\n", encoding="utf-8")
        print(text)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
