"""PluginChain: pedalboard's plug-ins and ours in a row, in any order, with pedalboard's call signature."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.audio_layout import Layout, check_audio, detect
from bridge.chain_stream import BUFFER_SIZE, ChainStream, check_item, grouped, is_native
from vqss_engine.errors import VQSSError


class PluginChain:
    """`PluginChain([HighpassFilter(80), separator, Limiter()])`, or `HighpassFilter(80) | separator | Limiter()`.

    Takes pedalboard's plug-ins and boards, VQSSeparators, chains, and any object with pedalboard's
    `process(audio, sample_rate, buffer_size, reset)`. Neighbouring plug-ins of pedalboard run as one Pedalboard.
    `plugins` is a plain list and may be changed between calls. Raises TypeError for anything else.
    """

    is_effect, is_instrument = True, False

    def __init__(self, plugins: Iterable[Any] = ()) -> None:
        self.plugins: list[Any] = []
        for plugin in [plugins] if is_native(plugins) else plugins:
            self._add(plugin)
        self._stream: ChainStream | None = None
        self._layout: Layout | None = None
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

    def process(
        self, audio: NDArray[Any], sample_rate: float, buffer_size: int = BUFFER_SIZE, reset: bool = True
    ) -> NDArray[np.float32]:
        """Run audio (C, N), (N,), or (N, C) where it can be nothing else, through all plug-ins; float32.

        reset=True: a whole signal, latency compensated, same shape. reset=False: the next block of a stream, of any
        length; fewer samples come back at first, aligned with what went in, and `flush` returns the rest.
        """
        array = check_audio(audio)
        if not reset:
            layout = self._layout = self._layout or detect(array.shape, streaming=True)
            block = layout.to_block(array)
            return layout.from_block(self._stream_at(layout.channels, sample_rate).push(block))
        layout = detect(array.shape)
        block = layout.to_block(array)
        self.reset()
        for part in grouped(self.plugins):
            samples = block.shape[1]
            # Too short an array would be taken for (N, C); silence after it changes nothing before it.
            missing = max(0, layout.channels + 1 - samples)
            padded = np.pad(block, ((0, 0), (0, missing)))
            out = part.process(padded, sample_rate, buffer_size=buffer_size, reset=True)[:, :samples]
            # pedalboard's Resample may come out a frame short.
            block = np.pad(out, ((0, 0), (0, samples - out.shape[1])))
        self.reset()
        return layout.from_block(block)

    __call__ = process

    def flush(self) -> NDArray[np.float32]:
        """The end of a stream: what `process` has not returned of it yet."""
        if self._stream is None or self._layout is None:
            return np.zeros((0, 0), np.float32)
        out = self._layout.from_block(self._stream.flush())
        self.reset()
        return out

    def reset(self) -> None:
        """Begin a new stream: all sound is forgotten."""
        for plugin in self.plugins:
            if callable(reset := getattr(plugin, "reset", None)):
                reset()
        self._stream = self._layout = self._running = None

    def _stream_at(self, channels: int, sample_rate: float) -> ChainStream:
        running = (*map(id, self.plugins), channels), float(sample_rate)
        if self._stream is None or self._running != running:
            if self._running is not None:
                raise VQSSError("the chain or its sample rate changed within a stream; call reset() first")
            self._stream, self._running = ChainStream(self.plugins, sample_rate, channels), running
        return self._stream

    def __or__(self, other: Any) -> PluginChain:
        return PluginChain([self, other])

    def __ror__(self, other: Any) -> PluginChain:
        return PluginChain([other, self])

    def __iter__(self) -> Iterator[Any]:
        return iter(self.plugins)

    def __len__(self) -> int:
        return len(self.plugins)

    def __getitem__(self, index: int) -> Any:
        return self.plugins[index]

    def __repr__(self) -> str:
        return f"<bridge.pedalboard_bridge.PluginChain {self.plugins!r}; not for a pedalboard.Pedalboard>"
