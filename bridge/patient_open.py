"""Opens a device while somebody else goes on: a sound system that stands still can hold whoever asks it for good.

Thread: `live-open` opens and starts; it may block for ever, and is then left behind. The others look how far it is.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from bridge.exchange import Exchange
from bridge.live_device import Device
from vqss_engine.errors import VQSSError


class PatientOpen:
    """One try to open a device with `open_device`, begun at once, and to `start` it then; or else to `leave` it.

    Both on one thread, for there are sound systems that want that.
    """

    def __init__(self, open_device: Callable[[], Device]) -> None:
        self._open_device = open_device
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._next: queue.SimpleQueue[Exchange | None] = queue.SimpleQueue()
        self._device: Device | None = None
        self._error: VQSSError | None = None
        self._left = False
        threading.Thread(target=self._run, name="live-open", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether what was begun last, opening or starting, has come to an end by then."""
        return self._done.wait(seconds)

    def device(self) -> Device:
        """The device, once that has come to an end; raises the VQSSError that it did."""
        if self._error is not None:
            raise self._error
        assert self._device is not None
        return self._device

    def start(self, exchange: Exchange) -> None:
        """Begin to start the device, which is open. Once."""
        self._done.clear()
        self._next.put(exchange)

    def leave(self) -> bool:
        """Want the device no longer: it is closed, should it ever open. Returns whether the thread still hangs."""
        with self._lock:
            self._left = True
            device, hangs = self._device, not self._done.is_set()
        self._next.put(None)
        if device is not None:
            device.close()
        return hangs

    def _run(self) -> None:
        self._do(self._open)
        if (exchange := self._next.get()) is not None:
            self._do(lambda: self.device().start(exchange))

    def _do(self, step: Callable[[], None]) -> None:
        try:
            step()
        except VQSSError as error:
            self._error = error
        except Exception as error:  # a broken sound system may raise anything, and must not end the run
            self._error = VQSSError(f"the device does not open ({type(error).__name__}: {error}); trying again")
        with self._lock:
            device = self._device if self._left else None
        if device is not None:
            device.close()
        self._done.set()

    def _open(self) -> None:
        device = self._open_device()
        with self._lock:
            self._device = device
