"""Which device is meant by --input and --output, and what every device offers to the host."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bridge.clock_device import ClockDevice
from bridge.exchange import Exchange
from vqss_engine.errors import UsageError, VQSSError

NONE, JACK, DEFAULT = "none", "jack", "default"


class Device(Protocol):
    """What moves blocks in and out of an exchange; `start` again, and it goes on with another exchange.

    block: frames of a callback, None where only the callbacks tell; steady: all are of that length, until a sound
    system changes it. latency_s: of the hardware, in and out. hung: closing it did not return. finished: it came to its
    end by itself.
    """

    steady: bool
    hung: bool
    rate_hz: int
    inputs: int

    @property
    def name(self) -> str: ...
    @property
    def block(self) -> int | None: ...
    @property
    def latency_s(self) -> float: ...
    @property
    def alive(self) -> bool: ...
    @property
    def finished(self) -> bool: ...
    def start(self, exchange: Exchange) -> None: ...
    def declare(self, delay: int) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Layout:
    """What the engine would like: samples of a hop, rate in Hz, 1 or 2 channels of input."""

    hop: int = 256
    rate_hz: int = 44100
    channels: int = 2


@dataclass(frozen=True)
class DeviceChoice:
    """source, target: `none`, `jack`, `default`, or a PortAudio device's name or number. multi: a pair per cluster.

    clusters: those that have a pair with `multi`; None: all. rate_hz None, block 0: the device's own. seconds limits
    a stream without a device; None: endless. free: without a device, as fast as the engine goes. pipewire: JACK is
    reached by PipeWire's own libjack.
    """

    source: str = DEFAULT
    target: str = DEFAULT
    rate_hz: int | None = None
    block: int = 0
    multi: bool = False
    seconds: float | None = None
    free: bool = False
    clusters: tuple[int, ...] | None = None
    pipewire: bool = False

    @property
    def is_clock(self) -> bool:
        """Whether no device is wanted."""
        return self.source == self.target == NONE


def settled(choice: DeviceChoice) -> DeviceChoice:
    """The same choice for good: JACK where nothing was asked for and a server runs, and which JACK where it is.

    Where JACK is asked for and its server does not run, PipeWire is one; but not one that JACK_DEFAULT_SERVER names.
    """
    if choice.source == choice.target == DEFAULT:
        return replace(choice, source=JACK, target=JACK) if _jack_runs() else choice
    if not _is_jack(choice) or "JACK_DEFAULT_SERVER" in os.environ:
        return choice
    return replace(choice, pipewire=not _jack_runs() and _jack_runs(pipewire=True))


def open_again(choice: DeviceChoice, cluster_names: Sequence[str], layout: Layout, hung: bool) -> Device:
    """Another `open_device` after the last one was lost; `hung`: that one cannot be closed."""
    if not choice.is_clock and not _is_jack(choice):
        from bridge.portaudio_library import look_again

        look_again(hung)
    # A server whose blocks change during the run is served as it is.
    return open_device(replace(choice, block=0) if _is_jack(choice) else choice, cluster_names, layout)


def _is_jack(choice: DeviceChoice) -> bool:
    return JACK in (choice.source, choice.target)


def open_device(choice: DeviceChoice, cluster_names: Sequence[str], layout: Layout) -> Device:
    """The device meant by a settled `choice`, not started. Raises VQSSError where there is none that fits."""
    clusters = _paired(choice, cluster_names)
    if choice.is_clock:
        rate_hz = choice.rate_hz or layout.rate_hz
        limit = None if choice.seconds is None else round(choice.seconds * rate_hz)
        return ClockDevice(rate_hz, choice.block or layout.hop, choice.free, limit, layout.channels)
    if _is_jack(choice):
        return _jack_device(choice, cluster_names, clusters, layout)
    from bridge.audio_host import PortAudioDevice

    source, target = (None if name == NONE else name for name in (choice.source, choice.target))
    outputs = 2 + 2 * len(clusters)
    return PortAudioDevice(source, target, outputs, choice.rate_hz, choice.block, layout.channels)


def _paired(choice: DeviceChoice, cluster_names: Sequence[str]) -> Sequence[int]:
    """The clusters with outputs of their own; raises UsageError where the model has no such cluster."""
    if not choice.multi:
        return ()
    every = range(len(cluster_names))
    if choice.clusters is None:
        return every
    if odd := [k for k in choice.clusters if k not in every]:
        raise UsageError(f"there is no cluster {odd[0]}; the model has 0 to {len(every) - 1}")
    return choice.clusters


def _jack_runs(pipewire: bool = False) -> bool:
    from bridge.jack_library import jack_library, open_client

    try:
        library = jack_library(pipewire)
        library.jack_client_close(open_client("vqss_probe", library))
    except VQSSError:
        return False
    return True


def _jack_device(
    choice: DeviceChoice, cluster_names: Sequence[str], clusters: Sequence[int], layout: Layout
) -> Device:
    from bridge.jack_ports import JackDevice, output_ports

    if not {choice.source, choice.target} <= {JACK, DEFAULT, NONE}:
        raise UsageError("JACK is one device for input and output; give jack, or none, for both")
    outputs = [] if choice.target == NONE else output_ports(cluster_names, clusters)
    if choice.pipewire and choice.block:    # its server has no block of its own, but what its clients ask for
        os.environ.setdefault("PIPEWIRE_LATENCY", f"{choice.block}/{choice.rate_hz or 48000}")
    device = JackDevice(0 if choice.source == NONE else layout.channels, outputs, choice.pipewire)
    if choice.rate_hz not in (None, device.rate_hz):
        device.close()
        raise VQSSError(
            f"the JACK server runs at {device.rate_hz} Hz, not {choice.rate_hz}; leave --samplerate out, or restart it"
        )
    if choice.block not in (0, device.block):
        device.close()
        raise VQSSError(
            f"the JACK server's blocks are {device.block}; leave --blocksize out, or run jack_bufsize {choice.block}"
        )
    return device
