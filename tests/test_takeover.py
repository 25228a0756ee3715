"""What is heard where hops come late: the input takes over from separated sound, and gives back, unheard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import exchange_kernel as kernel
from bridge.exchange import Exchange
from tests.streams import largest_step

BLOCK, PREFILL, RATE = 64, 128, 44100
TURNS = st.lists(st.integers(0, 4), min_size=1, max_size=40)
"""How many chunks the worker has done after each block."""


def heard(signal: np.ndarray, turns: Sequence[int], wet_gain: float = 1.0) -> tuple[np.ndarray, Exchange]:
    """(C, N) of the callback, block by block, with a worker that takes its turns and makes the input as loud."""
    exchange = Exchange(2, 2, RATE)
    exchange.begin(PREFILL)
    exchange.level[kernel.INPUT_LEVEL] = 1.0
    exchange.state[kernel.DELAY] = PREFILL
    out, chunk = np.zeros_like(signal), np.zeros((2, BLOCK), np.float32)
    for at in range(signal.shape[1] // BLOCK):
        part = slice(at * BLOCK, (at + 1) * BLOCK)
        exchange.exchange(signal[:, part], out[:, part])
        for _ in range(turns[at % len(turns)]):
            if exchange.incoming.read(chunk):
                exchange.outgoing.write(chunk * np.float32(wet_gain), over=True)
    return out, exchange


@given(TURNS)
def test_input_that_stands_in_for_its_like_is_not_told_apart(turns: list[int]) -> None:
    signal = np.random.default_rng(1).uniform(-0.9, 0.9, (2, 60 * BLOCK)).astype(np.float32)
    out, _ = heard(signal, turns)
    assert np.array_equal(out[:, PREFILL:], signal[:, :-PREFILL]) and not out[:, :PREFILL].any()


@pytest.mark.parametrize("turns", [[1] * 30 + [0] * 15 + [4] * 15, [1] * 20 + [0] * 4 + [4] * 3, [0, 0, 0, 0, 0, 5]])
def test_input_that_sounds_otherwise_takes_over_without_a_step(turns: list[int]) -> None:
    time = np.arange(120 * BLOCK) / RATE
    signal = np.tile(0.5 * np.sin(2 * np.pi * 100 * time), (2, 1)).astype(np.float32)
    out, exchange = heard(signal, turns, 0.8)
    assert exchange.count(kernel.DRY_TIMES) > 0
    # Besides the signal's own steps: what parts the two, 0.2 of it, goes in 512 frames.
    assert largest_step(out) < largest_step(signal) + 0.2 * 0.5 / kernel.FADE_FRAMES * 1.01
