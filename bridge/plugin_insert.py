"""A chain of plug-ins as an insert of the engine: a hop in is a hop out, late by a constant that is known.

Threads: `process` and `reset` belong to the thread of the audio. Chains with code from outside pedalboard (VST3, AU,
Python) run on a thread of their own where there is a deadline, so that one that hangs holds up no other cluster.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.chain_stream import BUFFER_SIZE, Block, ChainStream, is_external, item_name
from bridge.isolated_call import IsolatedCall, TooLate
from vqss_engine.errors import VQSSError
from vqss_engine.inserts import LONGEST_LATENCY, Deadline, InsertFault, InsertLate

_SETTLED_SAMPLES = 8192
"""A chain is taken to have shown its latency when this much audio has not made it longer."""

_LOST_RATIO, _UNSTABLE = 0.25, 1e6
_FIRST_CALL = Deadline(30.0)


class PluginFault(InsertFault):
    """A plug-in did what cannot be played; the message names it."""


class _Fifo:
    """Samples (C, n) in, hops out, the first `latency` of them silence. Nothing is allocated after `__init__`."""

    def __init__(self, channels: int, hop: int, latency: int) -> None:
        self._samples: Block = np.zeros((channels, latency + 4 * hop), np.float32)
        self._spare: Block = np.zeros_like(self._samples)
        self._hop, self._latency, self._filled = hop, latency, latency

    def put(self, block: Block) -> bool:
        """Add samples; False where there are too many."""
        end = self._filled + block.shape[1]
        if end > self._samples.shape[1]:
            return False
        self._samples[:, self._filled : end] = block
        self._filled = end
        return True

    def take(self, out: Block) -> bool:
        """Fill `out` (C, H); False where there is too little."""
        if self._filled < self._hop:
            return False
        out[...] = self._samples[:, : self._hop]
        self._filled -= self._hop
        self._spare[:, : self._filled] = self._samples[:, self._hop : self._hop + self._filled]
        self._samples, self._spare = self._spare, self._samples
        return True

    def reset(self, held: int = 0) -> None:
        """Begin again; of the latency, the chain holds back so many samples already."""
        self._filled = self._latency - held
        self._samples[:, : self._filled] = 0.0


def measure_latency(stream: ChainStream, channels: int, hop: int) -> int:
    """The most samples that a chain ever holds back, from running it on noise; the stream is reset afterwards.

    Raises VQSSError for one that holds back more than a second, and what its plug-ins raise.
    """
    noise = _noise(channels, hop)
    lacking = most = unchanged = 0
    while unchanged < _SETTLED_SAMPLES:
        lacking += hop - stream.push(noise.copy()).shape[1]
        unchanged = 0 if lacking > most else unchanged + hop
        most = max(most, lacking)
        if most > LONGEST_LATENCY:
            raise VQSSError("holds back more than a second of audio; use effects with less latency")
    stream.reset()
    # Chains that work in blocks of their own lack now more, now less: a hop in reserve covers what was not seen.
    return most + (hop if lacking != most else 0)


def check_streaming(plugin: Any, sample_rate: float, channels: int, hop: int, latency: int) -> None:
    """Raise VQSSError for a plug-in of pedalboard that works on a whole signal, but hardly passes anything hop by hop,
    and for one that grows without bound.

    In pedalboard 0.9 the first are PitchShift and GSMFullRateCompressor, the others filters above half the rate.
    """
    hops = 1 + (latency + _SETTLED_SAMPLES) // hop
    signal = np.tile(_noise(channels, hop), hops)
    whole = plugin.process(signal, sample_rate, buffer_size=BUFFER_SIZE, reset=True)
    stream = ChainStream([plugin], sample_rate, channels)
    parts = [stream.push(signal[:, at : at + hop]) for at in range(0, signal.shape[1], hop)]
    streamed = np.concatenate(parts, axis=1)
    stream.reset()
    if not (np.abs(whole).max(initial=0.0) < _UNSTABLE and np.abs(streamed).max(initial=0.0) < _UNSTABLE):
        raise VQSSError(f"is unstable at {sample_rate:g} Hz; lower its frequency")
    if np.square(streamed).mean() < _LOST_RATIO * np.square(whole[:, : streamed.shape[1]]).mean():
        raise VQSSError("loses the signal when run hop by hop; use another effect")


def _noise(channels: int, samples: int) -> Block:
    return np.random.default_rng(0).uniform(-0.1, 0.1, (channels, samples)).astype(np.float32)


class PluginInsert:
    """`items` as one insert (see vqss_engine.inserts.Insert) for hops (C, H).

    latency_samples: measured, by how many samples the chain holds back. deadline: how long a hop may take in plug-ins
    from outside pedalboard; one without seconds, or None, lets them take their time, as files do.
    """

    def __init__(
        self, items: Sequence[Any], sample_rate: float, channels: int, hop: int, deadline: Deadline | None = None
    ) -> None:
        """Runs the chain on noise. Raises VQSSError for one that is too late, and what its plug-ins raise."""
        self.items = tuple(items)
        self.name = " > ".join(item_name(item) for item in items)
        self._stream = ChainStream(self.items, sample_rate, channels)
        self._hop, self._channels = hop, channels
        self.latency_samples = measure_latency(self._stream, channels, hop)
        self._fifo = _Fifo(channels, hop, self.latency_samples)
        self._given: Block = np.zeros((channels, hop), np.float32)
        self._out: Block = np.zeros((channels, hop), np.float32)
        self._deadline, self._reset_due = deadline or Deadline(), False
        isolate = self._deadline.seconds is not None and any(is_external(item) for item in items)
        self._isolated = IsolatedCall(_reset_first(self._stream), f"rack: {self.name}") if isolate else None
        if self._isolated is not None:
            # Plug-ins prepare anew on a thread they have not seen; better now than in the first hop that is heard.
            self._isolated(_noise(channels, hop), _FIRST_CALL)
            self._reset_due = True
        self._young = False     # reset, and nothing of it heard since

    def process(self, block: NDArray[np.float32]) -> Block:
        """Take a hop (C, H), return the processed one; raises InsertFault, whatever a plug-in raises."""
        try:
            out = self._run(block)
        except TooLate as late:
            raise InsertLate(f"{self.name} {late}") from late
        except Exception as error:
            self._young = False
            raise PluginFault(f"{self.name} raised {type(error).__name__}: {error}") from error
        if not math.isfinite(np.add.reduce(out, axis=None)):
            raise PluginFault(f"{self.name} returned non-finite samples")
        if not self.latency_samples and out.shape == block.shape:
            return out
        if out.shape[0] != self._channels or not self._fifo.put(out):
            raise PluginFault(f"{self.name} returned shape {out.shape} for {block.shape}")
        if not self._fifo.take(self._out):
            raise PluginFault(f"{self.name} returned too few samples")
        return self._out

    def _run(self, block: Block) -> Block:
        if self._isolated is None:
            return self._stream.push(block)
        self._isolated.settle(self._deadline)
        began = time.perf_counter()
        if self._reset_due:
            self._reset_due, self._young = False, True      # it will be done, however long it takes
            self._isolated(self._given[:, :0], self._deadline)
        elif self._young:
            self._fifo.reset(self._stream.held)             # the first hop was too late, and what came of it is lost
        self._given[...] = block
        out = self._isolated(self._given, self._deadline)
        # Reset and hop, each in time, may be late together: then this hop is not heard either.
        limit_s = self._deadline.limit_s
        self._young = self._young and limit_s is not None and time.perf_counter() - began > limit_s
        return out

    def reset(self) -> None:
        """Forget all sound. Plug-ins with a thread of their own are reset there, before their next hop.

        Not again where nothing was heard since: plug-ins prepare anew in the first hop after a reset, and one that is
        too late for that would be so for ever.
        """
        self._fifo.reset()
        if self._isolated is None:
            self._stream.reset()
        elif not self._young:
            self._reset_due = True


def _reset_first(stream: ChainStream) -> Any:
    """What the thread of a chain does: a block without samples stands for a reset."""

    def work(block: Block) -> Block:
        if not block.shape[1]:
            stream.reset()
            return block
        return stream.push(block)

    return work
