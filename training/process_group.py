"""How a process of a distributed run finds its place: its device, and the way the processes talk."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist

AMPERE = (8, 0)  # NVIDIA's first compute capability that multiplies bfloat16; older ones imitate it, slowly
Result = TypeVar("Result")
PATIENCE = timedelta(hours=12)  # the others wait while the first decodes all songs, which may take hours


@dataclass(frozen=True)
class Place:
    """Which of how many processes this is, where it computes, and whether it is the first of its machine."""

    rank: int
    ranks: int
    device: torch.device
    first_here: bool


def device_and_backend(environment: Mapping[str, str], gpus: int) -> tuple[str, str]:
    """The device of a process that torchrun started on a machine with so many GPUs, and the backend of all.

    Every process of a machine has a GPU of its own. NCCL refuses to share one, so where there are more processes than
    GPUs they share them and gloo carries the tensors. The choice itself is tested, training on several GPUs is not.
    """
    if not gpus:
        return "cpu", "gloo"
    local = int(environment.get("LOCAL_RANK", environment["RANK"]))
    here = int(environment.get("LOCAL_WORLD_SIZE", environment.get("WORLD_SIZE", "1")))
    return f"cuda:{local % gpus}", "nccl" if here <= gpus else "gloo"


def join() -> Place:
    """Take this process's place among those that torchrun started; alone where it started none."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if "RANK" not in os.environ:
        return Place(0, 1, torch.device("cuda" if gpus else "cpu"), True)
    device, backend = device_and_backend(os.environ, gpus)
    if gpus:
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group(backend)
    first = int(os.environ.get("LOCAL_RANK", os.environ["RANK"])) == 0
    return Place(dist.get_rank(), dist.get_world_size(), torch.device(device), first)


def patient_group() -> dist.ProcessGroup:
    """All processes, for waiting that may take hours; what stands still anywhere else is found out in minutes."""
    group = dist.new_group(backend="gloo", timeout=PATIENCE)
    assert group is not None
    return group


def first_then_others(work: Callable[[], Result], place: Place) -> Result:
    """What `work` gives, which the first process of each machine does before the others: they find what it has left."""
    done = work() if place.first_here else None
    if place.ranks > 1:
        dist.barrier(patient_group())
    return work() if done is None else done


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 by itself; one that does not takes several times as long as for float32.

    On a CPU an older torch cannot tell, and the answer is no.
    """
    if device.type == "cuda":
        return torch.version.hip is not None or torch.cuda.get_device_capability(device) >= AMPERE
    if not hasattr(torch.cpu, "get_capabilities"):  # before torch 2.11
        return False
    able = torch.cpu.get_capabilities()
    return any(able.get(name) for name in ("bf16", "avx512_bf16", "amx_bf16"))
