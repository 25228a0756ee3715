"""In a thread that flushes denormals they are zero, and in others they are not."""

from __future__ import annotations

import threading

import numpy as np

from bridge.denormals import flush_denormals, kept_denormals


def halved() -> np.ndarray:
    """Half the smallest normal numbers."""
    return np.full(64, np.finfo(np.float32).tiny, np.float32) * np.float32(0.5)


def test_only_the_thread_that_asks_flushes() -> None:
    known, found = [], []

    def work() -> None:
        known.append(flush_denormals())
        found.append(halved())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert halved().all()
    assert not known[0] or not found[0].any()


def test_what_changes_it_meanwhile_does_not_change_it_for_long() -> None:
    with kept_denormals():
        known = flush_denormals()
        found = halved()
    assert halved().all()
    assert not known or not found.any()
