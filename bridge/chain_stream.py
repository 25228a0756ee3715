"""Effects in a row as a stream: neighbouring pedalboard plug-ins become one board; latency is trimmed.

Whatever is in a chain, what comes out is aligned to the sample with what went in: `push` returns fewer samples
at first, and `flush` the rest. The number that is missing in between is the chain's latency.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vqss_engine.errors import VQSSError

Block = NDArray[np.float32]

BUFFER_SIZE = 8192
"""What pedalboard prepares its plug-ins for. It stays the same for a stream: a change would reset them."""

_FLUSH_SAMPLES, _LONGEST_FLUSH = 2048, 1 << 18
_SMALLEST_FIRST = 64


class Stage(Protocol):
    """One part of a chain; `flush` ends the stream, and `reset` begins another."""

    name: str

    @property
    def held(self) -> int: ...
    def push(self, block: Block) -> Block: ...
    def flush(self) -> Block: ...
    def reset(self) -> None: ...


def load_pedalboard() -> Any:
    """The pedalboard module; raises VQSSError that says what it lacks."""
    try:
        import pedalboard
    except (ImportError, OSError) as error:
        raise VQSSError(f"pedalboard cannot be loaded ({error}); install libatomic1, then run `vqss doctor`") from error
    return pedalboard


def is_native(item: object) -> bool:
    """Whether pedalboard itself runs `item`: its own plug-ins, VST3 and AU, boards of these.

    pedalboard never calls a method that a Python subclass overrides, so such an object counts as ours to call.
    """
    return isinstance(item, load_pedalboard().Plugin) and not is_overridden(item)


def is_overridden(item: object) -> bool:
    """Whether `process` of `item` is written in Python."""
    return inspect.isfunction(getattr(type(item), "process", None))


def is_external(item: object) -> bool:
    """Whether `item` runs code from outside pedalboard: VST3, AU, Python; such code may crash or hang."""
    if not is_native(item):
        return True
    if hasattr(item, "reported_latency_samples"):
        return True
    return isinstance(item, Iterable) and any(is_external(inner) for inner in item)


def check_item(item: object) -> None:
    """Raise TypeError for what cannot be in a chain."""
    if isinstance(item, type):
        raise TypeError(f"{item.__name__} is a class; give a plug-in, as in {item.__name__}()")
    if is_native(item):
        if not getattr(item, "is_effect", True):
            raise TypeError(f"{item!r} is an instrument; a chain takes effects")
    elif not callable(getattr(item, "process", None)):
        raise TypeError(
            f"{item!r} cannot be in a chain; give pedalboard plug-ins, VQSSeparators, or objects with pedalboard's"
            " process(audio, sample_rate, buffer_size, reset)"
        )


def item_name(item: object) -> str:
    """What a plug-in is called in messages."""
    name = getattr(item, "name", None)
    return name if isinstance(name, str) and name else type(item).__name__


def grouped(items: Sequence[Any]) -> list[Any]:
    """Items with neighbouring native ones put into one Pedalboard."""
    groups: list[Any] = []
    run: list[Any] = []
    for item in items:
        if is_native(item):
            run.append(item)
            continue
        if run:
            groups.append(load_pedalboard().Pedalboard(run))
            run = []
        groups.append(item)
    return [*groups, load_pedalboard().Pedalboard(run)] if run else groups


class _Flushing:
    """Counts samples, so that a stream can be flushed with silence until it has given back all it took."""

    def __init__(self, channels: int) -> None:
        self._channels, self._owed = channels, 0

    @property
    def held(self) -> int:
        """How many samples of those pushed were not returned yet."""
        return self._owed

    def push(self, block: Block) -> Block:
        raise NotImplementedError

    def flush(self) -> Block:
        """The samples not given back yet; zeros for those that do not come within some seconds."""
        parts: list[Block] = []
        owed, tried = self._owed, 0
        while sum(part.shape[1] for part in parts) < owed and tried < _LONGEST_FLUSH:
            parts.append(self.push(np.zeros((self._channels, _FLUSH_SAMPLES), np.float32)))
            tried += _FLUSH_SAMPLES
        rest = np.concatenate([np.zeros((self._channels, 0), np.float32), *parts], axis=1)[:, :owed]
        self._owed = 0
        return np.pad(rest, ((0, 0), (0, owed - rest.shape[1])))


class BoardStage(_Flushing):
    """A Pedalboard of neighbouring plug-ins of pedalboard, VST3 and AU.

    pedalboard prepares its plug-ins anew, and so cuts off what sounds in them, when a block is larger than any
    before; so no block is larger than the first. It trims the latency of VST3 and AU only after a reset.
    """

    def __init__(self, board: Any, sample_rate: float, channels: int) -> None:
        super().__init__(channels)
        self.name = ", ".join(item_name(item) for item in board)
        self._board, self._sample_rate = board, sample_rate
        self._waiting: Block = np.zeros((channels, 0), np.float32)
        # pedalboard takes the shorter side of an array for the channels, so shorter blocks have to wait.
        self._fewest, self._largest = channels + 1, 0
        self.reset()

    def push(self, block: Block) -> Block:
        self._owed += block.shape[1]
        if self._fewest <= block.shape[1] <= self._largest and not self._waiting.shape[1]:
            out = self._run(block)  # the usual case in a rack, where all hops are alike
            self._owed -= out.shape[1]
            return out
        if self._waiting.shape[1]:
            block = np.concatenate([self._waiting, block], axis=1)
        if block.shape[1] < (self._fewest if self._largest else _SMALLEST_FIRST):
            self._waiting = block.copy()
            return block[:, :0]
        self._waiting = self._waiting[:, :0]
        self._largest = self._largest or min(block.shape[1], BUFFER_SIZE)
        out = self._processed(block)
        self._owed -= out.shape[1]
        return out

    def _processed(self, block: Block) -> Block:
        samples, size = block.shape[1], self._largest
        if samples <= size:
            return self._run(block)
        whole = samples // size * size
        if 0 < samples - whole < self._fewest:
            self._waiting, block = block[:, whole:].copy(), block[:, :whole]
        return np.concatenate([self._run(block[:, at : at + size]) for at in range(0, block.shape[1], size)], axis=1)

    def _run(self, block: Block) -> Block:
        out: Block = self._board.process(block, self._sample_rate, buffer_size=BUFFER_SIZE, reset=False)
        return out

    def reset(self) -> None:
        self._board.reset()
        self._waiting, self._largest, self._owed = self._waiting[:, :0], 0, 0


class ObjectStage(_Flushing):
    """An object of Python with pedalboard's call signature, and its habit of trimming latency."""

    def __init__(self, item: Any, sample_rate: float, channels: int) -> None:
        super().__init__(channels)
        self.name = item_name(item)
        self._item, self._sample_rate = item, sample_rate

    def push(self, block: Block) -> Block:
        out = self._item.process(block, self._sample_rate, buffer_size=BUFFER_SIZE, reset=False)
        if not isinstance(out, np.ndarray) or out.ndim != 2 or out.shape[0] != self._channels:
            raise ValueError(f"{self.name} returned shape {np.shape(out)} for {block.shape}")
        self._owed += block.shape[1] - out.shape[1]
        return out

    def flush(self) -> Block:
        if not callable(flush := getattr(self._item, "flush", None)):
            return super().flush()
        rest: Block = np.asarray(flush(), np.float32)
        # What was given nothing does not know how many channels that had.
        return rest if rest.size else np.zeros((self._channels, 0), np.float32)

    def reset(self) -> None:
        self._owed = 0
        if callable(reset := getattr(self._item, "reset", None)):
            reset()


class ChainStream:
    """Items in a row, (C, n) in, (C, m) out, aligned with what went in."""

    def __init__(self, items: Sequence[Any], sample_rate: float, channels: int) -> None:
        """Raises TypeError for what cannot be in a chain."""
        for item in items:
            check_item(item)
        self._empty: Block = np.zeros((channels, 0), np.float32)
        self.stages: list[Stage] = []
        for group in grouped(items):
            stage = BoardStage if is_native(group) else ObjectStage
            self.stages.append(stage(group, sample_rate, channels))

    def push(self, block: Block) -> Block:
        """Process a block (C, n) of any length; returns the (C, m) that have become ready."""
        for stage in self.stages:
            if not block.shape[1]:
                break
            block = stage.push(block)
        return block

    def flush(self) -> Block:
        """The end of the stream: all samples not returned yet. `reset` begins the next."""
        rest: Block | None = None
        for stage in self.stages:
            parts = [stage.flush()] if rest is None else [stage.push(rest), stage.flush()]
            rest = np.concatenate(parts, axis=1)
        return self._empty if rest is None else rest

    @property
    def held(self) -> int:
        """How many samples of those pushed were not returned yet."""
        return sum(stage.held for stage in self.stages)

    def reset(self) -> None:
        """Forget all sound."""
        for stage in self.stages:
            stage.reset()
