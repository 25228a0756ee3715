"""Endless mixes from a bank of stems. Step n of a seed is always the same batch, whoever asks and when.

Threads: `prefetch` draws in a daemon thread of its own, which may block on its queue of two batches; the
training loop blocks on the same queue.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import numpy as np
import scipy.fft
import torch
from torch import Tensor

from training.bank import ACTIVITY_BLOCK, SILENT_RMS, Bank
from training.config import DataConfig
from training.mixing import clip_powers, mix_statistics, read_at_speed
from vqss_engine.config import ModelConfig
from vqss_engine.stft import asymmetric_windows

TRIES = 8  # for a crop in which the stem plays, before one is made around a place where it does


@dataclass(frozen=True)
class Batch:
    """What one step learns from; nothing here says what an instrument is called.

    power, side (B, T, M); cross (B, S, T, M) and energy (B, S) of each target slot; present (B, S) bool;
    slot_codes (B, S) int64 (discover: -1); query, other (Q, T, M) powers of two clips of the same stem, with
    owner (Q, 2), the mix and slot the stem is in. Query clips are only drawn for discovery.
    """

    power: Tensor
    side: Tensor
    cross: Tensor
    energy: Tensor
    present: Tensor
    slot_codes: Tensor
    query: Tensor | None = None
    other: Tensor | None = None
    owner: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        moved = {key: None if value is None else value.to(device) for key, value in vars(self).items()}
        return Batch(**moved)  # type: ignore[arg-type]


class Framing:
    """Clips to spectra, framed and windowed as the stream will be."""

    def __init__(self, model: ModelConfig, clip_s: float) -> None:
        self.hop, self.length = model.train_hop, model.window
        self.window = asymmetric_windows(model.window, model.train_synthesis // 2, model.train_synthesis)[0]
        self.frames = max(2, round(clip_s * model.sample_rate / self.hop))
        self.samples = (self.frames - 1) * self.hop + self.length
        self.edges = np.array(model.mask_edges, np.int64)

    def spectrum(self, clip: np.ndarray) -> np.ndarray:
        """(N,) -> (T, F) complex64."""
        frames = np.lib.stride_tricks.sliding_window_view(clip, self.length)[:: self.hop]
        return scipy.fft.rfft(frames * self.window, axis=-1)


class MixSampler:
    """Draws batches of mixes from a bank.

    With `codes` (one per stem of the bank) the targets of a mix are its codes, else its single stems.
    """

    def __init__(
        self, bank: Bank, data: DataConfig, model: ModelConfig, seed: int, codes: np.ndarray | None = None
    ) -> None:
        self.bank, self.data, self.model, self.seed, self.codes = bank, data, model, seed, codes
        self.framing = Framing(model, data.clip_s)
        self.by_song = [np.flatnonzero(bank.songs == song) for song in np.unique(bank.songs)]
        groups = np.arange(len(bank)) if codes is None else codes
        self.by_code = [np.flatnonzero(groups == group) for group in np.unique(groups)]
        octaves = np.log2(np.maximum(np.arange(model.bins), 1) * model.sample_rate / model.window)
        self.octaves = octaves.astype(np.float32)

    def batch(self, step: int, size: int, rank: int = 0, ranks: int = 1) -> Batch:
        """This rank's share (every `ranks`-th) of the `size` mixes that belong to this step."""
        numbers = range(rank, size, ranks)
        size = len(numbers)
        slots = self.data.stems_max
        shape = (self.framing.frames, self.model.mask_bins)
        power, side = np.empty((size, *shape), np.float32), np.empty((size, *shape), np.float32)
        cross = np.zeros((size, slots, *shape), np.float32)
        energy = np.zeros((size, slots), np.float32)
        slot_codes = np.full((size, slots), -1, np.int64)
        queries: list[tuple[np.ndarray, np.ndarray, int, int]] = []
        for i, number in enumerate(numbers):
            rng = np.random.default_rng([self.seed, step, number])
            stems, coherent = self._choose(rng)
            targets = self._slots(stems, slot_codes[i])
            spectra, tone, gains, turn = self._render(rng, stems, coherent)
            mix_statistics(
                spectra, tone, turn, gains, targets, self.framing.edges, power[i], side[i], cross[i], energy[i]
            )
            if self.codes is None:
                queries += [(*self._pair(rng, s, spectra[j], tone[j]), i, j) for j, s in enumerate(stems)]
        return self._collect(power, side, cross, energy, slot_codes, queries)

    def _collect(
        self,
        power: np.ndarray,
        side: np.ndarray,
        cross: np.ndarray,
        energy: np.ndarray,
        slot_codes: np.ndarray,
        queries: list[tuple[np.ndarray, np.ndarray, int, int]],
    ) -> Batch:
        heard = energy > 1e-4 * energy.max(axis=1, keepdims=True)
        arrays = (power, side, cross, energy, heard, slot_codes)
        batch = [torch.from_numpy(array) for array in arrays]
        if queries:
            batch += [torch.from_numpy(np.stack([q[k] for q in queries])) for k in (0, 1)]
            batch.append(torch.tensor([q[2:] for q in queries]))
        return Batch(*batch)

    def _choose(self, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
        count = int(rng.integers(self.data.stems_min, self.data.stems_max + 1))
        if rng.random() < self.data.coherent:
            song = self.by_song[rng.integers(len(self.by_song))]
            return rng.permutation(song)[:count], True
        groups = rng.choice(len(self.by_code), min(count, len(self.by_code)), replace=False)
        return np.array([rng.choice(self.by_code[group]) for group in groups]), False

    def _slots(self, stems: np.ndarray, slot_codes: np.ndarray) -> np.ndarray:
        if self.codes is None:
            return np.arange(len(stems))
        present, slots = np.unique(self.codes[stems], return_inverse=True)
        slot_codes[: len(present)] = present
        return slots.astype(np.int64)

    def _render(
        self, rng: np.random.Generator, stems: np.ndarray, coherent: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        count, bins = len(stems), self.model.bins
        spectra = np.empty((count, self.framing.frames, bins), np.complex64)
        gains = np.empty((count, 2), np.float32)
        speed = self._speed(rng)
        longest = int(self.bank.lengths[stems].max())
        start = float(rng.random()) * self._room(longest, speed)
        for j, stem in enumerate(stems):
            own = speed if coherent else self._speed(rng)
            together = coherent and self._plays(stem, start, own)
            spectra[j] = self.framing.spectrum(self._clip(rng, int(stem), own, start if together else None))
            gains[j] = self._gains(rng, int(stem), coherent)
        tone = np.stack([self._tone(rng) for _ in stems])
        turn = np.stack([self._turn(rng) for _ in stems])
        return spectra, tone, gains, turn

    def _speed(self, rng: np.random.Generator) -> float:
        return float(rng.uniform(1 - self.data.speed_range, 1 + self.data.speed_range))

    def _room(self, length: int, speed: float) -> float:
        """So many of a stem's samples a clip may begin after its first."""
        return max(0.0, length - self.framing.samples * speed)

    def _plays(self, stem: int, start: float, speed: float) -> bool:
        """Whether a stem sounds in a clip that begins at its sample `start`."""
        blocks = self.bank.stem_activity(stem)
        first, reach = (int(samples / ACTIVITY_BLOCK) for samples in (start, self.framing.samples * speed))
        return bool(blocks[first : first + max(1, reach)].max(initial=0.0) > SILENT_RMS)

    def _clip(self, rng: np.random.Generator, stem: int, speed: float, start: float | None = None) -> np.ndarray:
        samples = self.bank.stem(stem)
        room = self._room(len(samples), speed)
        for _ in range(TRIES):
            if start is not None:
                break
            guess = float(rng.random()) * room
            if self._plays(stem, guess, speed):
                start = guess
        if start is None:
            start = self._sounding_start(rng, stem, speed, room)
        clip = np.empty(self.framing.samples, np.float32)
        read_at_speed(samples, start, speed, clip)
        return clip

    def _sounding_start(self, rng: np.random.Generator, stem: int, speed: float, room: float) -> float:
        """Where a crop may begin, 0 … room, that holds some block in which a stem plays; 0 where it never does."""
        sounding = np.flatnonzero(self.bank.stem_activity(stem) > SILENT_RMS)
        if not len(sounding):  # part of a stem that was split
            return 0.0
        before = rng.random() * max(0.0, self.framing.samples * speed - ACTIVITY_BLOCK)
        return float(np.clip(rng.choice(sounding) * ACTIVITY_BLOCK - before, 0.0, room))

    def _gains(self, rng: np.random.Generator, stem: int, coherent: bool) -> np.ndarray:
        spread_db = rng.normal(0.0, self.data.gain_spread_db)
        level = 1.0 if coherent else 0.1 / max(float(self.bank.rms[stem]), SILENT_RMS)
        pan = np.clip(rng.normal(0.0, 0.45), -1, 1) if rng.random() < 0.6 else 0.0
        gain = level * 10 ** (spread_db / 20)
        return np.array([gain * min(1.0, 1 - pan), gain * min(1.0, 1 + pan)], np.float32)

    def _tone(self, rng: np.random.Generator) -> np.ndarray:
        """A random equaliser: two shelves and two bells over log frequency."""
        gain_db = np.zeros_like(self.octaves)
        for sign in (-1, 1):
            edge = rng.uniform(6.5, 9.5) if sign < 0 else rng.uniform(10.5, 13.5)
            gain_db += rng.normal(0, self.data.eq_db) / (1 + np.exp(-4 * sign * (self.octaves - edge)))
        for _ in range(2):
            centre, width = rng.uniform(6.5, 13.5), rng.uniform(0.3, 1.2)
            gain_db += rng.normal(0, self.data.eq_db) * np.exp(-(((self.octaves - centre) / width) ** 2))
        return np.asarray(10 ** (gain_db / 20), np.float32)

    def _turn(self, rng: np.random.Generator) -> np.ndarray:
        """Phase of the right channel against the left: none, or a smooth random walk over log frequency."""
        if rng.random() > self.data.wide:
            return np.ones(self.model.bins, np.complex64)
        knots = np.cumsum(rng.normal(0, 1.0, 24)) * rng.uniform(0.2, 1.0)
        phase = np.interp(self.octaves, np.linspace(4, 15, 24), knots)
        return np.exp(1j * phase).astype(np.complex64)

    def _pair(
        self, rng: np.random.Generator, stem: int, spectrum: np.ndarray, tone: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        query = self.query_powers(stem, rng)
        other = np.empty_like(query)
        clip_powers(spectrum, tone, self.framing.edges, other)
        return query, other

    def query_powers(self, stem: int, rng: np.random.Generator) -> np.ndarray:
        """Powers (T, M) of a random clip of a stem, as the query encoder hears it."""
        spectrum = self.framing.spectrum(self._clip(rng, stem, self._speed(rng)))
        out = np.empty((self.framing.frames, self.model.mask_bins), np.float32)
        clip_powers(spectrum, self._tone(rng), self.framing.edges, out)
        return out


class Movable(Protocol):
    """A batch of any kind."""

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        ...


Drawn = TypeVar("Drawn", bound=Movable, covariant=True)


class Sampler(Protocol[Drawn]):
    """What draws the batch of a step, the same for the same step."""

    def batch(self, step: int, size: int, rank: int = 0, ranks: int = 1) -> Drawn:
        """This rank's share of a step's batch of `size`."""
        ...


def prefetch(
    sampler: Sampler[Drawn], first: int, last: int, size: int, rank: int = 0, ranks: int = 1
) -> Iterator[Drawn]:
    """This rank's batches of steps first … last - 1, drawn ahead by a thread of their own."""
    ready: queue.Queue[Drawn | BaseException] = queue.Queue(maxsize=2)
    stop = threading.Event()

    def offer(item: Drawn | BaseException) -> None:
        while not stop.is_set():
            try:
                return ready.put(item, timeout=0.2)
            except queue.Full:
                continue

    def draw() -> None:
        try:
            for step in range(first, last):
                if stop.is_set():
                    return
                offer(sampler.batch(step, size, rank, ranks))
        except BaseException as error:  # handed to the consumer, who raises it
            offer(error)

    thread = threading.Thread(target=draw, name="batches", daemon=True)
    thread.start()
    try:
        for _ in range(first, last):
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
