"""Which stems belong together: one point a stem on the sphere, one code a group of stems.

The codebook that discovery leaves has followed single clips, whose embeddings scatter. The mean over many clips of a
stem scatters less, and groups of such means are what clusters should be made of.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.data import MixSampler
from training.stages import Discover

STEMS_AT_ONCE = 32
RESTARTS = 30
ROUNDS = 60


@torch.no_grad()
def embed_stems(discover: Discover, sampler: MixSampler, clips_per_stem: int, device: torch.device) -> Tensor:
    """Unit mean embedding (S, J) of `clips_per_stem` random clips of each stem of the sampler's bank."""
    discover.encoder.eval()
    means = []
    for first in range(0, len(sampler.bank), STEMS_AT_ONCE):
        stems = np.arange(first, min(first + STEMS_AT_ONCE, len(sampler.bank)))
        rng = np.random.default_rng([sampler.seed, first])
        clips = sampler.query_powers(np.repeat(stems, clips_per_stem), rng)
        means.append(discover.encoder(clips.to(device)).unflatten(0, (len(stems), -1)).mean(1))
    discover.encoder.train()
    return functional.normalize(torch.cat(means), dim=-1)


def group_stems(stems: Tensor, codes: Tensor, chance: torch.Generator, restarts: int = RESTARTS) -> Tensor:
    """Spherical k-means (Dhillon & Modha 2001) of stems (S, J) into as many codes as `codes` (K, J) has.

    Of starts from `codes` and from `restarts` random spreads (k-means++, Arthur & Vassilvitskii 2007) the result with
    the largest sum of cosines is kept. Its codes are numbered so that as many stems as can be keep their number.
    """
    starts = [codes] + [_spread(stems, len(codes), chance) for _ in range(restarts)]
    found = [_settle(stems, start) for start in starts]
    best = max(found, key=lambda centres: float((stems @ centres.T).amax(-1).sum()))
    return _renumber(best, stems, codes)


def _spread(stems: Tensor, count: int, chance: torch.Generator) -> Tensor:
    stems_left = torch.ones(len(stems), device=stems.device)
    centres = stems.new_empty(0, stems.shape[1])
    for _ in range(count):
        pick = int(torch.multinomial(stems_left.cpu().clamp_min(1e-9), 1, generator=chance))
        centres = torch.cat([centres, stems[pick][None]])
        stems_left = 1 - (stems @ centres.T).amax(-1)
    return centres


def _settle(stems: Tensor, centres: Tensor) -> Tensor:
    for _ in range(ROUNDS):
        members = functional.one_hot((stems @ centres.T).argmax(-1), len(centres)).to(stems.dtype)
        moved = functional.normalize(members.T @ stems, dim=-1)
        centres = torch.where(members.sum(0)[:, None] > 0, moved, centres)
    return centres


def _renumber(centres: Tensor, stems: Tensor, codes: Tensor) -> Tensor:
    from scipy.optimize import linear_sum_assignment

    before, after = ((stems @ c.T).argmax(-1).cpu().numpy() for c in (codes, centres))
    shared = np.zeros((len(codes), len(codes)))
    np.add.at(shared, (before, after), 1)
    _, order = linear_sum_assignment(-shared)
    return centres[torch.from_numpy(order).to(centres.device)]
