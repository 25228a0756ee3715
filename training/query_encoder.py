"""The query encoder: a clip of one source in, a point on the unit sphere out.

Separation has no use for it; bundles keep its weights for `vqss evaluate` and `vqss train --init`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.ranks import is_distributed, summed
from vqss_engine.config import ModelConfig

DYNAMIC_RANGE_DB = 80.0


class Centre(nn.BatchNorm1d):
    """Batch normalisation (Ioffe & Szegedy 2015) without gains, by the statistics of the rows of all ranks."""

    def __init__(self, width: int) -> None:
        super().__init__(width, affine=False, momentum=0.05)

    def forward(self, x: Tensor) -> Tensor:
        """x (Q, J) -> (Q, J): each column of mean 0 and variance 1 over the batch, or by the running statistics."""
        if not (self.training and is_distributed()):
            return super().forward(x)
        rows = summed(x.new_tensor(len(x)))
        mean = summed(x.sum(0)) / rows
        variance = summed((x - mean).square().sum(0)) / rows
        self._remember(mean.detach(), variance.detach() * rows / (rows - 1))
        return (x - mean) / torch.sqrt(variance + self.eps)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        self.running_mean.lerp_(mean, self.momentum or 0.0)
        self.running_var.lerp_(variance, self.momentum or 0.0)
        self.num_batches_tracked += 1


class QueryEncoder(nn.Module):
    """Convolutions over the log powers of a clip, pooled over time.

    The pooled vector is centred by running statistics before it is put on the sphere: without that all
    embeddings share one large common direction and the codes come out nearly parallel.
    """

    counts: Tensor

    def __init__(self, config: ModelConfig, width: int = 160) -> None:
        super().__init__()
        self.register_buffer("counts", torch.tensor(config.mask_edges).diff().float(), persistent=False)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, width, kernel_size=3, stride=stride, padding=1)
            for inputs, stride in ((config.mask_bins, 1), (width, 2), (width, 2))
        )
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for _ in self.convolutions)
        self.project = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Linear(width, config.code_dim))
        self.centre = Centre(config.code_dim)

    def forward(self, power: Tensor) -> Tensor:
        """Powers (Q, T, M) of clips of any level -> z (Q, J), each of unit length."""
        mean = power / self.counts
        peak = mean.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
        loudness = 10 * torch.log10(mean / peak + 10 ** (-DYNAMIC_RANGE_DB / 10)) / DYNAMIC_RANGE_DB + 0.5
        x = loudness.transpose(1, 2)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = functional.gelu(norm(convolution(x)))
        pooled = torch.cat([x.mean(-1), x.std(-1), x.amax(-1)], dim=-1)
        return functional.normalize(self.centre(self.project(pooled).float()), dim=-1)
