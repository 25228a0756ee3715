"""What the processes of a distributed run must agree on, so that they learn what one process would.

DistributedDataParallel takes the mean of the ranks' gradients. A loss that is a mean over items of which ranks have
unequal numbers must therefore be divided by the mean number of items a rank has; a loss between the items of a batch
must see those of all ranks. Alone, every function here returns what it is given.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional


def is_distributed() -> bool:
    """Whether this process is one of several."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def sum_over_ranks(x: Tensor) -> Tensor:
    """The ranks' sum, in place and without gradient."""
    if is_distributed():
        dist.all_reduce(x)
    return x


def mean_over_ranks(count: Tensor) -> Tensor:
    """How many items a rank has on average: what a rank's sum over its own is to be divided by."""
    if not is_distributed():
        return count
    return sum_over_ranks(count.to(torch.float64)) / dist.get_world_size()


def of_first(x: Tensor) -> Tensor:
    """The first rank's, in place: what each works out by itself may differ in rounding, and then in what is chosen."""
    if is_distributed():
        dist.broadcast(x, 0)
    return x


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return sum_over_ranks(x.clone())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return sum_over_ranks(gradient.clone())


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, sizes: list[int]) -> Tensor:
        ctx.sizes = sizes
        padded = functional.pad(x, (0, 0, 0, max(sizes) - len(x)))
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return sum_over_ranks(gradient.clone()).split(ctx.sizes)[dist.get_rank()], None


def summed(x: Tensor) -> Tensor:
    """The ranks' sum; its gradient reaches every rank's part."""
    return _Sum.apply(x) if is_distributed() else x


def gathered(x: Tensor) -> tuple[Tensor, int]:
    """The rows of all ranks (N, J), and where this rank's (n, J) begin; the gradient reaches every rank's rows."""
    if not is_distributed():
        return x, 0
    counts = torch.zeros(dist.get_world_size(), dtype=torch.long, device=x.device)
    counts[dist.get_rank()] = len(x)
    sizes = sum_over_ranks(counts).tolist()
    rows: Tensor = _Gather.apply(x, sizes)
    return rows, sum(sizes[: dist.get_rank()])
