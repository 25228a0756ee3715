"""A rack on files: effects on the stems of a song, and on its mixdown, aligned with the song to the sample.

The same inserts, in the same hops, as in the live engine; a plug-in that fails is played unprocessed and reported.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bridge.aligned_hops import AlignedHops
from bridge.rack import BuiltRack, ClusterRack, Key, PluginLatency
from bridge.rack_controls import RackControls
from vqss_engine.control import ControlSurface
from vqss_engine.inserts import MAIN, Insert, InsertSet
from vqss_engine.mixer import Layout

Block = NDArray[np.float32]


class FileEffects:
    """The effects of `rack` for one song: `stems` on its clusters, `main` on its mixdown.

    layout: that of the song, with the hop to work in. late: by how many samples the live engine's separator lags;
    with the same silence before a song the effects do the same to it. Parameters of the plug-ins are put on
    `surface`, so that settings can reach them. Raises RackError naming the entry that does not run. `reports` holds
    what failed.
    """

    def __init__(self, rack: ClusterRack, layout: Layout, surface: ControlSurface, late: int = 0) -> None:
        self.reports: list[str] = []
        built: BuiltRack = rack.build(layout.sample_rate, layout.channels, layout.hop, layout.clusters)
        self.latencies: tuple[PluginLatency, ...] = built.latencies
        of_clusters: dict[Key, Insert] = {key: insert for key, insert in built.inserts.items() if key != MAIN}
        of_main: dict[Key, Insert] = {key: insert for key, insert in built.inserts.items() if key == MAIN}
        self._clusters = InsertSet(of_clusters, layout, self.reports.append)
        self._main = InsertSet(of_main, layout, self.reports.append)
        self._everything = np.ones(layout.clusters, np.bool_)
        self._unity: Block = np.ones((layout.clusters, layout.channels, 1), np.float32)
        shape, hop, align = (layout.clusters, layout.channels), layout.hop, self._clusters.latency_samples
        self._hop = hop
        self.stems = StemEffects(AlignedHops(shape, hop, align, self._run_stems, late), shape)
        self.main: AlignedHops | None = None
        if of_main:
            self.main = AlignedHops(shape[1:], hop, self._main.latency_samples, self._run_main, late + align)
        RackControls(surface).publish(rack, self._bypass)

    def _run_stems(self, stems: Block) -> Block:
        out = np.empty_like(stems)
        for part in self._hops(stems):
            self._clusters.process(None, np.ascontiguousarray(stems[..., part]), self._everything, self._unity)
            out[..., part] = self._clusters.rows
        return out

    def _run_main(self, mixdown: Block) -> Block:
        out = np.empty_like(mixdown)
        for part in self._hops(mixdown):
            self._main.process(np.ascontiguousarray(mixdown[..., part]), None, self._everything, self._unity)
            out[..., part] = self._main.wet
        return out

    def _hops(self, block: Block) -> Iterator[slice]:
        return (slice(start, start + self._hop) for start in range(0, block.shape[-1], self._hop))

    def _bypass(self, key: Key, bypass: bool) -> None:
        """Before the song begins: the chain is passed by from the first sample on."""
        inserts = self._main if key == MAIN else self._clusters
        inserts.slots[key].bypass = bypass
        inserts.slots[key].reset()


class StemEffects:
    """Mix (C, n) and stems (K, C, n) in, the same samples of both out, the stems with effects.

    peak: the largest sample of each cluster (K,) after its effects.
    """

    def __init__(self, effects: AlignedHops, shape: tuple[int, int]) -> None:
        self._effects = effects
        self._mix: Block = np.zeros((shape[1], 0), np.float32)
        self.peak: Block = np.zeros(shape[0], np.float32)

    def process(self, mix: Block, stems: Block) -> tuple[Block, Block]:
        """The pair that has become ready."""
        self._mix = np.concatenate([self._mix, mix], axis=1)
        return self._paired(self._effects.process(stems))

    def flush(self) -> tuple[Block, Block]:
        """The rest of the song."""
        return self._paired(self._effects.flush())

    def _paired(self, stems: Block) -> tuple[Block, Block]:
        ready = stems.shape[-1]
        mix, self._mix = self._mix[:, :ready], self._mix[:, ready:].copy()
        if ready:
            np.maximum(self.peak, np.abs(stems).max(axis=(1, 2)), out=self.peak)
        return mix, stems
