"""Sends every subscriber what it asked for: changes of others, levels, spectra, status.

Threads: one of its own sends, and may block. `changed` is called on any thread that sets a parameter: it only notes
the newest value. Changes of one address within a few milliseconds are sent as one, the newest, so that a flood of
them costs the engine little and the last value always arrives.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

from bridge.osc_dispatch import Send, change_message
from bridge.osc_feeds import levels_message, spectra_message, status_message
from bridge.osc_subscribers import Clock, Subscribers, Subscription
from vqss_engine.control import Value
from vqss_engine.telemetry import Telemetry
from vqss_engine.vocabulary import POSITION

SHORTEST_INTERVAL_S = 0.004
_LONGEST_WAIT_S = 1.0


class Tap(Protocol):
    """Hears of all changes, as (path, message), on the sending thread, while it is active."""

    @property
    def active(self) -> bool: ...
    def changed(self, messages: list[tuple[str, bytes]]) -> None: ...


class Broadcaster:
    """Feedback and streams to `subscribers` through `send`; `tap` hears of all changes, whoever made them."""

    def __init__(
        self, telemetry: Telemetry, subscribers: Subscribers, send: Send, clock: Clock = time.monotonic
    ) -> None:
        self._telemetry, self._subscribers, self._send, self._clock = telemetry, subscribers, send, clock
        self.tap: Tap | None = None
        self._pending: dict[str, tuple[Value, object]] = {}
        self._notices: list[bytes] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="osc-send", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End the thread; what is pending is still sent."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Look again at once who wants what."""
        self._wake.set()

    def changed(self, path: str, value: Value, origin: object) -> None:
        """Note a change, for all but its maker."""
        if not len(self._subscribers) and not (self.tap and self.tap.active):
            return
        with self._lock:
            self._pending.pop(path, None)
            self._pending[path] = (value, origin)
        if not self._wake.is_set():
            self._wake.set()

    def announce(self, message: bytes) -> None:
        """Send a message to all subscribers."""
        with self._lock:
            self._notices.append(message)
        self._wake.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            try:
                self._flush()
                next_s = self._stream()
            except Exception as error:
                self._telemetry.report(f"OSC feedback failed ({type(error).__name__}: {error})")
                next_s = self._clock() + _LONGEST_WAIT_S
            self._closing.wait(SHORTEST_INTERVAL_S)
            self._wake.wait(min(max(next_s - self._clock(), 0.0), _LONGEST_WAIT_S))
        self._flush()

    def _flush(self) -> None:
        """Send what changed."""
        with self._lock:
            pending, self._pending = self._pending, {}
            notices, self._notices = self._notices, []
        if not pending and not notices:
            return
        messages = [(path, change_message(path, value), origin) for path, (value, origin) in pending.items()]
        for subscription in self._subscribers.present():
            for notice in notices:
                self._send(notice, subscription.target)
            for _, message, origin in messages:
                if not subscription.made(origin):
                    self._send(message, subscription.target)
        if self.tap and self.tap.active and messages:
            self.tap.changed([(path, message) for path, message, _ in messages])

    def _stream(self) -> float:
        """Send levels, spectra and status where they are due; returns when that is next."""
        subscriptions, now_s = self._subscribers.present(), self._clock()
        self._telemetry.spectra_per_s = max((s.spectra.per_s for s in subscriptions), default=0.0)
        levels = status = None
        for subscription in subscriptions:
            if subscription.levels.take(now_s):
                levels = levels or levels_message(self._telemetry)
                self._send(levels, subscription.target)
                self._send_position(subscription)
            if subscription.status.take(now_s):
                status = status or status_message(self._telemetry)
                self._send(status, subscription.target)
                self._send_position(subscription)
        self._send_spectra(subscriptions, now_s)
        return min((s.next_s for s in subscriptions), default=now_s + _LONGEST_WAIT_S)

    def _send_position(self, subscription: Subscription) -> None:
        """Tell where the song is, if it has moved."""
        position_s = float(self._telemetry.position_s)
        if position_s != subscription.position_s:
            subscription.position_s = position_s
            self._send(change_message(POSITION, position_s), subscription.target)

    def _send_spectra(self, subscriptions: tuple[Subscription, ...], now_s: float) -> None:
        """Send the newest spectra where they are due and have not been sent."""
        frame, bands = self._telemetry.spectra
        message = spectra_message(frame, bands) if bands else b""
        for subscription in subscriptions:
            if subscription.spectra.take(now_s) and message and subscription.frame != frame:
                subscription.frame = frame
                self._send(message, subscription.target)
