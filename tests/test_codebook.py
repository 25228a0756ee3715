"""The codebook: nearest code, a start that finds clusters, no dead codes, the same on two ranks as on one."""

from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn import functional

from training.codebook import Codebook, contrastive_loss


def clustered(centres: torch.Tensor, each: int, spread: float = 0.05) -> torch.Tensor:
    noise = torch.randn(len(centres) * each, centres.shape[1], generator=torch.Generator().manual_seed(2))
    return functional.normalize(centres.repeat_interleave(each, 0) + spread * noise, dim=-1)


def random_sphere(count: int, dim: int = 8) -> torch.Tensor:
    return functional.normalize(torch.randn(count, dim, generator=torch.Generator().manual_seed(1)), dim=-1)


def test_quantizing_returns_the_nearest_code_and_passes_the_gradient() -> None:
    book, z = Codebook(4, 8), random_sphere(10).requires_grad_()
    quantized, index, commitment = book(z)
    assert torch.equal(index, (z @ book.codes.T).argmax(1))
    assert torch.allclose(quantized, book.codes[index], atol=1e-6)
    (quantized.sum() + 0 * commitment).backward()
    assert torch.equal(z.grad, torch.ones_like(z))


def test_start_finds_separate_clusters() -> None:
    centres = random_sphere(5)
    book = Codebook(5, 8)
    book.remember(clustered(centres, 40))
    book.start(torch.Generator().manual_seed(0))
    assert (centres @ book.codes.T).amax(1).min() > 0.98
    assert len(set((centres @ book.codes.T).argmax(1).tolist())) == 5


def test_updates_follow_drifting_embeddings() -> None:
    centres = random_sphere(4)
    book, chance = Codebook(4, 8), torch.Generator().manual_seed(0)
    book.remember(clustered(centres, 40))
    book.start(chance)
    moved = functional.normalize(centres + 0.3 * random_sphere(8)[4:], dim=-1)
    for _ in range(400):
        book.update(clustered(moved, 20), chance)
    assert (moved @ book.codes.T).amax(1).min() > 0.98


def test_a_code_nobody_uses_restarts() -> None:
    book, chance = Codebook(4, 8), torch.Generator().manual_seed(0)
    z = clustered(random_sphere(1), 50)
    book.codes[3] = -z[0]
    for _ in range(400):
        book.update(z, chance)
    assert (book.codes @ z[0]).min() > 0.5


def test_contrastive_loss_prefers_matching_pairs() -> None:
    z = random_sphere(6)
    assert contrastive_loss(z, z, 0.15) < contrastive_loss(z, z.roll(1, 0), 0.15)


def _update_on_rank(rank: int, address: str, out: str) -> None:
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    torch.manual_seed(0)
    book = Codebook(4, 8)
    chance = torch.Generator().manual_seed(0)
    for _ in range(20):
        book.update(clustered(random_sphere(4), 6)[rank::2], chance)
    torch.save(book.codes, f"{out}{rank}")
    dist.destroy_process_group()


def test_two_processes_hold_the_codes_of_one(tmp_path: Path) -> None:
    mp.spawn(_update_on_rank, (f"file://{tmp_path}/meet", f"{tmp_path}/codes"), nprocs=2)
    first, second = (torch.load(tmp_path / f"codes{rank}", weights_only=True) for rank in (0, 1))
    torch.manual_seed(0)
    alone, chance = Codebook(4, 8), torch.Generator().manual_seed(0)
    for _ in range(20):
        alone.update(clustered(random_sphere(4), 6), chance)
    assert torch.equal(first, second)
    assert torch.allclose(first, alone.codes, atol=1e-5)
