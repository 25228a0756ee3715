"""Garbage collection, and other threads of this process, kept away from what must be in time."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SWITCH_INTERVAL_S = 0.0005


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect before, not during: what exists at the start is exempt, and nothing is collected but by gc.collect()."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection but where it is asked for, and short turns for threads that hold the interpreter."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        with no_collection():
            yield
    finally:
        sys.setswitchinterval(interval)
