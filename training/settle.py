"""Steady codes: after the stems are grouped, the query encoder learns that every clip of a stem has the stem's code.

Discovery embeds clips one by one, and those near a border between codes flip over it. The group that the mean over many
clips has found is the better witness, and here it teaches the single clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.data import MixSampler
from training.query_encoder import QueryEncoder
from training.ranks import mean_over_ranks


@dataclass(frozen=True)
class CodedClips:
    """Powers (Q, T, M) of single clips and the codes (Q,) of the stems they are from."""

    power: Tensor
    codes: Tensor

    def to(self, device: torch.device) -> CodedClips:
        """The same clips on another device."""
        return CodedClips(self.power.to(device), self.codes.to(device))


class ClipSampler:
    """Draws clips of random stems, every code as often as any other."""

    def __init__(self, mixes: MixSampler) -> None:
        assert mixes.codes is not None
        self.mixes, self.codes = mixes, mixes.codes

    def batch(self, step: int, size: int, rank: int = 0, ranks: int = 1) -> CodedClips:
        """This rank's share (every `ranks`-th) of the `size` clips that belong to this step."""
        rng = np.random.default_rng([self.mixes.seed, step])
        clips = self.mixes.planner.clips(rng, self.mixes.planner.any_of(rng, size)).take(np.arange(rank, size, ranks))
        return CodedClips(self.mixes.mixer.powers(clips), torch.from_numpy(self.codes[clips.stems]))


class Settle(nn.Module):
    """Cross entropy between a clip's nearness to the standing codes (K, J) and the code of its stem."""

    codes: Tensor

    def __init__(self, encoder: QueryEncoder, codes: Tensor, temperature: float) -> None:
        super().__init__()
        self.encoder, self.temperature = encoder, temperature
        self.register_buffer("codes", codes)

    def forward(self, clips: CodedClips) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and metrics; `steady` is the share of the clips that have their stem's code."""
        nearness = self.encoder(clips.power) @ self.codes.T / self.temperature
        nats = functional.cross_entropy(nearness, clips.codes, reduction="sum")
        nats = nats / mean_over_ranks(nearness.new_tensor(len(nearness)))
        steady = (nearness.argmax(-1) == clips.codes).float().mean()
        return nats, {"settle_nats": nats.detach(), "steady": steady}
