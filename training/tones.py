"""Random equalisers and stereo widths of a plan as factors in the frequency domain."""

from __future__ import annotations

import torch
from torch import Tensor

from training.plans import KNOTS
from vqss_engine.config import ModelConfig

STEEPNESS = 4.0  # of a shelf, per octave
KNOT_OCTAVES = (4.0, 15.0)  # above 1 Hz, of the first and the last knot of a phase


def octaves_of_bins(model: ModelConfig, device: torch.device) -> Tensor:
    """Octaves above 1 Hz (F,) of the bins of a spectrum; those of bin 1 for bin 0."""
    bins = torch.arange(model.bins, device=device, dtype=torch.float32).clamp_min(1)
    return torch.log2(bins * (model.sample_rate / model.window))


def tone_gains(shelves: Tensor, bells: Tensor, octaves: Tensor) -> Tensor:
    """Gains (n, F) of equalisers: shelves (n, 2, 2), the low one first, and bells (n, 2, 3) as in `plans.Clips`."""
    sign = torch.tensor([-1.0, 1.0], device=octaves.device)[:, None]
    edge, gain_db = shelves[..., :1], shelves[..., 1:]
    gains_db = gain_db * torch.sigmoid(STEEPNESS * sign * (octaves - edge))
    centre, width, bell_db = bells[..., :1], bells[..., 1:2], bells[..., 2:]
    bells_db = bell_db * torch.exp(-(((octaves - centre) / width) ** 2))
    return torch.exp2((gains_db + bells_db).sum(1) * (3.321928 / 20))  # log2(10) / 20 a decibel


def channel_turns(phases: Tensor, octaves: Tensor) -> Tensor:
    """Unit complex64 (n, F) by which the right channel is turned against the left: phases (n, KNOTS) between knots."""
    low, high = KNOT_OCTAVES
    place = ((octaves - low) / (high - low) * (KNOTS - 1)).clamp(0, KNOTS - 1)
    before = place.floor().long().clamp_max(KNOTS - 2)
    phase = torch.lerp(phases[:, before], phases[:, before + 1], place - before)
    return torch.polar(torch.ones_like(phase), phase)
