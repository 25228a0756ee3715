"""Who hears of changes, levels and spectra over OSC: at most 256 subscriptions, each ending unless renewed.

Threads: any; a short lock guards the table.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bridge.osc_packet import Address

LIFETIME_S = 15.0
MOST_SUBSCRIBERS = 256

Clock = Callable[[], float]


@dataclass(slots=True)
class Pace:
    """Something sent `per_s` times a second, on a grid that all of the same rate share; 0 is never."""

    per_s: float
    due_s: float = 0.0

    def take(self, now_s: float) -> bool:
        """Whether it is time; if so, the next time is set."""
        if not self.per_s or now_s < self.due_s:
            return False
        self.due_s = (math.floor(now_s * self.per_s + 1e-6) + 1) / self.per_s
        return True

    def change(self, per_s: float) -> None:
        """Go on at another rate, from now."""
        if per_s != self.per_s:
            self.per_s, self.due_s = per_s, 0.0

    @property
    def next_s(self) -> float:
        """When it is time again."""
        return self.due_s if self.per_s else math.inf


@dataclass(slots=True)
class Subscription:
    """`target` is where to send; `owner` is who asked, and so the maker of the changes that come from there.

    `frame` and `position_s` are those it was told last, of spectra and of the song.
    """

    target: Address
    owner: Address
    levels: Pace
    spectra: Pace
    status: Pace
    ends_s: float
    frame: int = -1
    position_s: float = 0.0

    def made(self, origin: object) -> bool:
        """Whether a change with this origin came from this subscriber."""
        return origin == self.owner or origin == self.target

    @property
    def next_s(self) -> float:
        """When something is due, or the subscription ends."""
        return min(self.levels.next_s, self.spectra.next_s, self.status.next_s, self.ends_s)


class Subscribers:
    """The table of subscriptions; `clock` gives seconds that never go back."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._table: dict[Address, Subscription] = {}

    def __len__(self) -> int:
        return len(self._table)

    def add(self, owner: Address, port: int, levels_per_s: float, spectra_per_s: float) -> bool:
        """Subscribe or renew; port 0 is the port the wish came from. False where the table is full."""
        target = with_port(owner, port)
        ends_s = self._clock() + LIFETIME_S
        with self._lock:
            known = self._table.get(target)
            if known is None and len(self._table) >= MOST_SUBSCRIBERS:
                self._drop_ended()
                if len(self._table) >= MOST_SUBSCRIBERS:
                    return False
            if known is None:
                self._table[target] = Subscription(
                    target, owner, Pace(levels_per_s), Pace(spectra_per_s), Pace(1.0), ends_s
                )
            else:
                known.owner, known.ends_s = owner, ends_s
                known.levels.change(levels_per_s)
                known.spectra.change(spectra_per_s)
        return True

    def remove(self, owner: Address, port: int) -> None:
        """End a subscription; port 0 ends those that `owner` asked for."""
        target = with_port(owner, port)
        with self._lock:
            self._table = {
                key: entry
                for key, entry in self._table.items()
                if key != target and (port or entry.owner != owner)
            }

    def present(self) -> tuple[Subscription, ...]:
        """All subscriptions that have not ended; the others are forgotten."""
        with self._lock:
            self._drop_ended()
            return tuple(self._table.values())

    def _drop_ended(self) -> None:
        now_s = self._clock()
        if any(entry.ends_s <= now_s for entry in self._table.values()):
            self._table = {key: entry for key, entry in self._table.items() if entry.ends_s > now_s}


def with_port(address: Address, port: int) -> Address:
    """`address` with another port; 0 leaves it."""
    if not port:
        return address
    return (address[0], port) if len(address) == 2 else (address[0], port, address[2], address[3])
