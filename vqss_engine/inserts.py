"""Effects on clusters and on the main output: kept in step with each other, and survived when they fail."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vqss_engine import fx_addresses
from vqss_engine.crossfade import Crossfade, Splice
from vqss_engine.delay import DelayLine
from vqss_engine.errors import VQSSError
from vqss_engine.mixer import Layout

Floats = NDArray[np.float32]

MAIN = fx_addresses.MAIN
"""The key of the insert on the main output; those on clusters have the cluster's number."""

LONGEST_LATENCY = 1 << 16
"""The largest latency of an insert, in samples."""

_SHORTEST_REST_S, _LONGEST_REST_S = 1.0, 60.0


class Insert(Protocol):
    """An effect: hops (C, H) float32 in, hops of the same shape out, delayed by `latency_samples`."""

    @property
    def latency_samples(self) -> int: ...
    def process(self, block: Floats) -> Floats: ...
    def reset(self) -> None: ...


class InsertFault(Exception):
    """An insert returned what cannot be played."""


class InsertLate(InsertFault):
    """An insert took longer than its deadline."""


class Deadline:
    """How long inserts may take for a hop: `seconds` (None: any time), or any time at all while `waived`.

    Whoever runs an engine waives it while nothing hurries: JACK freewheeling, a clock that runs free. Both are plain
    attributes, set on any thread; the audio's reads `limit_s`.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds, self.waived = seconds, False

    @property
    def limit_s(self) -> float | None:
        """What counts now; None: any time."""
        return None if self.waived else self.seconds


class Slot:
    """One insert in its place, delayed so that it lags by `delay` samples in all, whether it works or not.

    An insert that raises, returns another shape or a non-finite sample, or takes longer than `deadline`, is
    replaced within the hop by its unprocessed input; `report` is told. It is reset and tried again after a
    second, after two when it fails again, and so on up to a minute; one that was late, as soon as it may be.
    """

    def __init__(
        self,
        name: str,
        insert: Insert,
        layout: Layout,
        delay: int,
        report: Callable[[str], None],
        deadline: Deadline,
    ) -> None:
        self.bypass = False
        self._name, self._insert, self._report, self._deadline = name, insert, report, deadline
        self._layout, lead, hop = layout, (layout.channels,), layout.hop
        self._align = DelayLine(lead, hop, delay - insert.latency_samples)
        self._plain = DelayLine(lead, hop, delay)
        self._fade, self._splice = Crossfade(hop, layout.fade_hops), Splice(lead, hop)
        self._given: Floats = np.zeros((*lead, hop), np.float32)
        self._wet: Floats = np.zeros((*lead, hop), np.float32)
        self._dry: Floats = np.zeros((*lead, hop), np.float32)
        self._warm_hops = 1 + math.ceil(delay / hop)
        self._wait, self._rest_s, self._used, self._late = 0, _SHORTEST_REST_S, False, False

    def process(self, block: Floats, out: Floats) -> Floats:
        """Take one hop (C, H) and fill `out` with the processed one."""
        self._used = True
        # without latency the input is the dry signal, unless it is overwritten
        still = not self._plain.latency_samples and out is not block
        dry = block if still else self._plain.process(block, self._dry)
        if self._late and self._deadline.limit_s is None:
            self._late, self._wait = False, min(self._wait, self._warm_hops)
        wet = self._run(block) if self._wait <= self._warm_hops else dry
        dry_wanted = self.bypass or self._wait > 0
        self._wait = max(0, self._wait - 1)
        self._fade.advance(1.0 if dry_wanted else 0.0)
        return self._splice.mix(self._fade, wet, dry, out)

    def _run(self, block: Floats) -> Floats | None:
        """The processed and aligned hop, or None if the insert failed."""
        try:
            wet = self._checked(block)
            return self._align.process(wet, self._wet) if self._align.latency_samples else wet
        except Exception as error:
            kind = "" if isinstance(error, InsertFault) else f"{type(error).__name__}: "
            rest_s, self._rest_s = self._rest_s, min(2.0 * self._rest_s, _LONGEST_REST_S)
            self._report(f"effects on {self._name} failed; unprocessed for {rest_s:g} s ({kind}{error})")
            self._wait = self._warm_hops + self._layout.hops(rest_s)
            self._late = isinstance(error, InsertLate)
            self._restart()
            return None

    def _checked(self, block: Floats) -> Floats:
        self._given[...] = block  # an insert may work in place; the stem is also somebody else's
        began = time.perf_counter()
        result = self._insert.process(self._given)
        took_s = time.perf_counter() - began
        limit_s = self._deadline.limit_s
        if limit_s is not None and took_s > limit_s:
            raise InsertLate(f"took {1000 * took_s:.0f} ms")
        if np.shape(result) != block.shape:
            raise InsertFault(f"returned shape {np.shape(result)} for {block.shape}")
        if not math.isfinite(np.add.reduce(result, axis=None)):
            raise InsertFault("returned non-finite samples")
        return result

    def _restart(self) -> None:
        self._align.reset()
        try:
            self._insert.reset()
        except Exception as error:
            self._report(f"effects on {self._name} cannot be reset ({type(error).__name__}: {error})")

    def skip(self) -> None:
        """No hop this time: what sounded on in the insert is dropped."""
        if self._used:
            self.reset()

    def reset(self) -> None:
        """Forget all sound, and failures."""
        self._restart()
        self._plain.reset()
        self._splice.reset()
        self._fade.jump(1.0 if self.bypass else 0.0)
        self._wait, self._rest_s, self._used, self._late = 0, _SHORTEST_REST_S, False, False


class InsertSet:
    """All inserts of a mixer with K clusters, built whole so that it can be swapped whole.

    Clusters are delayed to the longest latency among their inserts, so they stay aligned to the sample;
    `latency_samples` is that and the main insert's. `rows` (K, C, H) are the clusters after effects and faders,
    `wet` (C, H) is their sum after the main insert; both are views of this hop. With `multi`, `rows` are also
    delayed by the main insert's latency, so that tracks and main stay in step.
    """

    def __init__(
        self,
        inserts: Mapping[int | str, Insert],
        layout: Layout,
        report: Callable[[str], None],
        deadline: Deadline | None = None,
        multi: bool = False,
    ) -> None:
        clusters, channels, hop = layout.clusters, layout.channels, layout.hop
        latencies = {key: _latency(key, insert, clusters) for key, insert in inserts.items()}
        main_latency = latencies.pop(MAIN, 0)
        align = max(latencies.values(), default=0)
        self.latency_samples = align + main_latency
        self.held_hops = math.ceil(align / hop) + 1     # after which nothing of a cluster is on its way any more
        self.owned = np.zeros(clusters, bool)
        self.owned[[key for key in latencies if isinstance(key, int)]] = True
        self.slots: dict[int | str, Slot] = {}
        for key, insert in inserts.items():
            name, delay = (MAIN, main_latency) if key == MAIN else (f"cluster {key}", align)
            self.slots[key] = Slot(name, insert, layout, delay, report, deadline or Deadline())
        self.rows: Floats = np.zeros((clusters, channels, hop), np.float32)
        self.wet: Floats = np.zeros((channels, hop), np.float32)
        self._base = DelayLine((channels,), hop, align)
        self._delayed_base: Floats = np.zeros((channels, hop), np.float32)
        self._rows = DelayLine((clusters, channels), hop, align)
        self._filled = np.zeros(clusters, bool)
        self._late_rows = DelayLine((clusters, channels), hop, main_latency) if multi and main_latency else None

    def process(self, base: Floats | None, stems: Floats | None, active: NDArray[np.bool_], gains: Floats) -> None:
        """Fill `rows` and `wet` from one hop.

        base (C, H): what is mixed already, or None. stems (K, C, H): the clusters that are not in it, or None
        where all are. active (K,): which of them sound on; what is held back of the others is forgotten. gains (K, C,
        H or 1): the faders of the stems.
        """
        if stems is not None:
            self._process_rows(stems, active, gains)
            np.sum(self.rows, axis=0, out=self.wet)
        else:
            self.wet[...] = 0.0
        if base is not None:
            self.wet += self._base.process(base, self._delayed_base)
        if MAIN in self.slots:
            self.slots[MAIN].process(self.wet, self.wet)
        if self._late_rows:
            self._late_rows.process(self.rows, self.rows)

    def _process_rows(self, stems: Floats, active: NDArray[np.bool_], gains: Floats) -> None:
        if (rests := self._filled & ~active).any():     # or a part of it would be heard after the fader opens again
            self._rows.silence(rests)
        self._filled[...] = active
        self._rows.process(stems, self.rows)
        for key, slot in self.slots.items():
            if isinstance(key, int) and active[key]:
                slot.process(stems[key], self.rows[key])
            elif isinstance(key, int):
                slot.skip()
        self.rows *= gains

    def reset(self) -> None:
        """Forget all sound."""
        for slot in self.slots.values():
            slot.reset()
        self._base.reset()
        self._rows.reset()
        if self._late_rows:
            self._late_rows.reset()


def _latency(key: int | str, insert: Insert, clusters: int) -> int:
    """The latency of an insert; raises VQSSError where it or its place is impossible."""
    if key != MAIN and not (isinstance(key, int) and 0 <= key < clusters):
        raise VQSSError(f"no cluster {key!r} to put effects on; give 0 to {clusters - 1} or '{MAIN}'")
    latency = int(insert.latency_samples)
    if not 0 <= latency <= LONGEST_LATENCY:
        raise VQSSError(f"effects on {key} lag by {latency} samples; use ones below {LONGEST_LATENCY}")
    return latency
