"""Stems that lie together get one code, and codes keep their numbers where they can."""

import torch
from torch.nn import functional

from training.grouping import group_stems


def clouds(count: int, per_cloud: int, spread: float) -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(3)
    centres = functional.normalize(torch.randn(count, 32, generator=chance), dim=-1)
    owner = torch.arange(count).repeat_interleave(per_cloud)
    noise = spread * torch.randn(len(owner), 32, generator=chance)
    return functional.normalize(centres[owner] + noise, dim=-1), owner


def test_clouds_are_found_from_useless_codes() -> None:
    stems, owner = clouds(6, 20, 0.05)
    codes = functional.normalize(torch.ones(6, 32) + 1e-3 * torch.eye(6, 32), dim=-1)
    found = (stems @ group_stems(stems, codes, torch.Generator().manual_seed(1)).T).argmax(-1)
    for cloud in range(6):
        assert len(found[owner == cloud].unique()) == 1
    assert len(found.unique()) == 6


def test_good_codes_keep_their_numbers() -> None:
    stems, owner = clouds(6, 20, 0.05)
    order = torch.tensor([4, 1, 5, 0, 3, 2])
    codes = functional.normalize(torch.stack([stems[owner == cloud].mean(0) for cloud in order]), dim=-1)
    found = group_stems(stems, codes, torch.Generator().manual_seed(1))
    assert torch.equal((stems @ found.T).argmax(-1), (stems @ codes.T).argmax(-1))


def test_grouping_is_the_same_for_the_same_seed() -> None:
    stems, _ = clouds(9, 7, 0.3)
    first, second = (group_stems(stems, stems[:5], torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, second)
