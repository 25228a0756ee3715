"""Opens a device while somebody else goes on: a sound system that stands still can hold whoever asks it for good.

Thread: `live-open` opens; it may block for ever, and is then left behind. The others look how far it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from bridge.live_device import Device
from vqss_engine.errors import VQSSError


class PatientOpen:
    """One try to open a device with `open_device`, begun at once."""

    def __init__(self, open_device: Callable[[], Device]) -> None:
        self._open = open_device
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._device: Device | None = None
        self._error: VQSSError | None = None
        self._left = False
        threading.Thread(target=self._run, name="live-open", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether it has come to an end by then."""
        return self._done.wait(seconds)

    def device(self) -> Device:
        """The device, once it has come to an end; raises the VQSSError that opening did."""
        if self._error is not None:
            raise self._error
        assert self._device is not None
        return self._device

    def leave(self) -> bool:
        """Want the device no longer: it is closed should it ever open. Returns whether the thread still hangs."""
        with self._lock:
            self._left = True
            device, hangs = self._device, not self._done.is_set()
        if device is not None:
            device.close()
        return hangs

    def _run(self) -> None:
        try:
            device = self._open()
        except VQSSError as error:
            self._error = error
        except Exception as error:  # a broken sound system may raise anything, and must not end the run
            self._error = VQSSError(f"the device does not open ({type(error).__name__}: {error}); trying again")
        else:
            with self._lock:
                self._device, left = device, self._left
            if left:
                device.close()
        self._done.set()
