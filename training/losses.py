"""Separation losses on mask-bin statistics (see `mixing` for why they suffice)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from training.ranks import mean_over_ranks


def squared_error(masks: Tensor, power: Tensor, cross: Tensor, energy: Tensor) -> Tensor:
    """Sum |Y - m X|^2 of each target: masks, cross (B, S, T, M), power (B, T, M), energy (B, S) -> (B, S)."""
    error = masks * (masks * power[:, None] - 2 * cross)
    return (error.sum(dim=(2, 3)) + energy).clamp_min(0.0)


def present_loss(error: Tensor, energy: Tensor, present: Tensor, floor: float) -> Tensor:
    """Mean negative SNR in dB over the sources that sound, each weighed alike, saturating at `floor`.

    The soft threshold (Wisdom et al. 2020) keeps what is already clean from dominating the gradient.
    """
    ratio = error / energy.clamp_min(1e-12)
    loss = 10 / math.log(10) * torch.log(ratio + floor)
    return (loss * present).sum() / mean_over_ranks(present.sum()).clamp_min(1)


def share_loss(log_masks: Tensor, power: Tensor, cross: Tensor, present: Tensor) -> Tensor:
    """Cross entropy in nats between the masks and the true shares of the targets in each mask bin.

    log_masks, cross (B, S, T, M) of the target slots, power (B, T, M), present (B, S). Bins weigh by the root of
    their power, mixes weigh alike. As a proper score it asks an unsure model for its expected shares, where errors
    of energy alone are least for a model that keeps silent unless it is sure.
    """
    true = cross.clamp_min(0.0) * present[:, :, None, None]
    true = true / true.sum(1, keepdim=True).clamp_min(1e-12)
    weight = power.clamp_min(0.0).sqrt()
    weight = weight / weight.sum(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    nats = -(weight[:, None] * true * log_masks).sum(dim=(1, 2, 3))
    return nats.sum() / mean_over_ranks(nats.new_tensor(len(nats)))


def absent_codes(slot_codes: Tensor, clusters: int) -> Tensor:
    """(B, K) 1.0 for the codes that no target of a mix has; slot_codes (B, S), -1 where there is no target."""
    absent = torch.ones(len(slot_codes), clusters + 1, device=slot_codes.device)
    return absent.scatter(1, slot_codes.where(slot_codes >= 0, clusters), 0.0)[:, :clusters]


def silence_loss(leak: Tensor, mix_energy: Tensor, absent: Tensor, floor: float) -> Tensor:
    """Mean level in dB of absent clusters relative to the mix, no better than `floor` is asked for.

    leak, absent (B, K): energy of a cluster and whether it should be silent; mix_energy (B,).
    """
    ratio = leak / mix_energy.clamp_min(1e-12)[:, None]
    loss = 10 / math.log(10) * torch.log(ratio + floor)
    return (loss * absent).sum() / mean_over_ranks(absent.sum()).clamp_min(1)


def snr_improvement_db(error: Tensor, energy: Tensor, mix_error: Tensor, present: Tensor) -> Tensor:
    """Mean improvement over taking the whole mix, in dB, over the sources that sound and are not alone."""
    present = present & (mix_error > 1e-3 * energy)
    gain = 10 * torch.log10(mix_error.clamp_min(1e-12) / error.clamp_min(1e-12))
    return (gain * present).sum() / present.sum().clamp_min(1)
