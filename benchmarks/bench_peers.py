"""Live beside HS-TasNet: seconds of processor time for a second of sound, one thread, hop after hop as each streams.

Its model runs as its own streaming function does it, 512 samples a call; ours as `vqss live` runs it, with the effects
and meters of a hop. All take turns. Both of its sizes have 4 sources; ours has 16, all audible at gains of their own.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks.peer_models import hs_tasnet_stream
from benchmarks.rows import Contender, Row, compared, in_turn
from benchmarks.targets import LIVE_OURS, LIVE_PEER
from bridge.bench import uneven_surface
from bridge.bench_signal import bench_signal
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.engine import Engine

CHANNELS, OURS_A_TURN, THEIRS_A_TURN = 2, 20, 4


class _Hops:
    """The bench signal, a hop a call, over and over."""

    def __init__(self, hop: int, rate: int) -> None:
        signal = bench_signal(4.0, rate)
        starts = range(0, signal.shape[1] - hop, hop)
        self._hops, self._at = [np.ascontiguousarray(signal[:, start : start + hop]) for start in starts], 0

    def next(self) -> np.ndarray:
        self._at = (self._at + 1) % len(self._hops)
        return self._hops[self._at]


def _ours(profile: str) -> Contender:
    bundle, stream = ModelBundle.load(), StreamConfig.named(profile)
    rate = bundle.config.sample_rate
    engine = Engine(bundle, stream, CHANNELS, uneven_surface(bundle, bundle.config.clusters))
    engine.warm_up()
    hops, out = _Hops(stream.hop, rate), np.zeros((CHANNELS, stream.hop), np.float32)
    return lambda: engine.process(hops.next(), out), OURS_A_TURN, rate / stream.hop


def _theirs(small: bool) -> Contender:
    call, hop = hs_tasnet_stream(small)
    rate = ModelBundle.load().config.sample_rate
    hops = _Hops(hop, rate)
    return lambda: call(hops.next()), THEIRS_A_TURN, rate / hop


def _contenders() -> dict[str, Contender]:
    found = {LIVE_OURS: _ours("default"), "vqss low, 16 sources": _ours("low")}
    try:
        import torch

        torch.set_num_threads(1)
        found |= {LIVE_PEER: _theirs(small=True), "HS-TasNet, 4 sources": _theirs(small=False)}
    except Exception as error:  # another's program, which may fail in any way
        print(f"bench_peers: HS-TasNet is left out: {error}", file=sys.stderr, flush=True)
    return found


def run(seconds: float = 10.0) -> list[Row]:
    """Rows in seconds of processor time for a second of sound; the reference is HS-TasNet's small variant."""
    contenders = _contenders()
    times = in_turn(contenders, 2.0 * seconds, clock=time.process_time)
    return compared(times, "s per s", LIVE_PEER if LIVE_PEER in times else LIVE_OURS)
