"""Two processes of a distributed run learn what one does: the same codes, the same weights."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel

from bridge.osc_sockets import free_port
from tests.training_songs import SMALL_RUN, small_config, write_songs
from training.bank import build_bank
from training.checkpoint import read_checkpoint
from training.config import StageConfig, TrainConfig
from training.data import MixSampler
from training.limits import check_batches
from training.process_group import PATIENCE, device_and_backend, has_fast_bfloat16, join, patient_group
from training.query_encoder import Centre
from training.stages import Discover, Partition
from training.train import run_training
from vqss_engine.errors import UsageError
from vqss_engine.generator import Generator

CHANGES = (
    "discover.steps=3", "settle.steps=2", "partition.steps=2", "refine.steps=2",
    "discover.batch=4", "settle.batch=4", "partition.batch=4", "refine.batch=4",
)  # fmt: skip


def train(folder: Path, run: str) -> None:
    config = folder / f"{run}.toml"
    config.write_text("seed = 5\n")
    changes = (*SMALL_RUN, *CHANGES, f'data.songs=["{folder / "songs"}"]', f"run={folder / run}")
    run_training(config, list(changes))


def gradients(folder: Path, name: str, rank: int = 0, ranks: int = 1) -> dict[str, torch.Tensor]:
    """What one batch of mixes asks of the weights in either stage; the codes of a batch update are in it too.

    Of four mixes in discovery, of three in the partition: two ranks then have unlike numbers of them.
    """
    config = small_config(folder / name, folder / "songs", *CHANGES)
    bank = build_bank(config.data.songs, folder / name, config.model.sample_rate)
    torch.manual_seed(config.seed)
    discover = Discover(config, Generator(config.model))
    module = DistributedDataParallel(discover) if ranks > 1 else discover
    loss, z, _ = module(MixSampler(bank, config.data, config.model, 1).batch(0, 4, rank, ranks), True)
    loss.backward()
    found = {f"discover.{key}": value.grad.clone() for key, value in discover.named_parameters()}
    discover.codebook.update(z, torch.Generator().manual_seed(1))
    found["codes"] = discover.codebook.codes.clone()
    discover.zero_grad()
    partition = Partition(config, discover.generator, config.partition)
    module = DistributedDataParallel(partition) if ranks > 1 else partition
    sampler = MixSampler(bank, config.data, config.model, 2, np.arange(len(bank)) % 3)
    module(sampler.batch(0, 3, rank, ranks))[0].backward()
    return found | {f"partition.{key}": value.grad.clone() for key, value in partition.named_parameters()}


def train_on_rank(rank: int, port: int, folder: Path) -> None:
    """What torchrun does: the variables that tell a process its place, then the command."""
    places = {"RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in places.items()})
    train(folder, "shared")
    found = gradients(folder, f"rank{rank}", rank, 2)
    if rank == 0:
        torch.save(found, folder / "gradients.pt")
    torch.distributed.destroy_process_group()


def test_two_processes_learn_from_a_batch_what_one_does(tmp_path: Path) -> None:
    write_songs(tmp_path / "songs")
    mp.spawn(train_on_rank, (free_port(), tmp_path), nprocs=2)
    progress = read_checkpoint(tmp_path / "shared" / "checkpoint.pt")["progress"]
    assert progress == {"discover": 3, "settle": 2, "partition": 2, "refine": 2}
    alone, shared = gradients(tmp_path, "alone"), torch.load(tmp_path / "gradients.pt", weights_only=True)
    whole = {stage: norm(alone, stage) for stage in ("discover", "partition", "codes")}
    for name, value in alone.items():
        # relative to the stage: a bias before a centring has no gradient but rounding
        assert (value - shared[name]).norm() < 1e-4 * whole[name.split(".")[0]], name


def norm(tensors: dict[str, torch.Tensor], stage: str) -> float:
    return float(torch.cat([value.flatten() for name, value in tensors.items() if name.startswith(stage)]).norm())


def test_every_process_has_a_gpu_of_its_own_where_there_are_enough() -> None:
    started = [{"RANK": str(4 + k), "LOCAL_RANK": str(k), "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"} for k in range(4)]
    assert [device_and_backend(e, 4) for e in started] == [(f"cuda:{k}", "nccl") for k in range(4)]
    shared = [("cuda:0", "gloo"), ("cuda:1", "gloo")] * 2
    assert [device_and_backend(e, 2) for e in started] == shared
    assert device_and_backend(started[1], 0) == ("cpu", "gloo")
    by_hand = {"RANK": "1", "WORLD_SIZE": "2"}
    assert device_and_backend(by_hand, 2) == ("cuda:1", "nccl")


def test_processes_wait_for_the_first_to_decode_the_songs(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    for name, value in places.items():
        monkeypatch.setenv(name, str(value))
    place = join()
    try:
        patience = patient_group()._get_backend(place.device).options._timeout
        assert (place.rank, place.ranks) == (0, 1) and patience == PATIENCE
    finally:
        torch.distributed.destroy_process_group()


def test_a_batch_that_leaves_a_process_without_work_is_refused() -> None:
    config = TrainConfig(refine=StageConfig(steps=10, batch=3))
    check_batches(config, 3)
    with pytest.raises(UsageError, match=r"refine\.batch is 3; choose at least 4"):
        check_batches(config, 4)
    check_batches(TrainConfig(refine=StageConfig(steps=0, batch=3)), 4)


def test_centring_alone_is_batch_normalisation() -> None:
    ours, theirs = Centre(4), torch.nn.BatchNorm1d(4, affine=False, momentum=0.05)
    chance = torch.Generator().manual_seed(1)
    for _ in range(3):
        x = torch.randn(6, 4, generator=chance) * 3 + 1
        assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_var, theirs.running_var)


def test_only_what_multiplies_bfloat16_by_itself_computes_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = torch.device("cuda", 0)
    for capability, fast in (((7, 5), False), ((8, 0), True), ((9, 0), True)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, c=capability: c)
        assert has_fast_bfloat16(gpu) == fast
    monkeypatch.delattr(torch.cpu, "get_capabilities")      # as before torch 2.11
    assert not has_fast_bfloat16(torch.device("cpu"))
