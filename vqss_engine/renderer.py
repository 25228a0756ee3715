"""The wet path: separated, faded, with effects, summed. Which way a cluster goes decides what it costs.

A cluster without effects stays in the spectrum: all such clusters together cost one inverse transform, as
`dry + sum((weight - 1) * stem)`, which is the dry mix itself while their faders are at 0 dB. A cluster with
effects, or all of them when separate outputs are wanted, are *owned*: each has an inverse transform of its own
while it is audible.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vqss_engine.crossfade import Crossfade, rise
from vqss_engine.delay import History
from vqss_engine.inserts import LONGEST_LATENCY, Deadline, Insert, InsertSet
from vqss_engine.mixer import Layout, LinearRamp
from vqss_engine.separator import StreamingSeparator
from vqss_engine.telemetry import Telemetry

Floats = NDArray[np.float32]

_TAIL_S = 5.0


class ModelFault(Exception):
    """The model gave what cannot be played."""


class Renderer:
    """Renders hops through a separator; `wet` (C, H) and, with `multi`, `rows` (K, C, H) hold the last one,
    `powers` (K + 1, C) the mean power of each cluster before its fader, and of the mix.

    Threads: `render`, `take`, `dry` and `reset` belong to the thread of the audio; `swap` and `bypass_insert`
    to any other, and never make it wait.
    """

    def __init__(
        self,
        separator: StreamingSeparator,
        layout: Layout,
        synthesis: int,
        telemetry: Telemetry,
        multi: bool = False,
        deadline: Deadline | None = None,
    ) -> None:
        clusters, channels, hop = layout.clusters, layout.channels, layout.hop
        self.separator, self._layout, self._multi = separator, layout, multi
        self._telemetry, self._deadline = telemetry, deadline
        self._history = History((channels,), hop, separator.latency_samples + 2 * LONGEST_LATENCY)
        self._fade = Crossfade(hop, layout.fade_hops)
        self._current = self._build({})
        self._next: InsertSet | None = None
        self._incoming: InsertSet | None = None
        self._retired: InsertSet | None = None
        self._warm = 0
        self._owned = np.full(clusters, multi)
        self._active = np.zeros(clusters, bool)
        self._tail_hops = layout.hops(_TAIL_S)
        self._silent_hops = np.full(clusters, self._tail_hops)
        self._rise = rise(hop)
        self._gains: Floats = np.ones((clusters, channels, hop), np.float32)
        self._stems: Floats = np.zeros((clusters, channels, hop), np.float32)
        self._delta: Floats = np.zeros((clusters, channels), np.float32)
        self._base: Floats = np.zeros((channels, hop), np.float32)
        self._other: Floats = np.zeros((channels, hop), np.float32)
        self.powers: Floats = np.zeros((clusters + 1, channels), np.float32)
        self.wet: Floats = np.zeros((channels, hop), np.float32)
        self.rows: Floats | None = np.zeros((clusters, channels, hop), np.float32) if multi else None
        self._overlap_hops = math.ceil(synthesis / hop)
        self._overlap = self._leaving = 0

    @property
    def latency_samples(self) -> int:
        """From `take` to `wet`: the separator's latency and that of the inserts that are heard."""
        return self.separator.latency_samples + self._current.latency_samples

    @property
    def longest_latency(self) -> int:
        """The longest that anything on its way now, heard or not yet, takes from `take` to `wet`."""
        return self.separator.latency_samples + max(inserts.latency_samples for inserts in self._running)

    @property
    def _running(self) -> tuple[InsertSet, ...]:
        """The inserts that are heard, and those that run along to be heard next."""
        return (self._current,) if self._next is None else (self._current, self._next)

    def take(self, block: Floats) -> None:
        """Take one hop (C, H) of finite input; it is what `render` and `dry` speak of until the next."""
        self._history.push(block)
        if self._next is not None and self._fade.position == 1.0:
            # Freeing plug-ins may take long: the old ones wait for the next `swap`, which is on another thread.
            self._retired, self._current, self._next = self._current, self._next, None
            self._fade.jump(0.0)
        self._accept()
        self._fade.advance(1.0 if self._next is not None and self._warm == 0 else 0.0)

    def dry(self, out: Floats) -> Floats:
        """Fill `out` (C, H) with the input delayed by `latency_samples`; it works whatever else fails."""
        self._history.read(self.latency_samples, out)
        if self._next is not None:
            late = self.separator.latency_samples + self._next.latency_samples
            self._fade.mix(out, self._history.read(late, self._other), self._base)
            out[...] = self._base
        return out

    def render(self, block: Floats, strips: LinearRamp) -> None:
        """Separate `block`, the hop that was taken, into `wet` and `rows`; raises ModelFault or the separator's."""
        self.separator.analyse(block)
        self.separator.powers(self.powers)
        if not math.isfinite(float(self.powers.sum())):
            raise ModelFault("the model gave non-finite values")
        base = None if self._owned.all() and not self._leaving else self._mixed(strips)
        self._leaving = max(0, self._leaving - 1)
        stems = self._owned_stems(strips) if self._owned.any() else None
        gains = self._ramped(strips)
        self._current.process(base, stems, self._active, gains)
        if self._next is None:
            self.wet[...] = self._current.wet
            if self.rows is not None:
                self.rows[...] = self._current.rows
            return
        self._next.process(base, stems, self._active, gains)
        self._warm = max(0, self._warm - 1)
        self._fade.mix(self._current.wet, self._next.wet, self.wet)
        if self.rows is not None:
            self._fade.mix(self._current.rows, self._next.rows, self.rows)

    def _accept(self) -> None:
        """Let inserts that were swapped in run along, unheard until their delays are full."""
        if self._next is None and self._incoming is not None:
            self._next, self._incoming = self._incoming, None
            self._warm = 2 + math.ceil(self._next.latency_samples / self._layout.hop)
            # A cluster stays owned once it was, so that no overlap of its own transform is cut off.
            # Where it is the last one, the mix goes on until what it overlaps with is over, for the same reason, and
            # until the inserts that are still heard, which hold it back, have given it out.
            if not self._owned.all():
                self._leaving = self._overlap_hops + math.ceil(self._current.latency_samples / self._layout.hop)
            self._owned |= self._next.owned

    def _mixed(self, strips: LinearRamp) -> Floats:
        """The dry mix plus what the faders change of the clusters that are not owned; the owned are taken out."""
        base = self._history.read(self.separator.latency_samples, self._base)
        np.subtract(strips.end, 1.0, out=self._delta)
        self._delta[self._owned] = -1.0
        if self._delta.any():
            self._overlap = self._overlap_hops
        if self._overlap:
            self._overlap -= 1
            base += self.separator.mixdown(self._delta, self._other)
        return base

    def _owned_stems(self, strips: LinearRamp) -> Floats:
        """The stems of owned clusters that are heard, or may sound on behind a closed fader.

        Effects may ring. And a cluster is faded after it was held back in step with others: until what is held back
        is over, a fader that opens again must find it whole.
        """
        self._silent_hops += 1
        self._silent_hops[strips.end.any(axis=1) | strips.start.any(axis=1)] = 0
        held_hops = max(inserts.held_hops for inserts in self._running)
        ringing = np.logical_or.reduce([inserts.owned for inserts in self._running])
        lasts_hops = np.where(ringing, self._tail_hops, held_hops)
        np.logical_and(self._owned, self._silent_hops < lasts_hops, out=self._active)
        self.separator.stems(self._active, self._stems)
        return self._stems

    def _ramped(self, strips: LinearRamp) -> Floats:
        """The faders over this hop: (K, C, H) while they move, else (K, C, 1)."""
        if not strips.moving:
            return strips.end[:, :, None]
        np.multiply((strips.end - strips.start)[:, :, None], self._rise, out=self._gains)
        self._gains += strips.start[:, :, None]
        return self._gains

    # Inserts

    def _build(self, inserts: Mapping[int | str, Insert]) -> InsertSet:
        return InsertSet(inserts, self._layout, self._telemetry.report, self._deadline, self._multi)

    def swap(self, inserts: Mapping[int | str, Insert], at_once: bool = False) -> None:
        """Replace all inserts: built here, swapped at a hop, crossfaded. `at_once` is for before the stream.

        Raises VQSSError for a cluster there is not, or a latency too long.
        """
        self._retired = None
        self._incoming = self._build(inserts)
        if at_once:
            self._settle()

    def _settle(self) -> None:
        """Let the newest inserts be the only ones."""
        self._current = self._incoming or self._next or self._current
        self._incoming = self._next = None
        self._fade.jump(0.0)
        self._owned[...] = self._current.owned | self._multi

    def bypass_insert(self, key: int | str, bypass: bool) -> None:
        """Crossfade the insert at `key` (a cluster or 'main') to its delayed input, or back."""
        # In the order that the audio's thread moves a set on: read against it, one could move past unseen.
        for inserts in (self._incoming, self._next, self._current):
            if inserts is not None and key in inserts.slots:
                inserts.slots[key].bypass = bypass

    def reset(self) -> None:
        """Forget all sound; inserts underway are the present ones at once."""
        self._settle()
        self.separator.reset()
        self._history.reset()
        self._current.reset()
        self._silent_hops[...] = self._tail_hops
        self._overlap = self._leaving = 0
