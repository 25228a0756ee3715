"""A song of any rate in, stems out that are aligned with it to the sample and sum to it.

The path of a block: rate of the song -> StreamingResampler -> AlignedHops at the model's rate -> StreamingResampler
-> SharedResidual. What the two conversions lose (everything above the model's band, and their filters' edges) is
the residual, song minus the sum of stems; it is given to the clusters in proportion to their energy of the moment,
so the stems sum to the song at every rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.aligned_hops import AlignedHops
from bridge.resample import StreamingResampler

Block = NDArray[np.float32]

SHARE_SMOOTHING_SECONDS = 0.05
SHARE_SEGMENT_SECONDS = 0.01


class HopModel(Protocol):
    """What is needed of a separator (vqss_engine.offline.OfflineSeparator)."""

    hop: int
    clusters: int
    channels: int
    latency_samples: int

    def process(self, block: Block) -> Block: ...


class SharedResidual:
    """Adds what the stems lack of the mix to the stems, in proportion to each one's energy around that time.

    Energies are smoothed over 50 ms, per channel, and the shares glide, so nothing zips; in silence the last shares
    hold, and at first all clusters share alike. segment: so many samples share alike.
    """

    def __init__(self, clusters: int, channels: int, sample_rate: int) -> None:
        self.segment = max(1, round(SHARE_SEGMENT_SECONDS * sample_rate))
        self._decay_samples = SHARE_SMOOTHING_SECONDS * sample_rate
        self._energy = np.zeros((clusters, channels))
        self._share = np.full((clusters, channels), 1.0 / clusters, np.float32)

    def apply(self, mix: Block, stems: Block) -> None:
        """Change `stems` (K, C, n) in place so that they sum to `mix` (C, n); whole segments, but for a song's last."""
        for start in range(0, mix.shape[1], self.segment):
            part = slice(start, start + self.segment)
            residual = mix[:, part] - stems[..., part].sum(axis=0)
            stems[..., part] += self._next_share(stems[..., part]) * residual

    def _next_share(self, stems: Block) -> Block:
        """Shares for every sample of this segment, (K, C, n), each sample's summing to one."""
        samples = stems.shape[-1]
        keep = math.exp(-samples / self._decay_samples)
        power = np.square(stems, dtype=np.float64).mean(axis=-1)
        self._energy = keep * self._energy + (1.0 - keep) * power
        total = self._energy.sum(axis=0)
        before = after = self._share
        if (total > 1e-30).any():
            fresh = (self._energy / np.maximum(total, 1e-30)).astype(np.float32)
            after = np.where(total > 1e-30, fresh, before).astype(np.float32)
        self._share = after
        ramp = np.arange(1, samples + 1, dtype=np.float32) / np.float32(samples)
        glide = before[..., None] + (after - before)[..., None] * ramp
        return glide.astype(np.float32, copy=False)


class StemStream:
    """Blocks of a song at `sample_rate` in; pairs of mix and stems, same samples, out.

    Over a whole song the pairs hold exactly the song's samples, and the stems of each pair sum to its mix.
    """

    def __init__(self, model: HopModel, model_rate: int, sample_rate: int) -> None:
        clusters, channels = model.clusters, model.channels
        self._shape = (clusters, channels)
        self._hops = AlignedHops((channels,), model.hop, model.latency_samples, model.process)
        self._down = StreamingResampler(channels, sample_rate, model_rate)
        self._up = StreamingResampler(clusters * channels, model_rate, sample_rate)
        self._residual = SharedResidual(clusters, channels, sample_rate)
        self._mix = np.zeros((channels, 0), np.float32)
        self._stems = np.zeros((clusters, channels, 0), np.float32)

    def process(self, block: Block) -> tuple[Block, Block]:
        """Feed (C, n); return mix (C, m) and stems (K, C, m) that have become ready."""
        self._mix = np.concatenate([self._mix, block], axis=1)
        stems = self._hops.process(self._down.process(block))
        return self._pair(self._back(stems))

    def flush(self) -> tuple[Block, Block]:
        """The rest: mix (C, m) and stems (K, C, m)."""
        last = self._hops.process(self._down.flush()) if not self._down.is_identity else None
        stems = self._hops.flush()
        if last is not None:
            stems = self._back(np.concatenate([last, stems], axis=-1))
            stems = np.concatenate([stems, self._up.flush().reshape(*self._shape, -1)], axis=-1)
        missing = self._mix.shape[1] - self._stems.shape[-1] - stems.shape[-1]
        # The two conversions may each round the length by a sample.
        return self._pair(np.pad(stems, ((0, 0), (0, 0), (0, max(0, missing)))), last=True)

    def _back(self, stems: Block) -> Block:
        if self._up.is_identity:
            return stems
        flat = stems.reshape(self._shape[0] * self._shape[1], -1)
        return self._up.process(flat).reshape(*self._shape, -1)

    def _pair(self, stems: Block, last: bool = False) -> tuple[Block, Block]:
        ready = np.concatenate([self._stems, stems], axis=-1) if self._stems.shape[-1] else stems
        samples = min(ready.shape[-1], self._mix.shape[1])
        if not (self._up.is_identity or last):  # segments lie in the song, not in blocks
            samples -= samples % self._residual.segment
        mix, stems = self._mix[:, :samples], np.ascontiguousarray(ready[..., :samples])
        self._mix, self._stems = self._mix[:, samples:].copy(), ready[..., samples:].copy()
        if not self._up.is_identity:  # at the model's own rate the masks' sum to one needs, and gets, no help
            self._residual.apply(mix, stems)
        return mix, stems


def stem_blocks(stream: StemStream, blocks: Iterable[Block]) -> Iterator[tuple[Block, Block]]:
    """Run a whole song through `stream`: yields mix (C, m) and stems (K, C, m), m > 0."""
    for block in blocks:
        mix, stems = stream.process(block)
        if mix.shape[1]:
            yield mix, stems
    mix, stems = stream.flush()
    if mix.shape[1]:
        yield mix, stems
