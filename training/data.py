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
import torch
from torch import Tensor

from training.bank import Bank
from training.config import DataConfig
from training.device_mixer import DeviceMixer
from training.host_mixer import Framing, HostMixer
from training.plans import Planner
from vqss_engine.config import ModelConfig


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


class MixSampler:
    """Draws batches of mixes from a bank.

    With `codes` (one per stem of the bank) the targets of a mix are its codes, else its single stems. With `samples`,
    the bank's samples in the memory of a graphics card, they are mixed there and batches are there.
    """

    def __init__(
        self,
        bank: Bank,
        data: DataConfig,
        model: ModelConfig,
        seed: int,
        codes: np.ndarray | None = None,
        samples: Tensor | None = None,
    ) -> None:
        self.bank, self.data, self.model, self.seed, self.codes = bank, data, model, seed, codes
        framing = Framing(model, data.clip_s)
        self.planner = Planner(bank, data, framing.samples, codes)
        self.mixer = (
            HostMixer(bank, model, framing) if samples is None else DeviceMixer(bank, samples, model, framing)
        )

    def batch(self, step: int, size: int, rank: int = 0, ranks: int = 1) -> Batch:
        """This rank's share (every `ranks`-th) of the `size` mixes that belong to this step."""
        rng = np.random.default_rng([self.seed, step])
        plan = self.planner.mixes(rng, size)
        again = None if self.codes is not None else self.planner.clips(rng, plan.clips.stems)
        mine = plan.mix % ranks == rank
        plan = plan.share(rank, ranks)
        mixed = self.mixer.mix(plan, clips_too=again is not None)
        heard = mixed.energy > 1e-4 * mixed.energy.amax(dim=1, keepdim=True)
        device = mixed.power.device
        slot_codes = torch.from_numpy(plan.slot_codes).to(device)
        batch = [mixed.power, mixed.side, mixed.cross, mixed.energy, heard, slot_codes]
        if again is not None:
            assert mixed.clips is not None
            owner = torch.from_numpy(np.stack([plan.mix, plan.slot], axis=1)).to(device)
            batch += [self.mixer.powers(again.take(mine)), mixed.clips, owner]
        return Batch(*batch)

    def query_powers(self, stems: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Powers (n, T, M) of a random clip of each of `stems` (n,), as the query encoder hears them."""
        return self.mixer.powers(self.planner.clips(rng, stems))


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
