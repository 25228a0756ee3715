"""The partition loss and its gradient on a CPU, in two passes over the masks instead of some thirty.

The masks of a batch are tens of megabytes; every elementwise operation on them costs as much as a layer. All that
the loss needs of a mask bin is in cache together here, and the gradient of its logits is written where the mask stood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.ranks import mean_over_ranks
from vqss_engine.compiled import njit, prange

DECIBELS = np.float32(10.0 / np.log(10.0))
TINY = np.float32(1e-12)


@dataclass(frozen=True)
class Weights:
    """Weights of the share loss and of one decibel of SNR and of leaking; floors of the error and leak ratios."""

    share: float
    snr_per_db: float
    snr_floor: float
    silence_per_db: float = 0.0
    silence_floor: float = 1e-3


@njit(cache=True, parallel=True, nogil=True, fastmath=True)
def _measure(
    masks: np.ndarray,
    slots: np.ndarray,
    present: np.ndarray,
    power: np.ndarray,
    cross: np.ndarray,
    error: np.ndarray,
    held: np.ndarray,
    leak: np.ndarray,
    nats: np.ndarray,
) -> None:
    """Sums over the mask bins of every frame: error (B, T, S) - energy, held and leak (B, T, K), nats (B, T, 2).

    held is the power times the mask, leak times its square; nats[..., 0] is the weighed cross entropy, nats[..., 1]
    the weight.
    """
    batch, frames, bins, clusters = masks.shape
    for i in prange(batch * frames):
        b, t = i // frames, i % frames
        for m in range(bins):
            total = TINY
            for s in range(slots.shape[1]):
                if present[b, s]:
                    total += max(cross[b, s, t, m], np.float32(0.0))
            p = power[b, t, m]
            weight = np.sqrt(max(p, np.float32(0.0)))
            nats[b, t, 1] += weight
            for k in range(clusters):
                taken = masks[b, t, m, k] * p
                held[b, t, k] += taken
                leak[b, t, k] += masks[b, t, m, k] * taken
            for s in range(slots.shape[1]):
                if slots[b, s] >= 0:
                    c, mask = cross[b, s, t, m], masks[b, t, m, slots[b, s]]
                    error[b, t, s] += mask * (mask * p - 2 * c)
                    if present[b, s] and c > 0:
                        nats[b, t, 0] -= weight * c / total * np.log(mask + np.float32(1e-20))


@njit(cache=True, parallel=True, nogil=True, fastmath=True)
def _descend(
    masks: np.ndarray,
    slots: np.ndarray,
    present: np.ndarray,
    power: np.ndarray,
    cross: np.ndarray,
    share_scale: np.ndarray,
    error_scale: np.ndarray,
    leak_scale: np.ndarray,
) -> None:
    """Replace masks by the gradient of their logits.

    share_scale (B,): what a weighed nat counts; error_scale (B, S) and leak_scale (B, K): what a unit of squared
    error and of leaked power counts.
    """
    batch, frames, bins, clusters = masks.shape
    for i in prange(batch * frames):
        b, t = i // frames, i % frames
        row = np.empty(clusters, np.float32)
        for m in range(bins):
            total = TINY
            for s in range(slots.shape[1]):
                if present[b, s]:
                    total += max(cross[b, s, t, m], np.float32(0.0))
            p = power[b, t, m]
            weight = share_scale[b] * np.sqrt(max(p, np.float32(0.0)))
            pull = np.float32(0.0)
            known = np.float32(0.0)
            for k in range(clusters):
                row[k] = leak_scale[b, k] * 2 * p * masks[b, t, m, k] * masks[b, t, m, k]
                pull += row[k]
            for s in range(slots.shape[1]):
                if slots[b, s] >= 0:
                    c, mask = cross[b, s, t, m], masks[b, t, m, slots[b, s]]
                    slope = error_scale[b, s] * 2 * (mask * p - c)
                    pull += slope * mask
                    row[slots[b, s]] += slope * mask
                    if present[b, s]:
                        true = max(c, np.float32(0.0)) / total
                        known += true
                        row[slots[b, s]] -= weight * true
            for k in range(clusters):
                masks[b, t, m, k] = row[k] + masks[b, t, m, k] * (weight * known - pull)


def _silence(leak: np.ndarray, mix: np.ndarray, slots: np.ndarray, weights: Weights) -> tuple[float, np.ndarray]:
    """Mean level in dB of the clusters without a target, and what a unit of their leaked power counts (B, K).

    leak (B, K) and mix (B,) are powers, slots (B, S) the codes that have a target.
    """
    absent = np.ones(leak.shape, bool)
    for b, codes in enumerate(slots):
        absent[b, codes[codes >= 0]] = False
    mix = np.maximum(mix, TINY)[:, None]
    ratio = leak / mix + weights.silence_floor
    count = max(1.0, float(mean_over_ranks(torch.tensor(float(absent.sum())))))
    scale = weights.silence_per_db * DECIBELS * absent / count / ratio / mix
    return float((DECIBELS * np.log(ratio) * absent).sum() / count), scale.astype(np.float32)


class FusedLoss(torch.autograd.Function):
    """(total, error, held, share, silence) of logits (B, T, M, K); all but `total` carry no gradient.

    error (B, S), held (B, K), share in nats, silence in dB.

    slot_codes (B, S) int64 with distinct codes in a mix (-1: no target), present (B, S) bool, power (B, T, M),
    cross (B, S, T, M), energy (B, S). The same numbers as `present_loss`, `share_loss` and `silence_loss` on a softmax.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, batch: tuple[Tensor, ...], weights: Weights
    ) -> tuple[Tensor, ...]:
        slots, present, power, cross, energy = (item.detach().numpy() for item in batch)
        masks = torch.softmax(logits, dim=-1).numpy()
        mixes, frames, _, clusters = masks.shape
        error = np.zeros((mixes, frames, slots.shape[1]), np.float32)
        held = np.zeros((mixes, frames, clusters), np.float32)
        leak = np.zeros((mixes, frames, clusters), np.float32)
        nats = np.zeros((mixes, frames, 2), np.float32)
        _measure(masks, slots, present, power, cross, error, held, leak, nats)
        missed = np.maximum(error.sum(1) + energy, 0.0)
        spent, weight = nats[..., 0].sum(1), np.maximum(nats[..., 1].sum(1), TINY)
        shared = float(mean_over_ranks(torch.tensor(float(mixes))))
        share = float((spent / weight).sum() / shared)
        ratio = missed / np.maximum(energy, TINY)
        count = max(1.0, float(mean_over_ranks(batch[1].sum())))
        snr_db = float((DECIBELS * np.log(ratio + weights.snr_floor) * present).sum() / count)
        silence_db, leak_scale = _silence(leak.sum(1), power.sum((1, 2)), slots, weights)
        share_scale = (weights.share / (weight * shared)).astype(np.float32)
        error_scale = weights.snr_per_db * DECIBELS * present / count
        error_scale = (error_scale / (ratio + weights.snr_floor) / np.maximum(energy, TINY)).astype(np.float32)
        _descend(masks, slots, present, power, cross, share_scale, error_scale, leak_scale)
        ctx.save_for_backward(torch.from_numpy(masks))
        total = weights.share * share + weights.snr_per_db * snr_db + weights.silence_per_db * silence_db
        measured = torch.from_numpy(missed), torch.from_numpy(held.sum(1)), torch.tensor(share)
        outputs = torch.tensor(total), *measured, torch.tensor(silence_db)
        ctx.mark_non_differentiable(*outputs[1:])
        return outputs

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return ctx.saved_tensors[0] * grads[0], None, None
