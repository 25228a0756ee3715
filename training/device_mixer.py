"""Plans mixed on a graphics card, a whole batch at once: the stems lie in its memory, nothing waits for the host.

The same numbers as `host_mixer`, but for rounding.
"""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.bank import Bank
from training.host_mixer import Framing, Mixed
from training.plans import KNOTS, Clips, Mixes
from training.tones import channel_turns, octaves_of_bins, tone_gains
from vqss_engine.config import ModelConfig

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
        self.runs = _runs_of_equal_width(model.mask_edges)

    def powers(self, clips: Clips) -> Tensor:
        """Powers (n, T, M) of clips, as the query encoder hears them."""
        sources = _Sources(self, clips, np.ones((len(clips), 2), np.float32), np.zeros((len(clips), KNOTS)))
        return self._sum_mixes(sources, np.arange(len(clips) + 1), 1, None)[0]

    def mix(self, plan: Mixes, clips_too: bool) -> Mixed:
        """Mix a plan; with `clips_too` the powers of its single clips come along."""
        size, slots = plan.slot_codes.shape
        frames = self.framing.frames
        number = plan.mix * slots + plan.slot
        order = np.argsort(number, kind="stable")
        targets, first = np.unique(number[order], return_index=True)
        sources = _Sources(self, plan.clips.take(order), plan.gains[order], plan.phases[order])
        both = torch.empty(size, frames, self.bins, 4, device=self.device)
        starts = np.searchsorted(plan.mix[order], np.arange(size + 1))
        power, side = self._sum_mixes(sources, starts, slots, both)
        cross = torch.zeros(size, slots, frames, self.mask_bins, device=self.device)
        own = torch.zeros(len(targets), frames, device=self.device)
        places = [self.sent(array) for array in (np.append(first, len(order)), targets // slots, targets % slots)]
        for low, bin_low, count, width, lanes in self.runs:
            self.kernels.sum_targets[(len(targets), frames)](
                *sources.arrays, *places, both, cross, own, frames, self.bins, self.mask_bins, slots, low, bin_low,
                count, MOST=slots, WIDTH=width, LANES=lanes,
            )  # fmt: skip
        energy = own.new_zeros(size * slots).index_copy(0, self.sent(targets), own.sum(1)).view(size, slots)
        return Mixed(power, side, cross, energy, self.powers(plan.clips) if clips_too else None)

    def _sum_mixes(self, sources: _Sources, first: np.ndarray, most: int, both: Tensor | None) -> tuple[Tensor, Tensor]:
        """Power and side (B, T, M) of mixes of at most so many clips; the channels go to `both` (B, T, F, 4)."""
        frames = self.framing.frames
        power = torch.empty(len(first) - 1, frames, self.mask_bins, device=self.device)
        side, starts = torch.empty_like(power), self.sent(first)
        for low, bin_low, count, width, lanes in self.runs:
            self.kernels.sum_mixes[(len(first) - 1, frames)](
                *sources.arrays, starts, power if both is None else both, power, side, frames, self.bins,
                self.mask_bins, low, bin_low, count, MOST=most, WIDTH=width, LANES=lanes, KEEP=both is not None,
            )  # fmt: skip
        return power, side

    def spectra(self, clips: Clips) -> Tensor:
        """(n, T, F) complex64 of clips as they are in the bank."""
        framing = self.framing
        places = [self.sent(table[clips.stems]) for table in (self.bank.starts, self.bank.lengths)]
        times = [self.sent(values) for values in (clips.start, clips.speed)]
        frames = torch.empty(len(clips), framing.frames, framing.length, device=self.device)
        self.kernels.read_frames[(len(clips), framing.frames)](
            self.samples, *places, *times, self.window, frames, HOP=framing.hop, LENGTH=framing.length
        )
        return torch.fft.rfft(frames)

    def sent(self, array: np.ndarray) -> Tensor:
        """The same numbers on the device."""
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        return tensor.to(self.device, non_blocking=True)


class _Sources:
    """What kernels read of n clips: spectra (n, T, F, 2), tones (n, F), turns (n, F, 2), gains (n, 2)."""

    def __init__(self, mixer: DeviceMixer, clips: Clips, gains: np.ndarray, phases: np.ndarray) -> None:
        shelves, bells = (mixer.sent(values).float() for values in (clips.shelves, clips.bells))
        tones = tone_gains(shelves, bells, mixer.octaves)
        turns = channel_turns(mixer.sent(phases).float(), mixer.octaves)
        spectra = torch.view_as_real(mixer.spectra(clips))
        self.arrays = spectra, tones, torch.view_as_real(turns), mixer.sent(gains)


def _runs_of_equal_width(edges: tuple[int, ...]) -> list[tuple[int, int, int, int, int]]:
    """Neighbouring mask bins of equal width: first of them, its first FFT bin, their number, width, lanes for them."""
    runs: list[list[int]] = []
    for mask_bin, (low, high) in enumerate(pairwise(edges)):
        if runs and runs[-1][3] == high - low:
            runs[-1][2] += 1
        else:
            runs.append([mask_bin, low, 1, high - low])
    return [(*run, max(FEWEST_LANES, 1 << (run[2] - 1).bit_length())) for run in runs]  # type: ignore[misc]
