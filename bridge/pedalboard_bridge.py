"""The separator as pedalboard's plug-ins are: called with audio and a sample rate, and chained with them.

    separator = VQSSeparator(solo=[3], gains_db={5: -6})
    out = separator(audio, sample_rate)
    chain = HighpassFilter(80) | separator | Limiter()

`process` works as that of any plug-in does. With `reset=True` it takes a whole signal and returns as much. With
`reset=False` it goes on with a stream: latency is trimmed, so fewer samples come back at first, and what has come
back is aligned with what went in; `flush` returns the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.audio_layout import Block, check_audio, detect
from bridge.audio_limits import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from bridge.chain import PluginCall, PluginChain
from bridge.engine_stream import EngineStream
from bridge.mix_settings import MixSettings
from bridge.rack import BuiltRack, ClusterRack, PluginLatency, as_rack
from bridge.rack_controls import RackControls
from bridge.rack_host import RackHost
from bridge.stem_stream import StemStream, stem_blocks
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.control import ControlSurface
from vqss_engine.engine import Engine
from vqss_engine.errors import VQSSError
from vqss_engine.offline import OfflineSeparator

__all__ = ["ClusterRack", "PluginChain", "PluginLatency", "RackHost", "VQSSeparator"]


class VQSSeparator(PluginCall, MixSettings):
    """Splits audio into clusters and mixes them again, by faders and effects of their own.

    model: a bundle, its path, or None for the shipped one. solo, mute: a cluster's number or several. gains_db:
    cluster -> dB (-70 is silence, at most 12), or K values. rack: a ClusterRack, a rack file, its content, or a
    mapping of cluster to plug-ins. profile: `default`, `low` or `safe`, as for `vqss --latency`.

    `surface` is the whole mixer (see the address table): `separator.surface.set("/vqss/cluster/3/pan", -0.5)`.
    Faders may be changed at any time, a stream that is running glides there; a rack between streams. Raises
    VQSSError for what cannot be. Not for several threads at once.
    """

    def __init__(
        self,
        model: ModelBundle | str | Path | None = None,
        solo: int | Iterable[int] | None = None,
        mute: int | Iterable[int] | None = None,
        gains_db: Mapping[int, float] | Sequence[float] | NDArray[Any] | None = None,
        rack: ClusterRack | Mapping[Any, Any] | str | Path | None = None,
        profile: str = "default",
    ) -> None:
        if not isinstance(model, ModelBundle):
            model = ModelBundle.load(None if model is None else Path(model))
        self.bundle = model
        names, colors = self.bundle.cluster_names, self.bundle.cluster_colors
        super().__init__(ControlSurface(self.bundle.config.clusters, names, colors))
        self._stream_config = StreamConfig.named(profile)
        self._stream: EngineStream | None = None
        self._engines: dict[int, Engine] = {}
        self._latencies: tuple[PluginLatency, ...] = ()
        self._rack: ClusterRack | None = None
        self._controls = RackControls(self.surface)
        self.solo = solo
        self.mute = mute
        self.gains_db = gains_db
        self.rack = rack

    # Effects

    @property
    def rack(self) -> ClusterRack | None:
        """The effects on clusters and on the main output. One that is refused leaves those that were there."""
        return self._rack

    @rack.setter
    def rack(self, wanted: ClusterRack | Mapping[Any, Any] | str | Path | None) -> None:
        if self._layout is not None:
            raise VQSSError("the rack cannot be changed within a stream; call flush() or reset() first")
        rack = None if wanted is None else as_rack(wanted)
        self._forget_engines()      # the new rack may have plug-ins of the old one in it
        engines, latencies = ({}, ()) if rack is None else self._tried(rack)
        self._rack, self._engines, self._latencies = rack, engines, latencies
        self._controls.publish(rack, self._bypass)

    def _tried(self, rack: ClusterRack) -> tuple[dict[int, Engine], tuple[PluginLatency, ...]]:
        """An engine with `rack` in it, so that it is refused here and not in the middle of a stream."""
        try:
            engine, latencies = self._made(rack, 2)
        except VQSSError as error:
            try:
                engine, latencies = self._made(rack, 1)  # plug-ins for one channel are fine while the audio has one
            except VQSSError:
                raise error from None
        return {engine.channels: engine}, latencies

    def _forget_engines(self) -> None:
        """The next ones are made anew; of a rack, plug-ins can play in one engine only."""
        self._stream = None
        self._engines.clear()

    def _bypass(self, key: int | str, bypass: bool) -> None:
        for engine in self._engines.values():
            engine.bypass_insert(key, bypass)

    @property
    def latencies(self) -> tuple[PluginLatency, ...]:
        """How late each plug-in of the rack is, at the model's rate; the clusters stay aligned all the same."""
        return self._latencies

    # Audio: what PluginCall asks for

    def _whole(self, block: Block, sample_rate: float, buffer_size: int) -> Block:
        ready = self._push(block, sample_rate, buffer_size)
        return np.concatenate([ready, self._rest()], axis=1)

    def _push(self, block: Block, sample_rate: float, buffer_size: int) -> Block:
        stream = self._stream_at(block.shape[0], _checked_rate(sample_rate))
        return np.concatenate([block[:, :0], *(stream.push(part) for part in _blocks(block, buffer_size))], axis=1)

    def _rest(self) -> Block:
        assert self._stream is not None
        return self._stream.flush()

    def _forget(self) -> None:
        if self._stream is not None:
            self._stream.reset()

    @property
    def latency_samples(self) -> int:
        """The most samples a stream holds back, at its rate (the model's before it began)."""
        channels = self._layout.channels if self._layout else 2
        stream = self._stream
        if stream is None:
            engine = self._engine(channels)
            return engine.latency_samples + engine.hop
        return stream.latency_samples

    def stems(self, audio: NDArray[Any], sample_rate: float) -> NDArray[np.float32]:
        """Every cluster on its own, before faders and effects: (K, C, N) float32, which sum to `audio`.

        (N,) gives (K, 1, N). Raises as `process` does.
        """
        array, rate = check_audio(audio), _checked_rate(sample_rate)
        layout = detect(array.shape)
        block = layout.to_block(array)
        separator = OfflineSeparator(self.bundle, self._stream_config, layout.channels)
        stream = StemStream(separator, self.bundle.config.sample_rate, rate)
        parts = [stems for _, stems in stem_blocks(stream, _blocks(block, 16384))]
        return np.concatenate([np.zeros((self.clusters, layout.channels, 0), np.float32), *parts], axis=-1)

    def _engine(self, channels: int) -> Engine:
        """The engine for so many channels; it has the rack in it. Raises VQSSError."""
        if channels not in self._engines:
            if self._rack is not None:
                self._forget_engines()
            self._engines[channels], self._latencies = self._made(self._rack, channels)
            self._controls.pass_by_again()
        return self._engines[channels]

    def _made(self, rack: ClusterRack | None, channels: int) -> tuple[Engine, tuple[PluginLatency, ...]]:
        """A new engine that plays through `rack`, and how late each plug-in is; raises VQSSError."""
        engine = Engine(self.bundle, self._stream_config, channels, self.surface)
        built = BuiltRack({}, ())
        if rack is not None:
            built = rack.build(engine.sample_rate, channels, engine.hop, engine.clusters)
        engine.set_inserts(built.inserts, at_once=True)
        return engine, built.latencies

    def _stream_at(self, channels: int, rate: int) -> EngineStream:
        engine = self._engine(channels)
        stream = self._stream
        if stream is None or (stream.channels, stream.sample_rate) != (channels, rate):
            if self._layout is not None:
                raise VQSSError("the sample rate changed within a stream; call flush() or reset() first")
            self._stream = stream = EngineStream(engine, rate)
        return stream

    def __repr__(self) -> str:
        # pedalboard prints this when it refuses one of ours, so it says where ours belongs.
        return (
            f"<VQSSeparator '{self.bundle.name}' with {self.clusters} clusters;"
            " chain it with | or bridge.pedalboard_bridge.PluginChain, not in a pedalboard.Pedalboard>"
        )


def _blocks(block: Block, size: int) -> Iterable[Block]:
    return (block[:, start : start + size] for start in range(0, block.shape[1], size))


def _checked_rate(sample_rate: float) -> int:
    rate = float(sample_rate)
    if not (LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ and rate == int(rate)):
        raise VQSSError(
            f"a sample rate of {rate:g} Hz cannot be used;"
            f" give a whole number from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}"
        )
    return int(rate)
