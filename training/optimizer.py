"""The optimiser: Muon for the matrices of the trunk, AdamW for everything else.

Muon lets rare directions of a matrix learn as fast as common ones. Its step has the root mean square of AdamW's: one
learning rate serves both.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from training.config import StageConfig
from training.muon import Muon

WEIGHT_DECAY = 0.01


class Optimizer:
    """Steps all parameters of a module with one learning rate; `kind` is one of OPTIMIZERS."""

    def __init__(self, module: nn.Module, kind: str, muon_scale: float = 2.0) -> None:
        matrices: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in module.named_parameters():
            hidden = kind == "muon" and parameter.ndim == 2 and "layers." in name
            (matrices if hidden else others).append(parameter)
        self._parts: list[tuple[torch.optim.Optimizer, float]] = [
            (torch.optim.AdamW(others, weight_decay=WEIGHT_DECAY, fused=others[0].is_cuda), 1.0)
        ]
        if matrices:
            self._parts.append((Muon(matrices, WEIGHT_DECAY), muon_scale))

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part, _ in self._parts:
            part.zero_grad(set_to_none=True)

    def step(self, learning_rate: float) -> None:
        """Descend once."""
        for part, scale in self._parts:
            for group in part.param_groups:
                group["lr"] = learning_rate * scale
            part.step()

    def state_dict(self) -> list[dict[str, Any]]:
        """What a checkpoint keeps."""
        return [part.state_dict() for part, _ in self._parts]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Take up a checkpoint's state."""
        for (part, _), state in zip(self._parts, states, strict=True):
            part.load_state_dict(state)


def learning_rate(stage: StageConfig, step: int) -> float:
    """Linear warm-up, then a half cosine down to `final_rate`."""
    if step < stage.warmup:
        return stage.learning_rate * (step + 1) / stage.warmup
    way = (step - stage.warmup) / max(1, stage.steps - stage.warmup)
    return stage.final_rate + (stage.learning_rate - stage.final_rate) * 0.5 * (1 + math.cos(math.pi * way))
