"""A sound card through PortAudio: its callback moves blocks between the device and the rings.

Threads: PortAudio's own calls `_duplex`, `_playing` or `_listening`, which never wait. Opening, closing and asking
happen on the host's thread; `portaudio-close` closes the stream, and is left behind where it hangs.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.alsa_messages import silence_alsa
from bridge.audio_limits import HIGHEST_RATE_HZ, LOWEST_DEVICE_RATE_HZ
from bridge.exchange import LARGEST_DEVICE_BLOCK, Exchange
from bridge.portaudio_library import portaudio
from vqss_engine.errors import UsageError, VQSSError

Floats = NDArray[np.float32]

STEADY_APIS = ("JACK", "Core Audio", "ASIO")
"""Parts of the names of systems whose blocks are all of one length."""

_CLOSE_PATIENCE_S = 0.4
_LONGEST_LATENCY_S = 5.0
"""Some drivers tell days of latency where they know none."""


def find_device(wanted: str, kind: str) -> dict[str, Any]:
    """The device meant by a number, a part of its name, or `default`; kind: input or output. Raises VQSSError."""
    sounddevice = portaudio()
    key: Any = None if wanted == "default" else int(wanted) if wanted.isdecimal() else wanted
    try:
        found: dict[str, Any] = dict(sounddevice.query_devices(key, kind))
    except (ValueError, sounddevice.PortAudioError) as error:
        reason = " ".join(str(error).split())
        raise VQSSError(f"no {kind} device '{wanted}' ({reason}); vqss devices lists what there is") from error
    return found


class PortAudioDevice:
    """Streams from `source` to `target`: device names, numbers, `default`, or None for that side left out.

    rate_hz: None takes the device's own. block: frames of a callback, 0 the host's choice. inputs: 1 or 2, as many
    as the device has at most. outputs: what the exchange will have. Raises VQSSError where that cannot be.
    """

    def __init__(
        self, source: str | None, target: str | None, outputs: int, rate_hz: int | None, block: int, inputs: int = 2
    ) -> None:
        self._module = portaudio()
        self._source = find_device(source, "input") if source is not None else None
        self._target = find_device(target, "output") if target is not None else None
        known = [device for device in (self._target, self._source) if device]
        self.name = " / ".join(dict.fromkeys(device["name"] for device in known))
        self.rate_hz = rate_hz or round(known[0]["default_samplerate"])
        self.inputs = min(inputs, self._source["max_input_channels"]) if self._source else 2
        self._outputs = outputs
        self._check()
        api = self._module.query_hostapis(known[0]["hostapi"])["name"]
        self.steady = block > 0 or any(name in api for name in STEADY_APIS)
        self.block: int | None = None
        self._block = block
        self._stream: Any = None
        self._exchange: Exchange | None = None
        self._silence: Floats = np.zeros((self.inputs, LARGEST_DEVICE_BLOCK), np.float32)
        self._unheard: Floats = np.zeros((outputs, LARGEST_DEVICE_BLOCK), np.float32)
        self.hung = False
        self.latency_s = 0.0

    def _check(self) -> None:
        if not LOWEST_DEVICE_RATE_HZ <= self.rate_hz <= HIGHEST_RATE_HZ:
            raise UsageError(f"{self.rate_hz} Hz; give a sample rate from {LOWEST_DEVICE_RATE_HZ} to {HIGHEST_RATE_HZ}")
        if self._target and self._target["max_output_channels"] < self._outputs:
            raise VQSSError(
                f"'{self._target['name']}' has {self._target['max_output_channels']} output channels, and"
                f" {self._outputs} are needed; choose another device, or leave out --outputs multi"
            )

    def start(self, exchange: Exchange) -> None:
        """Open the stream and let it run, or go on with another exchange. Raises VQSSError where the device refuses."""
        self._exchange = exchange
        if self._stream is not None:
            return
        silence_alsa()
        numbers = [None if device is None else device["index"] for device in (self._source, self._target)]
        options: dict[str, Any] = {"samplerate": self.rate_hz, "blocksize": self._block, "dtype": "float32",
                                   "latency": "low"}  # fmt: skip
        try:
            if self._source is None:
                self._stream = self._module.OutputStream(
                    device=numbers[1], channels=self._outputs, callback=self._playing, **options
                )
            elif self._target is None:
                self._stream = self._module.InputStream(
                    device=numbers[0], channels=self.inputs, callback=self._listening, **options
                )
            else:
                self._stream = self._module.Stream(
                    device=numbers, channels=(self.inputs, self._outputs), callback=self._duplex, **options
                )
            self._stream.start()
        except (self._module.PortAudioError, ValueError) as error:
            self.close()
            reason = " ".join(str(error).split())
            raise VQSSError(
                f"'{self.name}' does not open at {self.rate_hz} Hz ({reason}); try another --samplerate or --blocksize"
            ) from error
        told = np.atleast_1d(self._stream.latency)
        self.latency_s = float(sum(told[(told >= 0.0) & (told < _LONGEST_LATENCY_S)]))

    def _duplex(self, given: Floats, wanted: Floats, frames: int, times: Any, status: Any) -> None:
        exchange = self._exchange
        assert exchange is not None
        if status:
            exchange.note_xrun()
        exchange.exchange(given.T, wanted.T)

    def _playing(self, wanted: Floats, frames: int, times: Any, status: Any) -> None:
        self._duplex(self._silence[:, :frames].T, wanted, frames, times, status)

    def _listening(self, given: Floats, frames: int, times: Any, status: Any) -> None:
        self._duplex(given, self._unheard[:, :frames].T, frames, times, status)

    def declare(self, delay: int) -> None:
        """PortAudio has nobody to tell."""

    @property
    def alive(self) -> bool:
        return self._stream is not None and bool(self._stream.active)

    @property
    def finished(self) -> bool:
        return False

    def close(self) -> None:
        """End the stream; where that hangs, `hung` says so."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        closer = threading.Thread(target=stream.close, name="portaudio-close", daemon=True)
        closer.start()
        closer.join(_CLOSE_PATIENCE_S)
        self.hung = closer.is_alive()
