"""Muon (Jordan et al. 2024) in float32, all matrices of a shape at once.

torch.optim.Muon computes in bfloat16, one matrix after the other: on processors without instructions for bfloat16 that
was a tenth of a training step, ten times what it takes here. Its state has the same name, so checkpoints fit.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
ITERATIONS = 5
A, B, C = 3.4445, -4.7750, 2.0315  # steepest at zero: singular values end between about 0.7 and 1.2
TINY = 1e-7
ADAMW_RMS = 0.2  # the usual root mean square of AdamW's step (Liu et al. 2025)


def orthogonal(matrices: Tensor) -> Tensor:
    """The orthogonal matrices nearest to each of (N, R, C), roughly: Newton and Schulz's iteration, quintic.

    Singular values come out between about 0.7 and 1.2; a matrix of zeros stays one.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(TINY)
    for _ in range(ITERATIONS):
        gram = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    """Steps along the orthogonal matrix nearest to the momentum (Nesterov's), as long as a step of AdamW.

    Takes matrices (R, C) only. Those without a gradient are left alone.
    """

    def __init__(self, matrices: Iterable[nn.Parameter], weight_decay: float, lr: float = 1e-3) -> None:
        super().__init__(list(matrices), {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Descend once."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike[matrix.shape].append(matrix)
            for shape, matrices in alike.items():
                steps = orthogonal(torch.stack(self._directions(matrices)))
                length = group["lr"] * ADAMW_RMS * math.sqrt(max(shape))
                values = [matrix.data for matrix in matrices]
                torch._foreach_mul_(values, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(values, list(steps.unbind()), alpha=-length)

    def _directions(self, matrices: list[nn.Parameter]) -> list[Tensor]:
        """The gradients on their way to the momenta, which take them up."""
        for matrix in matrices:
            if "momentum_buffer" not in self.state[matrix]:
                self.state[matrix]["momentum_buffer"] = torch.zeros_like(matrix)
        momenta = [self.state[matrix]["momentum_buffer"] for matrix in matrices]
        gradients = [matrix.grad for matrix in matrices if matrix.grad is not None]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        return list(torch._foreach_lerp(gradients, momenta, MOMENTUM))
