"""A run that is killed without warning goes on as if nothing had been: the same loss curve, the same weights."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from tests.training_songs import SMALL_RUN, curves, write_songs
from training.checkpoint import read_checkpoint
from training.train import run_training

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("discover", "settle", "partition", "refine")
LENGTH = (
    *(f"{stage}.steps=21" for stage in STAGES), "unquantized_steps=6",
    "checkpoint_every=3", "data.clip_s=0.3",
)  # fmt: skip
LINES = 2 * len(STAGES)  # of progress


def loss_curve(run: Path) -> dict[tuple[str, int], float]:
    """(name, step) -> value of everything that TensorBoard shows, whatever processes worked on the run."""
    shown = [((tag, step), value) for tag, points in curves(run).items() for step, value in points]
    assert len(dict(shown)) == len(shown)       # no step twice
    return dict(shown)


def killed_at_random(command: list[str]) -> str:
    """Start a run, wait for a random line of its progress and some milliseconds more, and kill it."""
    line, wait_s = random.randrange(LINES), random.uniform(0, 0.1)
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        seen = 0
        for text in process.stderr:
            seen += "steps/s" in text
            if seen > line:
                break
        time.sleep(wait_s)
        process.kill()
        process.stderr.read()
    assert process.returncode in (-signal.SIGKILL, 0)  # 0: it had ended by then
    return f"killed {1000 * wait_s:.0f} ms after line {line}"


def test_a_killed_run_ends_with_the_same_loss_curve(tmp_path: Path) -> None:
    songs = write_songs(tmp_path / "songs")
    config = tmp_path / "run.toml"
    config.write_text("seed = 5\n")
    changes = [*SMALL_RUN, *LENGTH, f'data.songs=["{songs}"]', f'data.cache="{tmp_path}"']
    run_training(config, [*changes, f"run={tmp_path / 'whole'}"])
    changes.append(f"run={tmp_path / 'broken'}")
    options = [word for change in changes for word in ("--set", change)]
    when = killed_at_random([sys.executable, "-m", "bridge", "train", str(config), *options])
    is_saved = (tmp_path / "broken" / "checkpoint.pt").exists()
    run_training(config, changes, resume=is_saved)
    whole, broken = (read_checkpoint(tmp_path / run / "checkpoint.pt") for run in ("whole", "broken"))
    for part in ("discover", "average"):
        for name, value in whole[part].items():
            assert torch.equal(value, broken[part][name]), (when, name)
    curve = loss_curve(tmp_path / "whole")
    assert {step for _, step in curve} == {0, 20}
    assert loss_curve(tmp_path / "broken") == curve, when
