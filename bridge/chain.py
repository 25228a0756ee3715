"""PluginChain: pedalboard's plug-ins and ours in a row, in any order, with pedalboard's call signature.

The signature itself, one-shot and streaming, is `PluginCall`, which VQSSeparator is built on too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.audio_layout import Block, Layout, check_audio, detect
from bridge.audio_limits import MOST_CHANNELS
from bridge.chain_stream import BUFFER_SIZE, ChainStream, check_item, grouped, is_native
from vqss_engine.errors import VQSSError


class PluginCall:
    """pedalboard's `process`, `__call__` and `reset` around blocks (C, n), and `flush`, `|` and latency trimming.

    A subclass gives `_whole`, `_push`, `_rest` and `_forget`, which know nothing of layouts.
    """

    is_effect, is_instrument = True, False
    _layout: Layout | None = None

    def process(
        self, audio: NDArray[Any], sample_rate: float, buffer_size: int = BUFFER_SIZE, reset: bool = True
    ) -> NDArray[np.float32]:
        """Run audio (C, N), (N,), or (N, C) where it can be nothing else; returns float32, laid out alike.

        reset=True: a whole signal, returned with latency compensated and the same shape. reset=False: the next block
        of a stream, of any length; fewer samples come back at first, aligned with what went in, and `flush` returns
        the rest. buffer_size: samples worked on at once. Raises VQSSError for audio and rates that cannot be,
        TypeError for no audio at all.
        """
        array = check_audio(audio)
        if buffer_size < 1:
            raise VQSSError(f"buffer_size is {buffer_size}; give 1 or more samples")
        if not reset:
            layout = self._layout or detect(array.shape)
            block = self._push(layout.to_block(array), sample_rate, buffer_size)
            self._layout = layout
            return layout.from_block(block)
        layout = detect(array.shape)
        block = layout.to_block(array)
        self.reset()
        out = self._whole(block, sample_rate, buffer_size)
        self.reset()
        return layout.from_block(out)

    def __call__(
        self, audio: NDArray[Any], sample_rate: float, buffer_size: int = BUFFER_SIZE, reset: bool = True
    ) -> NDArray[np.float32]:
        """The same as `process`."""
        return self.process(audio, sample_rate, buffer_size, reset)

    def flush(self) -> NDArray[np.float32]:
        """The end of a stream: what `process` has not returned of it yet; (2, 0) where none has begun.

        The next block begins another.
        """
        if self._layout is None:
            return np.zeros((MOST_CHANNELS, 0), np.float32)
        out = self._layout.from_block(self._rest())
        self.reset()
        return out

    def reset(self) -> None:
        """Begin a new stream: all sound, and the layout and rate of the last one, are forgotten."""
        self._forget()
        self._layout = None

    def __or__(self, other: Any) -> PluginChain:
        return PluginChain([self, other])

    def __ror__(self, other: Any) -> PluginChain:
        return PluginChain([other, self])

    def _whole(self, block: Block, sample_rate: float, buffer_size: int) -> Block:
        """All of a signal (C, N) to (C, N), from a state without sound."""
        raise NotImplementedError

    def _push(self, block: Block, sample_rate: float, buffer_size: int) -> Block:
        """The next (C, n) of a stream to the (C, m) that have become ready."""
        raise NotImplementedError

    def _rest(self) -> Block:
        """What a stream that was begun has not returned yet, (C, m)."""
        raise NotImplementedError

    def _forget(self) -> None:
        """Drop all sound."""
        raise NotImplementedError


class PluginChain(PluginCall):
    """`PluginChain([HighpassFilter(80), separator, Limiter()])`, or `HighpassFilter(80) | separator | Limiter()`.

    Takes pedalboard's plug-ins and boards, VQSSeparators, chains, and any object with pedalboard's
    `process(audio, sample_rate, buffer_size, reset)`. Neighbouring plug-ins of pedalboard run as one Pedalboard.
    `plugins` is a plain list and may be changed between calls. Raises TypeError for anything else.
    """

    def __init__(self, plugins: Iterable[Any] = ()) -> None:
        self.plugins: list[Any] = []
        for plugin in [plugins] if is_native(plugins) else plugins:
            self._add(plugin)
        self._stream: ChainStream | None = None
        self._running: tuple[tuple[int, ...], float] | None = None

    def _add(self, plugin: Any) -> None:
        if isinstance(plugin, PluginChain):
            self.plugins.extend(plugin.plugins)
            return
        if isinstance(plugin, list | tuple):
            for inner in plugin:
                self._add(inner)
            return
        check_item(plugin)
        self.plugins.append(plugin)

    def _whole(self, block: Block, sample_rate: float, buffer_size: int) -> Block:
        samples = block.shape[1]
        # Too short an array would be taken for (N, C); silence after it changes nothing before it.
        missing = max(0, MOST_CHANNELS + 1 - samples)
        for part in grouped(self.plugins):
            padded = np.pad(block, ((0, 0), (0, missing)))
            out = part.process(padded, sample_rate, buffer_size=buffer_size, reset=True)[:, :samples]
            # pedalboard's Resample may come out a frame short.
            block = np.pad(out, ((0, 0), (0, samples - out.shape[1])))
        return block

    def _push(self, block: Block, sample_rate: float, buffer_size: int) -> Block:
        running = (*map(id, self.plugins), block.shape[0]), float(sample_rate)
        if self._stream is None or self._running != running:
            if self._running is not None:
                raise VQSSError("the chain or its sample rate changed within a stream; call reset() first")
            self._stream, self._running = ChainStream(self.plugins, sample_rate, block.shape[0]), running
        return self._stream.push(block)

    def _rest(self) -> Block:
        assert self._stream is not None
        return self._stream.flush()

    def _forget(self) -> None:
        for plugin in self.plugins:
            if callable(reset := getattr(plugin, "reset", None)):
                reset()
        self._stream = self._running = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self.plugins)

    def __len__(self) -> int:
        return len(self.plugins)

    def __getitem__(self, index: int) -> Any:
        return self.plugins[index]

    def __repr__(self) -> str:
        return f"<bridge.pedalboard_bridge.PluginChain {self.plugins!r}; not for a pedalboard.Pedalboard>"
