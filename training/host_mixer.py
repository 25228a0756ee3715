"""Plans mixed on the CPU, one mix after the other, by compiled kernels.

Threads: powers of single clips are computed by a pool that ends with the call; the caller blocks on it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.fft
import torch
from torch import Tensor

from training.bank import Bank
from training.config import clip_frames
from training.mixing import clip_powers, mix_statistics, read_at_speed
from training.plans import Clips, Mixes
from training.tones import channel_turns, octaves_of_bins, tone_gains
from vqss_engine.config import ModelConfig
from vqss_engine.stft import asymmetric_windows


@dataclass(frozen=True)
class Mixed:
    """What the losses need of mixes: power, side (B, T, M), cross (B, S, T, M), energy (B, S).

    `clips` (n, T, M) are the powers of the plan's single clips, where they were asked for.
    """

    power: Tensor
    side: Tensor
    cross: Tensor
    energy: Tensor
    clips: Tensor | None = None


class Framing:
    """Clips to spectra, framed and windowed as the stream will be."""

    def __init__(self, model: ModelConfig, clip_s: float) -> None:
        self.hop, self.length = model.train_hop, model.window
        self.window = asymmetric_windows(model.window, model.train_synthesis // 2, model.train_synthesis)[0]
        self.frames = clip_frames(clip_s, model)
        self.samples = (self.frames - 1) * self.hop + self.length
        self.edges = np.array(model.mask_edges, np.int64)

    def spectrum(self, clip: np.ndarray) -> np.ndarray:
        """(N,) -> (T, F) complex64."""
        frames = np.lib.stride_tricks.sliding_window_view(clip, self.length)[:: self.hop]
        return scipy.fft.rfft(frames * self.window, axis=-1)


class HostMixer:
    """Mixes the stems of a bank."""

    def __init__(self, bank: Bank, model: ModelConfig, framing: Framing) -> None:
        self.bank, self.model, self.framing = bank, model, framing
        self.octaves = octaves_of_bins(model, torch.device("cpu"))

    def spectra(self, clips: Clips) -> np.ndarray:
        """(n, T, F) complex64 of clips as they are in the bank."""
        out = np.empty((len(clips), self.framing.frames, self.model.bins), np.complex64)
        clip = np.empty(self.framing.samples, np.float32)
        for i, stem in enumerate(clips.stems):
            read_at_speed(self.bank.stem(int(stem)), float(clips.start[i]), float(clips.speed[i]), clip)
            out[i] = self.framing.spectrum(clip)
        return out

    def powers(self, clips: Clips) -> Tensor:
        """Powers (n, T, M) of clips, as the query encoder hears them."""
        tones = self._tones(clips)
        out = np.empty((len(clips), self.framing.frames, self.model.mask_bins), np.float32)

        def fill(i: int) -> None:
            clip_powers(self.spectra(clips.take(np.array([i])))[0], tones[i], self.framing.edges, out[i])

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(fill, range(len(clips))))
        return torch.from_numpy(out)

    def mix(self, plan: Mixes, clips_too: bool) -> Mixed:
        """Mix a plan; with `clips_too` the powers of its single clips come along."""
        size, slots = plan.slot_codes.shape
        shape = (self.framing.frames, self.model.mask_bins)
        power, side = np.empty((size, *shape), np.float32), np.empty((size, *shape), np.float32)
        cross, energy = np.zeros((size, slots, *shape), np.float32), np.zeros((size, slots), np.float32)
        clips = np.empty((len(plan.clips) if clips_too else 0, *shape), np.float32)
        tones = self._tones(plan.clips)
        turns = channel_turns(torch.from_numpy(plan.phases).float(), self.octaves).numpy()
        edges = self.framing.edges
        for i in range(size):
            rows = np.flatnonzero(plan.mix == i)
            spectra = self.spectra(plan.clips.take(rows))
            mix_statistics(
                spectra, tones[rows], turns[rows], plan.gains[rows], plan.slot[rows], edges,
                power[i], side[i], cross[i], energy[i],
            )  # fmt: skip
            if clips_too:
                for j, row in enumerate(rows):
                    clip_powers(spectra[j], tones[row], edges, clips[row])
        mixed = [torch.from_numpy(array) for array in (power, side, cross, energy, clips)]
        return Mixed(*mixed) if clips_too else Mixed(*mixed[:4])

    def _tones(self, clips: Clips) -> np.ndarray:
        shelves, bells = (torch.from_numpy(array).float() for array in (clips.shelves, clips.bells))
        gains: np.ndarray = tone_gains(shelves, bells, self.octaves).numpy()
        return gains
