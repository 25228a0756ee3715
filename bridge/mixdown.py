"""The mixdown of a song's stems by the mixer's faders, for files: the faders stand still, so nothing is ramped."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vqss_engine.limiter import Limiter
from vqss_engine.mixer import main_weight, strip_weights
from vqss_engine.state import MixerState

Block = NDArray[np.float32]

_LIMITER_HOP_SECONDS = 0.006


class AlignedEffects(Protocol):
    """Effects whose output is aligned with their input; all of it once flushed."""

    def process(self, block: Block) -> Block: ...
    def flush(self) -> Block: ...


class Mixdown:
    """Stems (K, C, n) to what the main output of a mixer in `state` would play. `peak` is its largest sample.

    effects: those on the main output, before its fader. With all faders at 0 dB and no effects that is the song.
    Effects and the limiter work in hops, so `process` may return less than it was given; `flush` returns the rest.
    """

    def __init__(
        self, state: MixerState, channels: int, sample_rate: int, effects: AlignedEffects | None = None
    ) -> None:
        self._weights = strip_weights(state, np.empty((state.clusters, channels), np.float32))
        self._gain = np.float32(main_weight(state))
        self._bypass = state.bypass
        self._effects = None if state.bypass else effects
        self._hop = round(_LIMITER_HOP_SECONDS * sample_rate)
        self._limiter = Limiter(self._hop, sample_rate) if state.limiter else None
        self._waiting = np.zeros((channels, 0), np.float32)
        self.peak = 0.0

    def process(self, mix: Block, stems: Block) -> Block:
        """Mix (C, n) and stems (K, C, n) to (C, m)."""
        out = mix if self._bypass else np.einsum("kc,kcn->cn", self._weights, stems)
        return self._finish(self._effects.process(out) if self._effects else out)

    def _finish(self, out: Block) -> Block:
        """Main fader and limiter."""
        out = out * self._gain
        return self._note_peak(self._limit(out) if self._limiter else out)

    def flush(self) -> Block:
        """The end, (C, m)."""
        last = self._finish(self._effects.flush()) if self._effects else self._waiting[:, :0]
        rest = self._waiting.shape[1]
        if not rest:
            return last
        silence = np.zeros((self._waiting.shape[0], self._hop - rest), np.float32)
        return np.concatenate([last, self._note_peak(self._limit(silence)[:, :rest])], axis=1)

    def _limit(self, block: Block) -> Block:
        assert self._limiter is not None
        samples = np.concatenate([self._waiting, block], axis=1)
        whole = samples.shape[1] // self._hop * self._hop
        for start in range(0, whole, self._hop):
            self._limiter.process(samples[:, start : start + self._hop])
        self._waiting = samples[:, whole:].copy()
        return samples[:, :whole]

    def _note_peak(self, out: Block) -> Block:
        if out.size:
            self.peak = max(self.peak, float(np.abs(out).max()))
        return out
