"""The engine as a JACK client of its own, with a named port for every channel; works with PipeWire's JACK too.

Threads: libjack's own call `_process` (never waits, but while the server freewheels) and the notifications.
`jack-close` closes the client, and is left behind where it hangs. A server that dies leaves a client that
cannot be closed; it is kept, unused, until the process ends.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge import jack_library as jack
from bridge.exchange import LARGEST_DEVICE_BLOCK, Exchange
from bridge.uncancelled import uncancelled
from vqss_engine.errors import VQSSError

Floats = NDArray[np.float32]

_CLOSE_PATIENCE_S = 0.4
_SETTLED_S, _SETTLING_PATIENCE_S = 0.05, 0.5


def output_ports(cluster_names: Sequence[str], clusters: Sequence[int]) -> list[tuple[str, str]]:
    """(port name, pretty name) of the main pair, and of a pair for each of these clusters."""
    pairs = [("main", "main"), *((f"cluster_{k:02d}", cluster_names[k] or f"cluster {k}") for k in clusters)]
    return [(f"{port}_{side}", f"{pretty} {side}") for port, pretty in pairs for side in "LR"]


class JackDevice:
    """A client `vqss` of the running server. inputs: 0, 1 or 2 input ports; outputs: (name, pretty name) of each.

    pipewire: by PipeWire's own libjack. Raises VQSSError where no server runs, or it refuses ports.
    """

    name = "JACK"
    steady = True

    def __init__(self, inputs: int, outputs: Sequence[tuple[str, str]], pipewire: bool = False) -> None:
        self._library = jack.jack_library(pipewire)
        self._client = jack.open_client("vqss", self._library)
        self._exchange: Exchange | None = None
        self._active = self._called = False
        self._hardware: list[tuple[str, int]] = []
        self._other_rate = self._gone = self._freewheel = False
        self.hung = False
        self.inputs = inputs or 2
        self.rate_hz = int(self._library.jack_get_sample_rate(self._client))
        self.block = int(self._library.jack_get_buffer_size(self._client))
        names = [("in", "input")] if inputs == 1 else [("in_L", "input L"), ("in_R", "input R")][:inputs]
        self._in: list[Any] = []
        self._out: list[Any] = []
        try:
            self._in += (self._register(*name, jack.IS_INPUT) for name in names)
            self._out += (self._register(*name, jack.IS_OUTPUT) for name in outputs)
        except VQSSError:
            self.close()
            raise
        self._given: Floats = np.zeros((self.inputs, LARGEST_DEVICE_BLOCK), np.float32)
        self._wanted: Floats = np.zeros((0, LARGEST_DEVICE_BLOCK), np.float32)
        self._callbacks = self._register_callbacks()

    def _register(self, name: str, pretty: str, flags: int) -> Any:
        port = self._library.jack_port_register(self._client, name.encode(), jack.AUDIO_TYPE, flags, 0)
        if not port:
            raise VQSSError(f"the JACK server refuses the port '{name}'; give it more ports, or leave out multi")
        if hasattr(self._library, "jack_set_property"):
            uuid = self._library.jack_port_uuid(port)
            text = pretty.encode("utf-8")
            self._library.jack_set_property(self._client, uuid, jack.PRETTY_NAME, text, b"text/plain")
        return port

    def _register_callbacks(self) -> list[Any]:
        """Returned so that they are kept as long as the client is."""
        library, client = self._library, self._client
        guarded = {
            "jack_set_process_callback": uncancelled(jack.Process(self._process)),
            "jack_set_sample_rate_callback": uncancelled(jack.Process(self._rate_changed)),
            "jack_set_buffer_size_callback": uncancelled(jack.Process(self._block_changed)),
            "jack_set_freewheel_callback": uncancelled(jack.Freewheel(self._freewheeling)),
            "jack_set_latency_callback": uncancelled(jack.Freewheel(self._tell_latency)),
        }
        for name, callback in guarded.items():
            getattr(library, name)(client, callback.function, callback.argument)
        events = jack.Event(self._xrun), jack.Shutdown(self._shut_down)
        library.jack_set_xrun_callback(client, events[0], None)
        library.jack_on_shutdown(client, events[1], None)
        return [*guarded.values(), *events]

    # libjack's threads

    def _process(self, frames: int, _: Any) -> int:
        exchange, buffer = self._exchange, self._library.jack_port_get_buffer
        self._called = True
        if exchange is None or frames > LARGEST_DEVICE_BLOCK:
            for port in self._out:
                ctypes.memset(buffer(port, frames), 0, 4 * frames)
            return 0
        size = 4 * frames
        for row, port in zip(self._given_rows, self._in):
            jack.copy_bytes(row, buffer(port, frames), size)
        exchange.exchange(self._given[:, :frames], self._wanted[:, :frames])
        for row, port in zip(self._wanted_rows, self._out):
            jack.copy_bytes(buffer(port, frames), row, size)
        return 0

    def _rate_changed(self, rate_hz: int, _: Any) -> int:
        self._other_rate = self._other_rate or rate_hz != self.rate_hz
        return 0

    def _block_changed(self, block: int, _: Any) -> int:
        self.block = block
        return 0

    def _freewheeling(self, starting: int, _: Any) -> None:
        self._freewheel = bool(starting)
        if self._exchange is not None:
            self._exchange.waiting = self._freewheel

    def _tell_latency(self, mode: int, _: Any) -> None:
        """Let the graph know how late the outputs are, so that a DAW can move what it records."""
        given, shown = (self._in, self._out) if mode == jack.CAPTURE else (self._out, self._in)
        found, delay = [self._latency(port, mode) for port in given], self.delay
        smallest = min((one.smallest for one in found), default=0) + delay
        largest = max((one.largest for one in found), default=0) + delay
        for port in shown:
            self._library.jack_port_set_latency_range(port, mode, jack.LatencyRange(smallest, largest))

    def _xrun(self, _: Any) -> int:
        if self._exchange is not None:
            self._exchange.note_xrun()
        return 0

    def _shut_down(self, _: Any) -> None:
        self._gone = True

    # The host's

    delay = 0
    """Frames from the input ports to the output ports, as the host knows it."""

    def start(self, exchange: Exchange) -> None:
        """Run, connected to the server's own ports, or go on with another exchange. Raises VQSSError where the server
        refuses."""
        exchange.waiting = self._freewheel
        if self._active:
            self._exchange = exchange
            return
        self._wanted = np.zeros((exchange.outputs, LARGEST_DEVICE_BLOCK), np.float32)
        self._given_rows = [self._given[row].ctypes.data for row in range(self.inputs)]
        self._wanted_rows = [self._wanted[row].ctypes.data for row in range(exchange.outputs)]
        self._exchange = exchange
        if self._library.jack_activate(self._client):
            raise VQSSError("the JACK server does not let us start; restart it")
        self._active = True
        self._connect()
        self._settle()

    def _connect(self) -> None:
        """To the server's own ports."""
        captures = jack.port_names(self._library, self._client, jack.IS_PHYSICAL | jack.IS_OUTPUT)
        playbacks = jack.port_names(self._library, self._client, jack.IS_PHYSICAL | jack.IS_INPUT)
        self._hardware = [(name, jack.CAPTURE) for name in captures[: min(1, len(self._in))]]
        self._hardware += [(name, jack.PLAYBACK) for name in playbacks[: min(1, len(self._out))]]
        if len(captures) == 1:
            captures = captures * len(self._in)     # a single microphone is heard in the middle
        for source, port in zip(captures, self._in):
            self._library.jack_connect(self._client, source.encode(), self._library.jack_port_name(port))
        for port, target in zip(self._out[:2], playbacks):
            self._library.jack_connect(self._client, self._library.jack_port_name(port), target.encode())

    def _settle(self) -> None:
        """Wait until blocks have their length: PipeWire tells one at first, and has others as ports are connected."""
        block, since = self.block, time.monotonic()
        deadline = since + _SETTLING_PATIENCE_S
        while (now := time.monotonic()) < deadline and not (self._called and now >= since + _SETTLED_S):
            time.sleep(0.002)
            if self.block != block:
                block, since = self.block, now

    def declare(self, delay: int) -> None:
        """Tell the graph the frames from input to output ports."""
        self.delay = delay
        self._library.jack_recompute_total_latencies(self._client)

    @property
    def alive(self) -> bool:
        return not self._gone and not self._other_rate

    @property
    def finished(self) -> bool:
        return False

    @property
    def latency_s(self) -> float:
        """Of the hardware, in and out, as the server tells it."""
        by_name = self._library.jack_port_by_name
        ports = [(by_name(self._client, name.encode()), mode) for name, mode in self._hardware]
        frames = [self._latency(port, mode).largest for port, mode in ports if port]
        return float(sum(frames)) / self.rate_hz

    def _latency(self, port: Any, mode: int) -> jack.LatencyRange:
        found = jack.LatencyRange()
        self._library.jack_port_get_latency_range(port, mode, ctypes.byref(found))
        return found

    def close(self) -> None:
        """Leave the server; where that died the client is left as it is, for closing it may hang or crash."""
        if self._gone:
            self.hung = True
        if self.hung:
            _LEFT.append(self)
            return
        closer = threading.Thread(target=self._close, name="jack-close", daemon=True)
        closer.start()
        closer.join(_CLOSE_PATIENCE_S)
        self.hung = closer.is_alive()

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            self._library.jack_deactivate(client)
            # One by one: a server that has to do it while it closes us floods a socket that nobody reads any more with
            # what it tells of dozens of ports, and stands still for good.
            ports, self._in, self._out = [*self._in, *self._out], [], []
            for port in ports:
                self._library.jack_port_unregister(client, port)
            self._library.jack_client_close(client)


_LEFT: list[JackDevice] = []
"""Clients of servers that died; their threads may still call what they were given."""
