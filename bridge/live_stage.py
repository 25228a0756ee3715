"""The engine as a device sees it: chunks of fixed length in, chunks with all outputs out, at the device's rate.

A rate within a tenth of the model's is served as it is: the model was trained on music played that much faster and
slower, and resampling would cost 45 ms or more. Any other rate is converted on the way in and out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bridge.resample import StreamingResampler
from vqss_engine.engine import Engine

Floats = NDArray[np.float32]

NATIVE_RANGE = 0.1


def engine_rate_hz(device_hz: int, model_hz: int) -> int:
    """The rate of the samples that the engine is given, where the device has `device_hz`."""
    return device_hz if abs(device_hz / model_hz - 1.0) <= NATIVE_RANGE else model_hz


class LiveStage:
    """`process` takes (C, chunk) and fills (outputs, chunk): the main pair, then a pair per cluster where asked for.

    engine: with `multi` where `outputs` > 2; a mono engine fills both channels of a pair. rate_hz: the device's.
    clusters: those that have a pair, in this order; None: all that the engine gives.
    """

    def __init__(self, engine: Engine, rate_hz: int, clusters: Sequence[int] | None = None) -> None:
        self.engine, self.rate_hz = engine, rate_hz
        every = range(engine.clusters if engine.stem_out is not None else 0)
        self._clusters = np.array(every if clusters is None else clusters, np.intp)
        self.outputs = 2 + 2 * self._clusters.size
        model_hz = engine.sample_rate
        self.engine_hz = engine_rate_hz(rate_hz, model_hz)
        self.native = self.engine_hz == rate_hz
        engine.clock_hz = self.engine_hz
        self.chunk = engine.hop if self.native else max(1, round(engine.hop * rate_hz / model_hz))
        self._main: Floats = np.zeros((engine.channels, engine.hop), np.float32)
        self._fill = 0
        self._low: Floats = np.zeros((engine.channels, 0), np.float32)
        self._high: Floats = np.zeros((self.outputs, 0), np.float32)
        if not self.native:
            self._down = StreamingResampler(engine.channels, rate_hz, model_hz)
            self._up = StreamingResampler(self.outputs, model_hz, rate_hz)
            self._conversion = self._measured_conversion()
        self.reset()

    @property
    def latency_samples(self) -> int:
        """From a chunk given to the chunk returned, at the device's rate: engine, inserts, conversion."""
        return round(self.engine.latency_samples * self.rate_hz / self.engine_hz) + self._fill

    @property
    def turn(self) -> int:
        """Frames that the masks of one frame serve; 1 at a rate that is converted, where hops begin anywhere."""
        return self.chunk * self.engine.separator.runtime.turns.mask_hops if self.native else 1

    @property
    def to_turn(self) -> int:
        """Frames from the end of the last chunk until masks are made anew."""
        return self.chunk * self.engine.separator.runtime.turns.held if self.native else 0

    def process(self, block: Floats, out: Floats, dry: bool = False) -> None:
        """One chunk; `dry` leaves out the separation, for one that is late already."""
        if self.native:
            self._hop(block, out, dry)
            return
        self._low = np.concatenate([self._low, self._down.process(block)], axis=1)
        hop = self.engine.hop
        while self._low.shape[1] >= hop:
            made: Floats = np.empty((self.outputs, hop), np.float32)
            self._hop(np.ascontiguousarray(self._low[:, :hop]), made, dry)
            self._low = self._low[:, hop:].copy()
            self._high = np.concatenate([self._high, self._up.process(made)], axis=1)
        count = out.shape[1]
        if (lacking := count - self._high.shape[1]) > 0:    # longer held back than measured: all is later from here on
            self._high = np.pad(self._high, ((0, 0), (lacking, 0)))
            self._fill += lacking
        out[...] = self._high[:, :count]
        self._high = self._high[:, count:].copy()

    def reset(self) -> None:
        """Begin a new stream."""
        self.engine.reset()
        if self.native:
            return
        self._down.reset()
        self._up.reset()
        self._fill = self._conversion
        self._low = np.zeros((self.engine.channels, 0), np.float32)
        self._high = np.zeros((self.outputs, self._fill), np.float32)

    def _hop(self, block: Floats, out: Floats, dry: bool) -> None:
        engine = self.engine
        run = engine.process_dry if dry else engine.process
        run(block, self._main)
        out[:2] = self._main
        if engine.stem_out is not None:
            for pair, cluster in zip(out[2:].reshape(self._clusters.size, 2, -1), self._clusters):
                pair[...] = engine.stem_out[cluster]

    def _measured_conversion(self) -> int:
        """The most frames that both conversions and the gathering of hops hold back, found by running them.

        Chunks and hops drift past each other within a dozen seconds or more, which may add up to a chunk to what is
        seen in the first two.
        """
        hop, waiting, lacking, most = self.engine.hop, 0, 0, 0
        silence: Floats = np.zeros((self.engine.channels, self.chunk), np.float32)
        made: Floats = np.zeros((self.outputs, hop), np.float32)
        for _ in range(math.ceil(2 * self.rate_hz / self.chunk)):
            waiting += self._down.process(silence).shape[1]
            lacking += self.chunk
            while waiting >= hop:
                waiting -= hop
                lacking -= self._up.process(made).shape[1]
            most = max(most, lacking)
        return most + self.chunk + 2  # the 2: what rounding of lengths may add over hours
