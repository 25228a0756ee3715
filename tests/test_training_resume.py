"""What a run that goes on may change, and what is said before any work where something does not fit."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training_songs import RATE, SMALL_RUN, curves, small_config, write_songs
from training.bank import Bank, build_bank
from training.checkpoint import NEEDED, read_checkpoint, write_checkpoint
from training.export import export_bundle
from training.fusing import fuse
from training.optimizer import Optimizer
from training.train import Run, run_training
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import ModelConfig
from vqss_engine.errors import UsageError, VQSSError
from vqss_engine.generator import Generator

ROOT = Path(__file__).resolve().parent.parent
STEPS = ("discover.steps=2", "settle.steps=1", "partition.steps=2", "refine.steps=1")


def train(folder: Path, *changes: str, **options: Any) -> dict[str, Any]:
    config = folder / "run.toml"
    config.write_text("seed = 5\n")
    places = (f'data.songs=["{folder / "songs"}"]', f"run={folder / 'run'}", f'data.cache="{folder}"')
    run_training(config, [*SMALL_RUN, *places, *changes], **options)
    return read_checkpoint(folder / "run" / "checkpoint.pt")


@pytest.mark.parametrize("stage", ["discover", "settle", "partition"])
def test_a_stage_that_is_over_gets_no_more_steps(stage: str, tmp_path: Path) -> None:
    write_songs(tmp_path / "songs")
    before = train(tmp_path, *STEPS)
    with pytest.raises(UsageError, match=rf"{stage}\.steps is 9, but the run has left that stage after \d"):
        train(tmp_path, *STEPS, f"{stage}.steps=9", resume=True)
    after = train(tmp_path, *STEPS, "refine.steps=2", resume=True)
    assert (before["progress"]["refine"], after["progress"]["refine"]) == (1, 2)


@pytest.mark.parametrize("stage", ["settle", "partition"])
def test_a_stage_may_be_ended_where_it_is(stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_songs(tmp_path / "songs")
    straight = train(tmp_path, *STEPS, f"{stage}.steps=1")
    (tmp_path / "run").rename(tmp_path / "straight")

    def stop_in_it(path: Path, content: dict[str, Any]) -> None:
        write_checkpoint(path, content)
        if content["progress"][stage] == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("training.train.write_checkpoint", stop_in_it)
        train(tmp_path, *STEPS, f"{stage}.steps=3")
    ended = train(tmp_path, *STEPS, f"{stage}.steps=1", resume=True)
    assert all(torch.equal(value, ended["average"][key]) for key, value in straight["average"].items())


def test_what_was_told_after_the_checkpoint_is_told_once(tmp_path: Path) -> None:
    """A run that is killed before its next checkpoint leaves this one, and what it has told since."""
    write_songs(tmp_path / "songs")
    train(tmp_path, "discover.steps=2", "settle.steps=0", "partition.steps=0", "refine.steps=0")
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    kept = checkpoint.read_bytes()
    told = []
    for _ in range(2):
        checkpoint.write_bytes(kept)
        train(tmp_path, "discover.steps=2", "settle.steps=0", "partition.steps=2", "refine.steps=0", resume=True)
        told.append(curves(tmp_path / "run"))
    assert told[0] == told[1]
    assert {name.partition("/")[0] for name in told[1]} == {"discover", "partition"}
    assert all([step for step, _ in points] == [0] for points in told[1].values())


def test_what_the_whole_run_hangs_on_cannot_change(tmp_path: Path) -> None:
    write_songs(tmp_path / "songs")
    train(tmp_path, *STEPS)
    for change in ("seed=9", "optimizer=adamw"):
        with pytest.raises(UsageError, match=f"{change.partition('=')[0]} is .*, but the run was begun with"):
            train(tmp_path, *STEPS, change, resume=True)


def test_an_adapted_run_goes_on_without_its_bundle_and_with_what_it_held_out(tmp_path: Path) -> None:
    write_songs(tmp_path / "songs")
    train(tmp_path, *STEPS)
    ModelBundle.save(export_bundle(tmp_path / "run", tmp_path / "base"), tmp_path / "base")     # a run's folder will do
    (tmp_path / "run").rename(tmp_path / "first")
    wider = [change for change in SMALL_RUN if not change.startswith("model.")]
    config = tmp_path / "run.toml"
    places = (f'data.songs=["{tmp_path / "songs"}"]', f"run={tmp_path / 'run'}", "partition.steps=1")
    run_training(config, [*wider, *places, "adapt.held_out=0.4"], init=str(tmp_path / "base"))
    with pytest.raises(UsageError, match=r"data\.clip_s"):
        run_training(config, [*wider, *places, "data.clip_s=1.0"], resume=True)
    reports: list[dict[str, Any]] = []
    changes = [*wider, *places, "partition.steps=2", "adapt.held_out=0.2"]
    run_training(config, changes, resume=True, adapted=reports.append)
    content = read_checkpoint(tmp_path / "run" / "checkpoint.pt")
    assert content["progress"]["partition"] == 2 and reports
    assert content["config"]["adapt"]["held_out"] == 0.4 and content["config"]["model"]["width"] == 8


def test_what_does_not_fit_is_said_before_the_songs_are_read(tmp_path: Path) -> None:
    """There are no songs; whoever looks for them says so."""
    (tmp_path / "run").mkdir()
    with pytest.raises(VQSSError, match="start without --resume"):
        train(tmp_path, resume=True)
    (tmp_path / "run" / "checkpoint.pt").touch()
    with pytest.raises(VQSSError, match="already holds a run"):
        train(tmp_path)
    (tmp_path / "run" / "checkpoint.pt").unlink()
    bundle = ModelBundle.random()
    bundle.save(tmp_path / "bundle")
    with pytest.raises(VQSSError, match="no query encoder"):
        train(tmp_path, init=str(tmp_path / "bundle"))
    assert not list((tmp_path / "run").iterdir())


@pytest.mark.parametrize(
    "change",
    [
        "checkpoint_every=0", "threads=-1", "data.clip_s=-1", "data.clip_s=0.05", "loss.temperature=0",
        "partition.learning_rate=nan", "data.songs=[1]", "adapt.held_out=2", "optimizer=sgd", "discover.clip_s=3.0",
        "settle.snr=1.0", "refine.clip_s=0.1",
    ],
)  # fmt: skip
def test_settings_that_would_fail_later_are_refused(change: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=change.partition("=")[0].rpartition(".")[2].partition("_")[0]):
        small_config(tmp_path, tmp_path / "songs", change)


def test_without_a_compiler_training_goes_on_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    code = (
        "import logging, sys, torch\n"
        "logging.basicConfig(stream=sys.stderr, format='%(message)s')\n"
        "from training.fusing import fuse\n"
        "from vqss_engine.config import ModelConfig\n"
        "from vqss_engine.generator import Generator\n"
        "generator = Generator(ModelConfig(width=8, layers=1))\n"
        "fuse(generator, torch.device('cpu'))\n"
        "print('forward' in vars(generator.layers[0]))\n"
    )
    none = {**os.environ, "CXX": "/nonexistent/c++", "PATH": "", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=none, capture_output=True, text=True, timeout=200)
    assert run.returncode == 0 and run.stdout.strip() == "False"
    assert "g++" in run.stderr and run.stderr.count("\n") == 1
    if not (shutil.which("g++") and Path(sysconfig.get_path("include"), "Python.h").exists()):
        pytest.skip("nothing can be compiled here; apt-get install g++ python3-dev")
    generator = Generator(ModelConfig(width=8, layers=1))
    with caplog.at_level(logging.WARNING):
        fuse(generator, torch.device("cpu"))
    ours = [record for record in caplog.records if record.name.startswith("training")]  # torch tells of CUDA too
    assert "forward" in vars(generator.layers[0]) and not ours


def test_a_gradient_that_is_no_number_moves_no_weight(tmp_path: Path) -> None:
    config = small_config(tmp_path / "run", write_songs(tmp_path / "songs"))
    run = Run(config)
    run.optimizer = Optimizer(run.generator, config.optimizer)
    before = {name: value.clone() for name, value in run.generator.state_dict().items()}
    loss = sum((weight * 0).sqrt().sum() for weight in run.generator.parameters())      # 0, but steep without end
    with pytest.raises(VQSSError, match="no longer finite at step 0"):
        run._descend(loss, run.generator, config.partition, 0)
    assert all(torch.equal(value, before[name]) for name, value in run.generator.state_dict().items())


@pytest.mark.skipif(sys.platform != "linux", reason="a full disk is made with RLIMIT_FSIZE")
def test_a_full_disk_keeps_the_checkpoint_that_was(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, dict.fromkeys(NEEDED, 0) | {"average": torch.zeros(4)})
    code = (
        "import resource, signal, sys, torch\n"
        "from pathlib import Path\n"
        "from training.checkpoint import write_checkpoint\n"
        "from vqss_engine.errors import VQSSError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try:\n"
        "    write_checkpoint(Path(sys.argv[1]), {'weights': torch.zeros(100000)})\n"
        "except VQSSError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert run.stdout.startswith(f"cannot write {path}") and run.stdout.count("\n") == 1, run.stderr
    assert torch.equal(read_checkpoint(path)["average"], torch.zeros(4))
    assert [found.name for found in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_runs_that_want_the_same_songs_do_not_disturb_each_other(tmp_path: Path) -> None:
    songs = write_songs(tmp_path / "songs")
    alone = build_bank((str(songs),), tmp_path / "alone", RATE)
    code = "import sys; from pathlib import Path; from training.bank import build_bank\n" \
           f"build_bank((sys.argv[1],), Path(sys.argv[2]), {RATE})"
    command = [sys.executable, "-c", code, str(songs), str(tmp_path / "cache")]
    banks: list[Bank] = []
    other = threading.Thread(target=lambda: subprocess.run(command, cwd=ROOT, check=True, timeout=200))
    other.start()
    banks.append(build_bank((str(songs),), tmp_path / "cache", RATE))
    other.join()
    banks.append(build_bank((str(songs),), tmp_path / "cache", RATE))
    for bank in banks:
        assert np.array_equal(bank.samples, alone.samples) and np.array_equal(bank.starts, alone.starts)
    (folder,) = (tmp_path / "cache").iterdir()
    assert sorted(found.name for found in folder.iterdir()) == ["index.npz", "samples.i16"]


def test_what_a_killed_run_has_left_is_removed(tmp_path: Path) -> None:
    import platform

    songs = write_songs(tmp_path / "songs")
    build_bank((str(songs),), tmp_path, RATE)
    (folder,) = tmp_path.glob("bank-*")
    (folder / "index.npz").unlink()
    left = folder / f".partial-{platform.node()}-{2**22 + 1}"        # no process has this number
    left.mkdir()
    build_bank((str(songs),), tmp_path, RATE)
    assert not left.exists()
