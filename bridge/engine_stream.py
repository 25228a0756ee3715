"""Blocks of any size and rate through an Engine, aligned to the sample with what went in.

The path of a block: caller's rate -> StreamingResampler -> Engine in hops -> StreamingResampler -> caller's rate.
What the two conversions lose of the input (everything above the band both rates share) is given back with the gain
that the mixer has at that moment, averaged over the clusters by their energy: faders at 0 dB pass it whole, and a
muted song takes it along. That gain is converted as the sound is, but counted from where the stream begins, and held
past its end: a filter that saw it start or end at another value would ring, and let muted sound through at the edges.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bridge.aligned_hops import AlignedHops
from bridge.resample import StreamingResampler
from vqss_engine.crossfade import rise
from vqss_engine.engine import Engine
from vqss_engine.mixer import main_weight, strip_weights

Block = NDArray[np.float32]

_HELD_SAMPLES = 1024
"""How long the last gain is held, at the engine's rate: the filter to 8 kHz reaches 500 samples ahead."""


class _EngineHops:
    """Hops (C, m) at the engine's rate in; (2C, m) out: the engine's output, and the mixer's gain minus 1."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._rise = rise(engine.hop)
        self._weights: Block = np.ones((engine.clusters, engine.channels), np.float32)
        self.reset()

    def reset(self) -> None:
        self._engine.reset()
        self._gain: Block | None = None

    def run(self, block: Block) -> Block:
        engine, hop, channels = self._engine, self._engine.hop, self._engine.channels
        wet: Block = np.empty((2 * channels, block.shape[1]), np.float32)
        for start in range(0, block.shape[1], hop):
            part = slice(start, start + hop)
            engine.process(np.ascontiguousarray(block[:, part]), wet[:channels, part])
            wet[channels:, part] = self._next_gain() - np.float32(1.0)
        return wet

    @property
    def rise_at_end(self) -> Block:
        """The mixer's gain minus 1 as the last hop ended, (C, 1)."""
        assert self._gain is not None, "no hop has run yet"
        return self._gain[:, None] - np.float32(1.0)

    def _next_gain(self) -> Block:
        """The mixer's gain (C, H) over this hop, averaged over the clusters by their energy."""
        engine, state = self._engine, self._engine.surface.state
        now = np.ones(engine.channels, np.float32)
        if not state.bypass:
            power = np.frombuffer(engine.telemetry.rms_power, np.float32)[: engine.clusters] + np.float32(1e-20)
            strip_weights(state, self._weights)
            now = (power / power.sum()) @ self._weights
        now = now * np.float32(main_weight(state))
        before = now if self._gain is None else self._gain
        self._gain = now
        return before[:, None] + (now - before)[:, None] * self._rise


class EngineStream:
    """Blocks (C, n) at `sample_rate` (Hz) in, (C, m) out; over a whole signal as many as went in."""

    def __init__(self, engine: Engine, sample_rate: int) -> None:
        channels, model_rate = engine.channels, round(engine.sample_rate)
        self.sample_rate, self.channels = sample_rate, channels
        self._engine, self._inner = engine, _EngineHops(engine)
        self._hops = AlignedHops((channels,), engine.hop, engine.latency_samples, self._inner.run)
        self._down = StreamingResampler(channels, sample_rate, model_rate)
        self._up = StreamingResampler(3 * channels, model_rate, sample_rate)
        self._empty: Block = np.zeros((channels, 0), np.float32)
        self._start()
        self._conversion_latency = 0 if self._down.is_identity else self._measured_conversion()

    def _start(self) -> None:
        """Nothing waits: neither input at either rate, nor output of the engine or of the last conversion."""
        channels = self.channels
        self._mix = self._low = self._empty
        self._wet: Block = np.zeros((2 * channels, 0), np.float32)
        self._back: Block = np.zeros((3 * channels, 0), np.float32)
        self._first: Block | None = None    # the gain minus 1 at the stream's first sample and at its latest, (C, 1)
        self._latest: Block | None = None

    @property
    def latency_samples(self) -> int:
        """The most samples, at `sample_rate`, that may be held back: a hop, the engine, and both conversions."""
        inside = (self._engine.latency_samples + self._engine.hop) * self.sample_rate / self._engine.sample_rate
        return math.ceil(inside) + self._conversion_latency

    def reset(self) -> None:
        """Begin a new stream."""
        self._inner.reset()
        self._hops.reset(self._engine.latency_samples)
        self._down.reset()
        self._up.reset()
        self._start()

    def push(self, block: Block) -> Block:
        """Feed (C, n), return the (C, m) that have become ready."""
        if self._down.is_identity:
            return self._hops.process(block)[: self.channels]
        self._mix = np.concatenate([self._mix, block], axis=1)
        low = self._down.process(block)
        return self._joined(self._up.process(self._paired(low, self._hops.process(low))))

    def flush(self) -> Block:
        """The rest (C, m); `reset` begins the next stream."""
        if self._down.is_identity:
            return self._hops.flush()[: self.channels]
        low = self._down.flush()
        wet = np.concatenate([self._hops.process(low), self._hops.flush()], axis=1)
        high = [self._up.process(self._paired(low, wet)), self._up.process(self._held_gain()), self._up.flush()]
        return self._joined(np.concatenate(high, axis=1))

    def _paired(self, low: Block, wet: Block) -> Block:
        """(3C, m) at the engine's rate: what it changed, its input, its gain minus the first; of the same samples."""
        channels = self.channels
        low, wet = np.concatenate([self._low, low], axis=1), np.concatenate([self._wet, wet], axis=1)
        ready = min(low.shape[1], wet.shape[1])
        self._low, self._wet = low[:, ready:].copy(), wet[:, ready:].copy()
        if not ready:
            return np.zeros((3 * channels, 0), np.float32)
        low, rise = low[:, :ready], wet[channels:, :ready]
        if self._first is None:
            self._first = rise[:, :1].copy()
        self._latest = rise[:, -1:].copy()
        return np.concatenate([wet[:channels, :ready] - low, low, rise - self._first])

    def _held_gain(self) -> Block:
        """(3C, m) to follow the last sample: silence, and the gain that was last. It also makes up for what the two
        conversions round the length down by."""
        if self._first is None or self._latest is None:     # a signal too short for one sample at the engine's rate
            self._first = self._latest = self._inner.rise_at_end
        held = np.zeros((3 * self.channels, _HELD_SAMPLES), np.float32)
        held[2 * self.channels :] = self._latest - self._first
        return held

    def _joined(self, high: Block) -> Block:
        """(C, m): the input, what the engine changed of it, and of what the conversions lost what the gain takes."""
        if self._first is None:
            return self._empty
        channels = self.channels
        high = np.concatenate([self._back, high], axis=1)
        ready = min(high.shape[1], self._mix.shape[1])
        mix, self._mix = self._mix[:, :ready], self._mix[:, ready:].copy()
        high, self._back = high[:, :ready], high[:, ready:].copy()
        changed, low, rise = high[:channels], high[channels : 2 * channels], high[2 * channels :] + self._first
        return mix + changed + rise * (mix - low)

    def _measured_conversion(self) -> int:
        """The most samples that both conversions together may hold back, from running them on silence.

        They are run evenly, but the engine gives whole hops, which may come a hop later, and blocks may end anywhere.
        """
        down, up = self._down, self._up
        hop = math.ceil(self._engine.hop * self.sample_rate / self._engine.sample_rate)
        silence = np.zeros((self.channels, 64), np.float32)
        lacking = most = 0
        for _ in range(math.ceil(self.sample_rate / 64)):
            low = down.process(silence)
            high = up.process(np.zeros((up.channels, low.shape[1]), np.float32))
            lacking += 64 - high.shape[1]
            most = max(most, lacking)
        down.reset()
        up.reset()
        return most + hop + 64
