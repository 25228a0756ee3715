"""Foreign code on its own thread: its results and errors come back, and nobody waits past the deadline."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

from bridge.isolated_call import IsolatedCall, TooLate
from tests.osc_peers import wait_until
from vqss_engine.inserts import Deadline

BLOCK = np.zeros((2, 8), np.float32)
AMPLE = Deadline(10.0)


def test_results_and_errors_come_back() -> None:
    def work(block: np.ndarray) -> np.ndarray:
        if block[0, 0] < 0:
            raise ValueError("below zero")
        return block + 1

    call = IsolatedCall(work, "test")
    assert np.array_equal(call(BLOCK, AMPLE), BLOCK + 1)
    with pytest.raises(ValueError, match="below zero"):
        call(BLOCK - 1, AMPLE)
    assert np.array_equal(call(BLOCK, AMPLE), BLOCK + 1)


def test_who_hangs_is_not_waited_for_and_its_late_result_is_dropped() -> None:
    go_on, calls = threading.Event(), []

    def work(block: np.ndarray) -> np.ndarray:
        calls.append(float(block[0, 0]))
        if len(calls) == 1:
            go_on.wait(30.0)
        return block

    call = IsolatedCall(work, "test")
    with pytest.raises(TooLate, match="within"):
        call(BLOCK + 1, Deadline(0.01))
    with pytest.raises(TooLate, match="still"):
        call(BLOCK + 2, Deadline(30.0))
    go_on.set()
    wait_until(lambda: not call.busy)
    assert np.array_equal(call(BLOCK + 3, AMPLE), BLOCK + 3) and calls == [1.0, 3.0]


def test_the_thread_ends_with_its_owner() -> None:
    call = IsolatedCall(lambda block: block, "a thread that ends")
    assert call(BLOCK, AMPLE) is BLOCK
    del call
    gc.collect()
    wait_until(lambda: all(thread.name != "a thread that ends" for thread in threading.enumerate()))
