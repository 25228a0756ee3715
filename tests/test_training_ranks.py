"""Two processes of a distributed run learn what one does: the same codes, the same weights."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import torch
import torch.multiprocessing as mp

from tests.training_songs import SMALL_RUN, small_config, write_songs
from training.checkpoint import read_checkpoint
from training.query_encoder import Centre
from training.stages import Discover
from training.train import run_training
from vqss_engine.generator import Generator

CHANGES = (
    "discover.steps=5", "partition.steps=4", "discover.batch=4", "partition.batch=4", "discover.warmup=1",
    "partition.warmup=1", "discover.learning_rate=1e-4", "partition.learning_rate=1e-4",
    "model.clusters=3",  # of stems there are three kinds
)  # fmt: skip


def train(folder: Path, run: str) -> int:
    config = folder / f"{run}.toml"
    config.write_text("seed = 5\n")
    changes = (*SMALL_RUN, *CHANGES, f'data.songs=["{folder / "songs"}"]', f"run={folder / run}")
    return run_training(config, list(changes))


def train_on_rank(rank: int, port: int, folder: Path) -> None:
    """What torchrun does: the variables that tell a process its place, then the command."""
    places = {"RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in places.items()})
    assert train(folder, "shared") == 0
    torch.distributed.destroy_process_group()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    write_songs(tmp_path / "songs")
    mp.spawn(train_on_rank, (free_port(), tmp_path), nprocs=2)
    assert train(tmp_path, "alone") == 0
    alone, shared = (read_checkpoint(tmp_path / run / "checkpoint.pt") for run in ("alone", "shared"))
    assert torch.equal(alone["stem_codes"], shared["stem_codes"])
    moved = distance(alone["discover"], weights_before(tmp_path))
    # The mean, as Adam makes full steps of what rounding leaves of gradients that are zero.
    apart = {part: distance(alone[part], shared[part]) for part in ("discover", "average")}
    assert max(apart.values()) < 1e-4 and apart["discover"] < 0.2 * moved, (apart, moved)


def weights_before(folder: Path) -> dict[str, torch.Tensor]:
    config = small_config(folder / "before", folder / "songs", *CHANGES)
    torch.manual_seed(config.seed)
    return Discover(config, Generator(config.model)).state_dict()


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Root mean square difference of all learned weights and codes."""
    names = [name for name in one if name.split(".")[-1] in ("weight", "bias", "side", "shift", "codes")]
    difference = torch.cat([(one[name] - other[name]).flatten() for name in names])
    return float(difference.square().mean().sqrt())


def test_centring_alone_is_batch_normalisation() -> None:
    ours, theirs = Centre(4), torch.nn.BatchNorm1d(4, affine=False, momentum=0.05)
    chance = torch.Generator().manual_seed(1)
    for _ in range(3):
        x = torch.randn(6, 4, generator=chance) * 3 + 1
        assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_var, theirs.running_var)
