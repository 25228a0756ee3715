"""A codebook on the unit sphere, learned by moving averages (van den Oord et al. 2017, appendix A)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.ranks import gathered, mean_over_ranks

RECENT = 4096  # embeddings kept for the k-means start and for restarts


class Codebook(nn.Module):
    """K unit vectors; an embedding's code is the nearest by cosine.

    Statistics are summed over the processes of a distributed run, so every rank holds the same codes.
    """

    codes: Tensor
    usage: Tensor
    sums: Tensor
    recent: Tensor
    filled: Tensor

    def __init__(self, codes: int, dim: int, decay: float = 0.98, dead_below: float = 0.002) -> None:
        super().__init__()
        self.decay, self.dead_below = decay, dead_below
        self.register_buffer("codes", functional.normalize(torch.randn(codes, dim), dim=-1))
        self.register_buffer("usage", torch.full((codes,), 1.0 / codes))
        self.register_buffer("sums", self.codes / codes)
        self.register_buffer("recent", torch.zeros(RECENT, dim))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    def assign(self, z: Tensor) -> Tensor:
        """Code index (Q,) of embeddings (Q, J)."""
        with torch.autocast(z.device.type, enabled=False):  # bfloat16 would move borders between codes
            return (z.float() @ self.codes.T).argmax(-1)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantize z (Q, J): straight-through codes (Q, J), indices (Q,), commitment loss (scalar)."""
        index = self.assign(z)
        chosen = self.codes[index]
        commitment = (1 - (z * chosen).sum(-1)).sum() / mean_over_ranks(z.new_tensor(len(z)))
        return z + (chosen - z).detach(), index, commitment

    @torch.no_grad()
    def remember(self, z: Tensor) -> Tensor:
        """Keep embeddings (of all ranks) for later starts; returns them, in an order that is no rank's own."""
        z = gathered(z.detach())[0]
        z = z[z[:, 0].argsort()]
        place = (torch.arange(len(z), device=z.device) + self.filled) % RECENT
        self.recent[place] = z
        self.filled += len(z)
        return z

    @torch.no_grad()
    def update(self, z: Tensor, generator: torch.Generator) -> None:
        """Move the codes toward the embeddings of this step; a code nobody uses restarts on a recent one."""
        z = self.remember(z)
        hits = functional.one_hot(self.assign(z), len(self.codes)).to(z.dtype)
        self.usage.lerp_(hits.mean(0), 1 - self.decay)
        self.sums.lerp_(hits.T @ z / len(z), 1 - self.decay)
        self.codes.copy_(functional.normalize(self.sums, dim=-1))
        for code in torch.nonzero(self.usage < self.dead_below).flatten().tolist():
            self._restart(code, generator)

    def _restart(self, code: int, generator: torch.Generator) -> None:
        known = self.recent[: int(self.filled.clamp_max(RECENT))]
        pick = int(torch.randint(len(known), (1,), generator=generator))
        self.codes[code] = known[pick]
        self.usage[code] = 1.0 / len(self.codes)
        self.sums[code] = known[pick] / len(self.codes)

    @torch.no_grad()
    def start(self, generator: torch.Generator, rounds: int = 30) -> None:
        """Spherical k-means on the recent embeddings from farthest points (Gonzalez 1985)."""
        known = self.recent[: int(self.filled.clamp_max(RECENT))]
        centre = known[int(torch.randint(len(known), (1,), generator=generator))][None]
        while len(centre) < len(self.codes):
            centre = torch.cat([centre, known[(known @ centre.T).amax(-1).argmin()][None]])
        for _ in range(rounds):
            hits = functional.one_hot((known @ centre.T).argmax(-1), len(centre)).to(known.dtype)
            sums = hits.T @ known
            centre = torch.where(hits.sum(0)[:, None] > 0, functional.normalize(sums, dim=-1), centre)
        self.codes.copy_(centre)
        share = functional.one_hot(self.assign(known), len(centre)).to(known.dtype).mean(0)
        self.usage.copy_(share.clamp_min(1.0 / len(known)))
        self.sums.copy_(centre * self.usage[:, None])

    def perplexity(self) -> float:
        """Effective number of codes in use, 1 … K."""
        share = self.usage / self.usage.sum()
        return float(torch.exp(-(share * share.clamp_min(1e-9).log()).sum()))


def contrastive_loss(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """InfoNCE (van den Oord et al. 2018) between two clips (Q, J) of each stem against all stems of all ranks."""
    (all_first, start), (all_second, _) = gathered(first), gathered(second)
    target = torch.arange(start, start + len(first), device=first.device)
    loss = functional.cross_entropy(first @ all_second.T / temperature, target, reduction="sum")
    loss = loss + functional.cross_entropy(second @ all_first.T / temperature, target, reduction="sum")
    return loss / 2 / mean_over_ranks(first.new_tensor(len(first)))
