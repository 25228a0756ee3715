"""What a step mixes, drawn for the whole batch at once: numbers only, and alike for every device that mixes it.

A plan names stems, places, speeds, levels and tones. `host_mixer` and `device_mixer` turn it into what the losses need.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from training.bank import ACTIVITY_BLOCK, SILENT_RMS, Bank
from training.config import DataConfig

TRIES = 8  # for a crop in which the stem plays, before one is made around a place where it does
KNOTS = 24  # of the phase between the channels, over log frequency


@dataclass(frozen=True)
class Clips:
    """Clips of stems (n of them), each with a tone of its own.

    stems (n,) int64; start (n,) samples of the stem; speed (n,); shelves (n, 2, 2), a low and a high one, each its edge
    in octaves above 1 Hz and its gain in dB; bells (n, 2, 3), each its centre and width in octaves and its gain in dB.
    """

    stems: np.ndarray
    start: np.ndarray
    speed: np.ndarray
    shelves: np.ndarray
    bells: np.ndarray

    def __len__(self) -> int:
        return len(self.stems)

    def take(self, rows: np.ndarray) -> Self:
        """Some of the clips, by number or mask."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True)
class Mixes:
    """Mixes (B of them) of clips.

    mix (n,) and slot (n,) int64: which target of which mix a clip is part of; gains (n, 2) of the channels; phases
    (n, KNOTS) of the right channel against the left; slot_codes (B, S) int64, the code of a target (-1: none).
    """

    clips: Clips
    mix: np.ndarray
    slot: np.ndarray
    gains: np.ndarray
    phases: np.ndarray
    slot_codes: np.ndarray

    def share(self, rank: int, ranks: int) -> Mixes:
        """Every `ranks`-th mix, from `rank` on."""
        mine = self.mix % ranks == rank
        return Mixes(
            self.clips.take(mine),
            self.mix[mine] // ranks,
            self.slot[mine],
            self.gains[mine],
            self.phases[mine],
            self.slot_codes[rank::ranks],
        )


class Planner:
    """Draws plans for clips of so many samples from a bank.

    With `codes` (one per stem of the bank) the targets of a mix are its codes, else its single stems.
    """

    def __init__(self, bank: Bank, data: DataConfig, samples: int, codes: np.ndarray | None) -> None:
        self.bank, self.data, self.samples, self.codes = bank, data, samples, codes
        self.by_song = _members_by(bank.songs)
        self.by_code = _members_by(np.arange(len(bank)) if codes is None else codes)
        sounding = [bank.stem_activity(stem) > SILENT_RMS for stem in range(len(bank))]
        self._first = np.concatenate([[0], np.cumsum([len(blocks) for blocks in sounding])])
        flags = np.concatenate(sounding)
        self._sounding = np.append(np.flatnonzero(flags), 0)  # blocks of the whole bank in which a stem plays; an end
        self._before = np.concatenate([[0], np.cumsum(flags)])  # how many of them come before a block

    def clips(self, rng: np.random.Generator, stems: np.ndarray) -> Clips:
        """A random clip of each of `stems` (n,)."""
        speed = self._speed(rng, len(stems))
        return Clips(stems, self._start(rng, stems, speed), speed, *self._tone(rng, len(stems)))

    def any_of(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Random stems (size,), every code as often as any other."""
        return self._members(rng, rng.integers(len(self.by_code), size=size))

    def mixes(self, rng: np.random.Generator, size: int) -> Mixes:
        """A batch of `size` mixes."""
        coherent = rng.random(size) < self.data.coherent
        chosen = self._choose(rng, coherent)  # (B, J), -1: none
        slots, slot_codes = self._targets(chosen)
        valid = chosen >= 0
        mix, place = np.nonzero(valid)
        stems, together = chosen[valid], coherent[mix]
        pace = self._speed(rng, size)
        speed = np.where(together, pace[mix], self._speed(rng, len(stems)))
        longest = np.where(valid, self.bank.lengths[chosen], 0).max(axis=1)
        common = (rng.random(size) * self._room(longest, pace))[mix]
        start = np.where(
            together & self._plays(stems, common, speed), common, self._start(rng, stems, speed)
        )
        clips = Clips(stems, start, speed, *self._tone(rng, len(stems)))
        gains, phases = self._gains(rng, stems, together), self._phases(rng, len(stems))
        return Mixes(clips, mix, slots[mix, place], gains, phases, slot_codes)

    def _choose(self, rng: np.random.Generator, coherent: np.ndarray) -> np.ndarray:
        """Stems (B, J) of every mix, -1 where there is none: of one song, or each of another code."""
        size, most = len(coherent), self.data.stems_max
        count = rng.integers(self.data.stems_min, most + 1, size)
        songs = self.by_song[rng.integers(len(self.by_song), size=size)]
        order = np.argsort(np.where(songs < 0, 2.0, rng.random(songs.shape)), axis=1)
        chosen = np.full((size, most), -1, np.int64)
        own = np.take_along_axis(songs, order, axis=1)[:, :most]
        chosen[:, : own.shape[1]] = own
        for i in np.flatnonzero(~coherent):
            some = min(count[i], len(self.by_code))
            groups = rng.choice(len(self.by_code), some, replace=False, shuffle=False)
            chosen[i, :some] = self._members(rng, groups)
            count[i] = some
        chosen[np.arange(most) >= count[:, None]] = -1
        return chosen

    def _members(self, rng: np.random.Generator, groups: np.ndarray) -> np.ndarray:
        """A random stem of each group (n,)."""
        members = self.by_code[groups]
        return members[np.arange(len(groups)), (rng.random(len(groups)) * (members >= 0).sum(1)).astype(np.int64)]

    def _targets(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which target each stem (B, J) is part of, and the code of each target (B, S)."""
        slot_codes = np.full(chosen.shape, -1, np.int64)
        if self.codes is None:
            return np.broadcast_to(np.arange(chosen.shape[1]), chosen.shape), slot_codes
        last = int(self.codes.max()) + 1
        codes = np.where(chosen < 0, last, self.codes[chosen])
        order = np.argsort(codes, axis=1, kind="stable")
        ranked = np.take_along_axis(codes, order, axis=1)
        number = np.cumsum(np.diff(ranked, axis=1, prepend=ranked[:, :1]) > 0, axis=1, dtype=np.int64)
        slots = np.empty_like(chosen)
        np.put_along_axis(slots, order, number, axis=1)
        np.put_along_axis(slot_codes, number, np.where(ranked == last, -1, ranked), axis=1)
        return slots, slot_codes

    def _speed(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return rng.uniform(1 - self.data.speed_range, 1 + self.data.speed_range, count)

    def _room(self, lengths: np.ndarray, speed: np.ndarray) -> np.ndarray:
        """So many of a stem's samples a clip may begin after its first."""
        return np.maximum(0.0, lengths - self.samples * speed)

    def _plays(self, stems: np.ndarray, start: np.ndarray, speed: np.ndarray) -> np.ndarray:
        """Whether each stem sounds in a clip that begins at its sample `start`."""
        first, end = self._first[stems], self._first[stems + 1]
        low = np.minimum(first + (start / ACTIVITY_BLOCK).astype(np.int64), end)
        reach = np.maximum(1, (self.samples * speed / ACTIVITY_BLOCK).astype(np.int64))
        return np.asarray(self._before[np.minimum(low + reach, end)] > self._before[low])

    def _start(self, rng: np.random.Generator, stems: np.ndarray, speed: np.ndarray) -> np.ndarray:
        """Where a clip of each stem begins, so that it is heard; 0 where a stem never is."""
        room = self._room(self.bank.lengths[stems], speed)
        start = self._around_sound(rng, stems, speed, room)
        found = np.zeros(len(stems), bool)
        for _ in range(TRIES):
            guess = rng.random(len(stems)) * room
            good = ~found & self._plays(stems, guess, speed)
            start, found = np.where(good, guess, start), found | good
        return start

    def _around_sound(
        self, rng: np.random.Generator, stems: np.ndarray, speed: np.ndarray, room: np.ndarray
    ) -> np.ndarray:
        """Where crops may begin, 0 … room, that hold some block in which their stem plays."""
        earlier = self._before[self._first[stems]]
        count = self._before[self._first[stems + 1]] - earlier
        pick = earlier + (rng.random(len(stems)) * count).astype(np.int64)
        block = self._sounding[pick] - self._first[stems]
        lead = rng.random(len(stems)) * np.maximum(0.0, self.samples * speed - ACTIVITY_BLOCK)
        return np.where(count > 0, np.clip(block * ACTIVITY_BLOCK - lead, 0.0, room), 0.0)

    def _gains(self, rng: np.random.Generator, stems: np.ndarray, coherent: np.ndarray) -> np.ndarray:
        count = len(stems)
        level = np.where(coherent, 1.0, 0.1 / np.maximum(self.bank.rms[stems], SILENT_RMS))
        gain = level * 10 ** (rng.normal(0.0, self.data.gain_spread_db, count) / 20)
        pan = np.where(rng.random(count) < 0.6, np.clip(rng.normal(0.0, 0.45, count), -1, 1), 0.0)
        return np.stack([gain * np.minimum(1.0, 1 - pan), gain * np.minimum(1.0, 1 + pan)], axis=1).astype(np.float32)

    def _tone(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """A random equaliser a clip: two shelves and two bells over log frequency."""
        edges = rng.uniform((6.5, 10.5), (9.5, 13.5), (count, 2))
        shelves = np.stack([edges, rng.normal(0, self.data.eq_db, (count, 2))], axis=-1)
        centres, widths = rng.uniform(6.5, 13.5, (count, 2)), rng.uniform(0.3, 1.2, (count, 2))
        return shelves, np.stack([centres, widths, rng.normal(0, self.data.eq_db, (count, 2))], axis=-1)

    def _phases(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """The right channel against the left: in phase, or a smooth random walk over log frequency."""
        walk = np.cumsum(rng.normal(0, 1.0, (count, KNOTS)), axis=1) * rng.uniform(0.2, 1.0, (count, 1))
        return np.where(rng.random((count, 1)) < self.data.wide, walk, 0.0)


def _members_by(labels: np.ndarray) -> np.ndarray:
    """The numbers of what has each label, a row a label in their order, -1 after the last."""
    _, row, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(row, kind="stable")
    column = np.arange(len(labels)) - (np.cumsum(counts) - counts)[row[order]]
    out = np.full((len(counts), counts.max()), -1, np.int64)
    out[row[order], column] = order
    return out
