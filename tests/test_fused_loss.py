"""The partition loss in compiled code equals the one of torch operations, gradient and all."""

import pytest
import torch
from torch import Tensor

from training.config import LossConfig
from training.fused_loss import FusedLoss, Weights
from training.losses import absent_codes
from training.stages import partition_terms


def targets(mixes: int, frames: int, bins: int, clusters: int, slots: int) -> tuple[Tensor, ...]:
    codes = torch.stack([torch.randperm(clusters)[:slots] for _ in range(mixes)])
    codes[:, -1] = -1
    power_of_each = torch.rand(mixes, slots, frames, bins)
    power_of_each[:, -1] = 0
    cross = power_of_each - 0.1 * torch.rand_like(power_of_each)  # opposite phases make some of them negative
    cross[:, -1] = 0
    present = codes >= 0
    present[0, 0] = False
    return codes, present, power_of_each.sum(1), cross, 1.2 * power_of_each.sum((2, 3))


def test_only_codes_without_a_target_are_absent() -> None:
    codes = torch.tensor([[2, -1, -1], [0, 3, -1]])
    assert absent_codes(codes, 4).tolist() == [[1, 1, 0, 1], [0, 1, 1, 0]]


def by_parts(logits: Tensor, batch: tuple[Tensor, ...], weights: Weights) -> Tensor:
    loss = LossConfig(
        share=weights.share,
        snr=10 * weights.snr_per_db,
        snr_floor=weights.snr_floor,
        silence=10 * weights.silence_per_db,
        silence_floor=weights.silence_floor,
    )
    return partition_terms(logits, batch, loss)[0]


WEIGHTS = [
    Weights(1.0, 0.05, 1e-3),
    Weights(0.0, 1.0, 1e-3),
    Weights(1.0, 0.0, 1e-3),
    Weights(0.0, 0.0, 1e-3, 1.0, 1e-3),
    Weights(1.0, 0.4, 1e-3, 0.1, 1e-4),
]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_fused_loss_equals_the_loss_by_parts(weights: Weights) -> None:
    torch.manual_seed(1)
    batch = targets(3, 5, 7, 16, 6)
    logits = torch.randn(3, 5, 7, 16, requires_grad=True)
    expected = by_parts(logits, batch, weights)
    (wanted,) = torch.autograd.grad(expected, logits)
    total, error, held, _, _ = FusedLoss.apply(logits, batch, weights)
    (found,) = torch.autograd.grad(3 * total, logits)
    assert torch.isclose(total, expected.detach(), rtol=1e-5)
    assert torch.allclose(found, 3 * wanted, atol=1e-6)
    assert torch.allclose(held.sum(1), batch[2].sum((1, 2)), rtol=1e-4)
    assert (error >= 0).all()
