"""The two stages of learning as modules: a batch in, a loss and what to log out.

Discover finds out what kinds of sources there are; Partition learns to share the mix among them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from training.bank import Bank
from training.codebook import Codebook, contrastive_loss
from training.config import TrainConfig
from training.data import Batch, MixSampler
from training.losses import present_loss, share_loss, silence_loss, snr_improvement_db, squared_error
from training.query_encoder import QueryEncoder
from vqss_engine.generator import Generator

Metrics = dict[str, float]


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
            "snr_db": -float(separation.detach()),
            "improvement_db": float(gain),
            "contrastive": float(contrast.detach()),
            "commitment": float(commitment.detach()),
        }
        return total, z, metrics


class Partition(nn.Module):
    """The codes stand; all heads share the mix, the target of a code is the sum of its stems."""

    def __init__(self, config: TrainConfig, generator: Generator) -> None:
        super().__init__()
        self.config = config
        self.generator = generator

    def forward(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Loss and metrics."""
        loss, generator = self.config.loss, self.generator
        state = generator.initial_state(len(batch.power))
        logits, _ = generator.logits(batch.power, batch.side, generator.codes, state)
        log_masks = torch.log_softmax(logits.float(), dim=-1)  # (B, T, M, K)
        masks = log_masks.exp()
        slots = batch.slot_codes.clamp_min(0)[:, None, None, :].expand(*masks.shape[:3], -1)
        chosen = masks.gather(-1, slots).permute(0, 3, 1, 2)
        error = squared_error(chosen, batch.power, batch.cross, batch.energy)
        separation = present_loss(error, batch.energy, batch.present, loss.snr_floor)
        leak = (masks.square() * batch.power[..., None]).sum(dim=(1, 2))
        absent = torch.ones_like(leak)
        absent.scatter_(1, batch.slot_codes.clamp_min(0), 0.0)
        mix_energy = batch.power.sum(dim=(1, 2))
        silence = silence_loss(leak, mix_energy, absent, loss.silence_floor)
        chosen_log = log_masks.gather(-1, slots).permute(0, 3, 1, 2)
        shares = share_loss(chosen_log, batch.power, batch.cross, batch.present)
        total = loss.share * shares + (loss.snr * separation + loss.silence * silence) / 10
        with torch.no_grad():
            ones = torch.ones_like(chosen[:, :, :1, :1]).expand_as(chosen)
            mix_error = squared_error(ones, batch.power, batch.cross, batch.energy)
            gain = snr_improvement_db(error, batch.energy, mix_error, batch.present)
            share = ((masks * batch.power[..., None]).sum(dim=(1, 2)) / mix_energy[:, None]).mean(0)
        metrics = {
            "snr_db": -float(separation.detach()),
            "improvement_db": float(gain),
            "share_nats": float(shares.detach()),
            "silence_db": float(silence.detach()),
            "largest_share": float(share.max()),
            "clusters_above_1_percent": float((share > 0.01).sum()),
        }
        return total, metrics


@torch.no_grad()
def steady_codes(discover: Discover, bank: Bank, config: TrainConfig, device: torch.device) -> np.ndarray:
    """One code (S,) for every stem: the majority over `clips_per_stem` random clips of it."""
    sampler = MixSampler(bank, config.data, config.model, config.seed)
    discover.encoder.eval()
    codes = np.empty(len(bank), np.int64)
    for stem in range(len(bank)):
        rng = np.random.default_rng([config.seed, stem])
        clips = np.stack([sampler.query_powers(stem, rng) for _ in range(config.clips_per_stem)])
        votes = discover.codebook.assign(discover.encoder(torch.from_numpy(clips).to(device)))
        codes[stem] = np.bincount(votes.cpu().numpy(), minlength=config.model.clusters).argmax()
    discover.encoder.train()
    return codes
