"""Muon steps as PyTorch's own does, whose checkpoints it takes up."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from training.muon import Muon, orthogonal

SHAPES = [(24, 8), (8, 24), (24, 8), (16, 16)]


def matrices() -> list[nn.Parameter]:
    torch.manual_seed(3)
    return [nn.Parameter(torch.randn(shape)) for shape in SHAPES]


def descend(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], steps: int) -> None:
    for step in range(steps):
        chance = torch.Generator().manual_seed(step)
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=chance)
        optimizer.step()


def reference(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.Muon(parameters, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")


def test_it_goes_the_way_of_pytorchs_muon() -> None:
    start, ours, theirs = matrices(), matrices(), matrices()
    descend(Muon(ours, weight_decay=0.1, lr=0.02), ours, 6)
    descend(reference(theirs), theirs, 6)
    for first, a, b in zip(start, ours, theirs, strict=True):
        assert (a - b).norm() < 0.02 * (first - b).norm()  # theirs computes in bfloat16


def test_it_takes_up_a_checkpoint_of_pytorchs_muon() -> None:
    theirs, ours = matrices(), matrices()
    before = reference(theirs)
    descend(before, theirs, 5)
    after = Muon(ours, weight_decay=0.1, lr=0.02)
    after.load_state_dict(deepcopy(before.state_dict()))
    with torch.no_grad():
        for a, b in zip(ours, theirs, strict=True):
            a.copy_(b)
    start = [b.detach().clone() for b in theirs]
    descend(after, ours, 2)
    descend(before, theirs, 2)
    for first, a, b in zip(start, ours, theirs, strict=True):
        assert (a - b).norm() < 0.02 * (first - b).norm()


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_come_close_to_one(shape: tuple[int, int]) -> None:
    values = torch.linalg.svdvals(orthogonal(torch.randn(5, *shape)))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_zeros_and_what_has_no_gradient_stay() -> None:
    still, zero = nn.Parameter(torch.ones(4, 4)), nn.Parameter(torch.ones(4, 4))
    zero.grad = torch.zeros(4, 4)
    Muon([still, zero], weight_decay=0.0).step()
    assert torch.equal(still, torch.ones(4, 4)) and torch.equal(zero, torch.ones(4, 4))
