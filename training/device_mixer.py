"""Plans mixed on a graphics card, a whole batch at once: the stems lie in its memory, nothing waits for the host.

The same numbers as `host_mixer`, but for rounding.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.bank import Bank
from training.host_mixer import Framing, Mixed
from training.plans import KNOTS, Clips, Mixes
from training.tones import channel_turns, octaves_of_bins, tone_gains
from vqss_engine.config import ModelConfig
from vqss_engine.generator import equal_neighbours

log = logging.getLogger(__name__)

FEWEST_LANES = 16
MOST_OF_MEMORY = 0.4  # that the stems may take; the network needs the rest


def stems_on(device: torch.device, bank: Bank) -> Tensor | None:
    """All samples of a bank (N,) int16 in the memory of a graphics card; None where they are to be mixed on the CPU."""
    if device.type != "cuda":
        return None
    try:
        import triton  # noqa: F401
    except ImportError:
        log.warning("batches are mixed on the CPU, which is slower: install triton to mix them on the graphics card")
        return None
    free = torch.cuda.mem_get_info(device)[0]
    if bank.samples.nbytes > MOST_OF_MEMORY * free:
        log.warning("the stems do not fit into the graphics card's memory: they are mixed on the CPU, which is slower")
        return None
    return torch.from_numpy(np.array(bank.samples)).to(device)


class DeviceMixer:
    """Mixes the stems of a bank, whose samples are a tensor (N,) int16."""

    def __init__(self, bank: Bank, samples: Tensor, model: ModelConfig, framing: Framing) -> None:
        from training import device_kernels

        self.kernels: Any = device_kernels
        self.bank, self.samples, self.framing = bank, samples, framing
        self.device = samples.device
        self.window = torch.from_numpy(framing.window).float().to(self.device)
        self.octaves = octaves_of_bins(model, self.device)
        self.bins, self.mask_bins = model.bins, model.mask_bins
        self.runs = [
            (first, model.mask_edges[first], last - first, width, _lanes(last - first))
            for first, last, width in equal_neighbours(model.mask_edges)
        ]  # of mask bins: the first, its first FFT bin, their number, width, lanes for them

    def powers(self, clips: Clips) -> Tensor:
        """Powers (n, T, M) of clips, as the query encoder hears them."""
        return self._alone(self._sources(clips, np.ones((len(clips), 2), np.float32), np.zeros((len(clips), KNOTS))))

    def mix(self, plan: Mixes, clips_too: bool) -> Mixed:
        """Mix a plan; with `clips_too` the powers of its single clips come along."""
        size, slots = plan.slot_codes.shape
        frames = self.framing.frames
        number = plan.mix * slots + plan.slot
        order = np.argsort(number, kind="stable")
        targets, first = np.unique(number[order], return_index=True)
        sources = self._sources(plan.clips.take(order), plan.gains[order], plan.phases[order])
        both = torch.empty(size, frames, self.bins, 4, device=self.device)
        starts = np.searchsorted(plan.mix[order], np.arange(size + 1))
        power, side = self._sum_mixes(sources, starts, slots, both)
        cross = torch.zeros(size, slots, frames, self.mask_bins, device=self.device)
        own = torch.zeros(len(targets), frames, device=self.device)
        places = [self._sent(array) for array in (np.append(first, len(order)), targets // slots, targets % slots)]
        for low, bin_low, count, width, lanes in self.runs:
            self.kernels.sum_targets[(len(targets), frames)](
                *sources, *places, both, cross, own, frames, self.bins, self.mask_bins, slots, low, bin_low,
                count, MOST=slots, WIDTH=width, LANES=lanes,
            )  # fmt: skip
        energy = own.new_zeros(size * slots).index_copy(0, self._sent(targets), own.sum(1)).view(size, slots)
        clips = self._alone(sources)[self._sent(np.argsort(order))] if clips_too else None
        return Mixed(power, side, cross, energy, clips)

    def _sources(self, clips: Clips, gains: np.ndarray, phases: np.ndarray) -> tuple[Tensor, ...]:
        """What kernels read of n clips: spectra (n, T, F, 2), tones (n, F), turns (n, F, 2), gains (n, 2)."""
        shelves, bells = (self._sent(values).float() for values in (clips.shelves, clips.bells))
        tones = tone_gains(shelves, bells, self.octaves)
        turns = channel_turns(self._sent(phases).float(), self.octaves)
        return torch.view_as_real(self.spectra(clips)), tones, torch.view_as_real(turns), self._sent(gains)

    def _alone(self, sources: tuple[Tensor, ...]) -> Tensor:
        """Powers (n, T, M) of each of the sources by itself, whatever its level and place."""
        *sounds, gains = sources
        return self._sum_mixes((*sounds, torch.ones_like(gains)), np.arange(len(gains) + 1), 1, None)[0]

    def _sum_mixes(
        self, sources: tuple[Tensor, ...], first: np.ndarray, most: int, both: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Power and side (B, T, M) of mixes of at most so many clips; the channels go to `both` (B, T, F, 4)."""
        frames = self.framing.frames
        power = torch.empty(len(first) - 1, frames, self.mask_bins, device=self.device)
        side, starts = torch.empty_like(power), self._sent(first)
        for low, bin_low, count, width, lanes in self.runs:
            self.kernels.sum_mixes[(len(first) - 1, frames)](
                *sources, starts, power if both is None else both, power, side, frames, self.bins,
                self.mask_bins, low, bin_low, count, MOST=most, WIDTH=width, LANES=lanes, KEEP=both is not None,
            )  # fmt: skip
        return power, side

    def spectra(self, clips: Clips) -> Tensor:
        """(n, T, F) complex64 of clips as they are in the bank."""
        framing = self.framing
        places = [self._sent(table[clips.stems]) for table in (self.bank.starts, self.bank.lengths)]
        times = [self._sent(values) for values in (clips.start, clips.speed)]
        frames = torch.empty(len(clips), framing.frames, framing.length, device=self.device)
        self.kernels.read_frames[(len(clips), framing.frames)](
            self.samples, *places, *times, self.window, frames, HOP=framing.hop, LENGTH=framing.length
        )
        return torch.fft.rfft(frames)

    def _sent(self, array: np.ndarray) -> Tensor:
        """The same numbers on the device."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device, non_blocking=True)


def _lanes(count: int) -> int:
    """A power of two, as Triton wants it."""
    return max(FEWEST_LANES, 1 << (count - 1).bit_length())
