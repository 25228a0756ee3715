"""The ablation runner: variants differ in what they say, what is done is kept, the table has what was scored."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.osc_peers import wait_until
from tests.training_songs import RATE, SMALL_RUN, write_songs
from training.ablations import main, read_plan, table
from training.bank import build_bank, song_folders
from training.multitracks import find_multitracks
from training.settings import load_config

ROOT = Path(__file__).resolve().parent.parent


def plan(folder: Path) -> list[str]:
    write_songs(folder / "songs", ("bass", "keys", "drums"))
    (folder / "small.toml").write_text("seed = 5\n")
    settings = json.dumps([*SMALL_RUN, "discover.steps=2", "partition.steps=2"])
    (folder / "plan.toml").write_text(
        f'config = "{folder / "small.toml"}"\nrun = "{folder / "runs"}"\nsongs = ["{folder / "songs"}"]\n'
        f'rendered = "{folder / "songs"}"\nset = {settings}\n'
        '[variants]\n"all of it" = []\n"without drums!" = [\'data.leave_out=["*/*drums*"]\']\n'
        '"broken" = ["loss.nonsense=1"]\n'
    )
    return [str(folder / "plan.toml")]


def test_variants_are_trained_scored_and_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = [*plan(tmp_path), "--only", "all of it", "--only", "without drums!"]
    assert main(arguments) == 0
    printed = capfd.readouterr().out
    assert printed.count("\n") == 4 and "| without drums! | " in printed and "absent, dB" in printed
    assert "class SDR" not in printed  # there were no real songs
    assert (tmp_path / "runs" / "table.md").read_text() == printed
    folder = tmp_path / "runs" / "without-drums"
    usage = json.loads((folder / "bundle" / "config.json").read_text())["usage"]
    assert sum(usage) == pytest.approx(1, abs=0.01) and all(round(6 * share, 1) % 1 == 0 for share in usage)
    before = (folder / "checkpoint.pt").stat().st_mtime_ns
    assert main(arguments) == 0
    assert capfd.readouterr().out == printed
    assert (folder / "checkpoint.pt").stat().st_mtime_ns == before
    assert main([*arguments, "--set", 'set=["seed=6"]']) == 1
    assert "other settings" in capfd.readouterr().err


def test_other_songs_to_score_by_need_no_other_training(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = [*plan(tmp_path), "--only", "all of it"]
    assert main([*arguments, "--set", f"rendered={tmp_path / 'mistyped'}"]) == 1
    assert "there is no folder" in capfd.readouterr().err and not (tmp_path / "runs").exists()
    assert main([*arguments, "--set", 'rendered=""']) == 0
    assert "absent, dB" not in capfd.readouterr().out
    before = (tmp_path / "runs" / "all-of-it" / "bundle" / "weights.safetensors").read_bytes()
    assert main(arguments) == 0
    assert "absent, dB" in capfd.readouterr().out
    assert (tmp_path / "runs" / "all-of-it" / "bundle" / "weights.safetensors").read_bytes() == before


def test_a_runner_that_is_stopped_stops_its_training(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.ablations", *plan(tmp_path), "--only", "all of it"]
    long = "set=" + json.dumps([*SMALL_RUN, "discover.steps=100000"])
    with subprocess.Popen([*command, "--set", long], stderr=subprocess.PIPE, text=True, cwd=ROOT) as runner:
        wait_until(lambda: (tmp_path / "runs" / "all-of-it" / "checkpoint.pt").exists(), 120)
        trainer = psutil.Process(runner.pid).children()
        runner.send_signal(signal.SIGTERM)
        assert "stopped" in runner.communicate(timeout=30)[1].splitlines()[-1]
    assert runner.returncode == 128 + signal.SIGTERM
    assert trainer and not psutil.wait_procs(trainer, timeout=20)[1]


def test_wrong_plans_are_told_in_a_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = plan(tmp_path)
    wrong = (["--set", "nonsense=1"], ["--only", "none"], ["--set", "variants=5"], ["--set", "variants={x=3}"],
             ["--set", "run=5"], ["--set", "set=[3]"])  # fmt: skip
    for change, code in (*((change, 2) for change in wrong), (["--only", "broken"], 1)):
        assert main([*arguments, *change]) == code
        error = capfd.readouterr().err
        assert "vqss: " in error and "Traceback" not in error
    assert main([str(tmp_path / "absent.toml")]) == 1


def test_the_shipped_variants_are_as_short_as_the_documentation_says() -> None:
    plan = read_plan(ROOT / "training" / "ablations.toml")
    page = " ".join((ROOT / "docs" / "model.md").read_text("utf-8").split())
    for changes in plan.variants.values():
        config = load_config(ROOT / plan.config, [*plan.set, *changes])
        assert (config.refine.steps, config.model.layers) == (0, 3)
    whole = load_config(ROOT / plan.config, list(plan.set))
    stages = (whole.discover.steps, whole.settle.steps, whole.partition.steps)
    assert "{} steps of discovery, {} of settling, {} of partition and none of refinement".format(*stages) in page


def test_stems_are_left_out_by_source_and_by_name(tmp_path: Path) -> None:
    songs = write_songs(tmp_path / "songs", ("bass", "keys", "drums"), songs=2)
    sources = {"bass": "loop", "keys": "gm", "drums": "loop"}
    stems = [{"file": f"{name}.wav", "source": source} for name, source in sources.items()]
    (songs / "song0" / "song.json").write_text(json.dumps({"stems": stems}))
    left = {song.name: [p.stem for p in files] for song, files in song_folders((str(songs),), ("gm/*", "*/*drum*"))}
    assert left == {"song0": ["bass"], "song1": ["bass", "keys"]}
    assert len(build_bank((str(songs),), tmp_path, RATE, ("gm/*",))) == 5
    assert len(build_bank((str(songs),), tmp_path, RATE)) == 6
    scored = [song.classes for song in find_multitracks(songs, ("gm/*",))]
    assert scored == [{"bass", "drums"}, {"bass", "drums", "keys"}]


def test_a_column_without_scores_is_left_out() -> None:
    rows = {"a": {"rendered": {"partition": {"sdr_improvement_db": 1.25, "silence_db": -20.0}}}}
    assert table(rows).splitlines()[-1] == "| a | 1.25 | −20.00 |"
