"""The stages that train the generator, as modules: a batch in, a loss and what to log out.

Discover finds out what kinds of sources there are; Partition, and refinement after it, share the mix among them.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from training.codebook import Codebook, contrastive_loss
from training.config import LossConfig, StageConfig, TrainConfig
from training.data import Batch
from training.fused_loss import FusedLoss, Weights
from training.losses import absent_codes, present_loss, share_loss, silence_loss, snr_improvement_db, squared_error
from training.query_encoder import QueryEncoder
from vqss_engine.generator import Generator

Metrics = dict[str, Tensor]


class Discover(nn.Module):
    """Query encoder, codebook and generator learn together, the codes straight-through."""

    def __init__(self, config: TrainConfig, generator: Generator) -> None:
        super().__init__()
        self.config = config
        self.generator = generator
        self.encoder = QueryEncoder(config.model)
        self.codebook = Codebook(config.model.clusters, config.model.code_dim)

    def forward(self, batch: Batch, quantized: bool) -> tuple[Tensor, Tensor, Metrics]:
        """Loss, embeddings (2Q, J) for the codebook's update, metrics."""
        assert batch.query is not None and batch.other is not None and batch.owner is not None
        loss = self.config.loss
        z = self.encoder(torch.cat([batch.query, batch.other]))
        first, second = z.chunk(2)
        commitment = torch.zeros((), device=z.device)
        condition = first
        if quantized:
            condition, _, commitment = self.codebook(first)
        codes = z.new_zeros(*batch.energy.shape, z.shape[1])
        codes = codes.index_put((batch.owner[:, 0], batch.owner[:, 1]), condition)
        state = self.generator.initial_state(len(batch.power))
        logits, _ = self.generator.logits(batch.power, batch.side, codes, state)
        # shared among the mix's own queries: single masks (sigmoids) were seen to settle on silence
        rivals = logits.float().masked_fill(~batch.present[:, None, None], -1e4)
        masks = torch.softmax(rivals, dim=-1).permute(0, 3, 1, 2)
        error = squared_error(masks, batch.power, batch.cross, batch.energy)
        separation = present_loss(error, batch.energy, batch.present, loss.snr_floor)
        contrast = contrastive_loss(first, second, loss.temperature)
        total = loss.snr * separation / 10 + loss.commitment * commitment + loss.contrastive * contrast
        with torch.no_grad():
            mix_error = squared_error(torch.ones_like(masks), batch.power, batch.cross, batch.energy)
            gain = snr_improvement_db(error, batch.energy, mix_error, batch.present)
        metrics = {
            "snr_db": -separation.detach(),
            "improvement_db": gain,
            "contrastive": contrast.detach(),
            "commitment": commitment.detach(),
        }
        return total, z, metrics


class Partition(nn.Module):
    """The codes stand; all heads share the mix, the target of a code is the sum of its stems.

    `stage` may weigh the terms of SNR and silence otherwise than the run does.
    """

    def __init__(self, config: TrainConfig, generator: Generator, stage: StageConfig) -> None:
        super().__init__()
        own = replace(config.loss, snr=stage.snr or config.loss.snr, silence=stage.silence or config.loss.silence)
        self.config = replace(config, loss=own)
        self.generator = generator
        compiled = config.compile and generator.codes.is_cuda
        self.terms = torch.compile(partition_terms, dynamic=False) if compiled else partition_terms

    def forward(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Loss and metrics."""
        generator = self.generator
        state = generator.initial_state(len(batch.power))
        logits, _ = generator.logits(batch.power, batch.side, generator.codes, state)
        terms = fused_terms if logits.device.type == "cpu" else self.terms
        targets = (batch.slot_codes, batch.present, batch.power, batch.cross, batch.energy)
        total, error, held, shares, silence = terms(logits.float(), targets, self.config.loss)
        return total, self._scores(batch, error, held) | {"share_nats": shares, "silence_db": silence}

    def _scores(self, batch: Batch, error: Tensor, held: Tensor) -> Metrics:
        """What the errors (B, S) of the targets and the power (B, K) that the clusters hold come to."""
        with torch.no_grad():
            whole = batch.power.sum(dim=(1, 2))
            mix_error = whole[:, None] - 2 * batch.cross.sum(dim=(2, 3)) + batch.energy
            gain = snr_improvement_db(error, batch.energy, mix_error, batch.present)
            separation = present_loss(error, batch.energy, batch.present, self.config.loss.snr_floor)
            share = (held / whole.clamp_min(1e-12)[:, None]).mean(0)
        return {
            "snr_db": -separation,
            "improvement_db": gain,
            "largest_share": share.max(),
            "clusters_above_1_percent": (share > 0.01).sum(),
        }


def fused_terms(logits: Tensor, targets: tuple[Tensor, ...], loss: LossConfig) -> tuple[Tensor, ...]:
    """What `partition_terms` gives, on a CPU, in two passes."""
    weights = Weights(loss.share, loss.snr / 10, loss.snr_floor, loss.silence / 10, loss.silence_floor)
    terms: tuple[Tensor, ...] = FusedLoss.apply(logits.contiguous(), targets, weights)
    return terms


def partition_terms(logits: Tensor, targets: tuple[Tensor, ...], loss: LossConfig) -> tuple[Tensor, ...]:
    """The loss, each target's error, each cluster's power, the share loss and that of silence.

    logits (B, T, M, K); targets: slot_codes, present, power, cross, energy of a `data.Batch`. All but the first are
    without gradient.
    """
    slot_codes, present, power, cross, energy = targets
    log_masks = torch.log_softmax(logits, dim=-1)
    masks = log_masks.exp()
    error = squared_error(of_slots(masks, slot_codes), power, cross, energy)
    separation = present_loss(error, energy, present, loss.snr_floor)
    leak = (masks.square() * power[..., None]).sum(dim=(1, 2))
    silence = silence_loss(leak, power.sum(dim=(1, 2)), absent_codes(slot_codes, leak.shape[1]), loss.silence_floor)
    shares = share_loss(of_slots(log_masks, slot_codes), power, cross, present)
    total = loss.share * shares + (loss.snr * separation + loss.silence * silence) / 10
    held = (masks.detach() * power[..., None]).sum(dim=(1, 2))
    return total, error.detach(), held, shares.detach(), silence.detach()


def of_slots(masks: Tensor, slot_codes: Tensor) -> Tensor:
    """Of masks (B, T, M, K) those of the targets' codes (B, S), as (B, S, T, M); of code 0 where there is no target."""
    slots = slot_codes.clamp_min(0)[:, None, None, :].expand(*masks.shape[:3], -1)
    return masks.gather(-1, slots).permute(0, 3, 1, 2)
