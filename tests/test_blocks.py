"""Blocks of any size through hops: the same samples, exactly one hop later. Delay lines: exactly their delay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqss_engine.blocks import BlockAdapter
from vqss_engine.delay import DelayLine, History

SIZES = [1, 63, 64, 256, 480, 512, 8193]


def through(hop: int, sizes: list[int]) -> tuple[list[int], list[int], list[int]]:
    """Samples in, samples out, and what `process_hop` was given, for blocks of `sizes`."""
    given_hops: list[int] = []

    def process(block: np.ndarray, out: np.ndarray) -> None:
        given_hops.extend(block[0].astype(int).tolist())
        out[0], out[1] = block[0], -block[0]

    adapter = BlockAdapter(process, 1, 2, hop)
    samples = np.arange(1, sum(sizes) + 1, dtype=np.float32)[None]
    blocks = np.split(samples, np.cumsum(sizes)[:-1], axis=1)
    out = np.concatenate([adapter.push(block) for block in blocks], axis=1)
    assert np.array_equal(out[1], -out[0])
    return samples[0].astype(int).tolist(), out[0].astype(int).tolist(), given_hops


@given(st.integers(1, 300), st.lists(st.one_of(st.integers(0, 700), st.sampled_from(SIZES)), min_size=1, max_size=12))
@settings(deadline=None)
def test_any_traffic_comes_out_one_hop_later(hop: int, sizes: list[int]) -> None:
    sent, received, hops = through(hop, sizes)
    assert received == ([0] * hop + sent)[: len(sent)]
    assert hops == sent[: len(sent) // hop * hop]


@pytest.mark.parametrize("size", SIZES)
def test_device_block_sizes(size: int) -> None:
    sent, received, _ = through(256, [size] * (9000 // size + 1))
    assert received == ([0] * 256 + sent)[: len(sent)]


def test_the_callers_array_is_filled_and_shapes_are_checked() -> None:
    adapter = BlockAdapter(lambda block, out: np.copyto(out, block), 2, 2, 4)
    out = np.empty((2, 10), np.float32)
    assert adapter.push(np.ones((2, 10), np.float32), out) is out
    assert out[0].tolist() == [0] * 4 + [1] * 6
    adapter.reset()
    assert not adapter.push(np.ones((2, 4), np.float32)).any()
    with pytest.raises(ValueError):
        adapter.push(np.ones((1, 10), np.float32))
    with pytest.raises(ValueError):
        adapter.push(np.ones((2, 9), np.float32), out)


@given(st.integers(1, 70), st.integers(0, 300), st.integers(1, 12))
def test_a_delay_line_delays_by_its_latency(hop: int, delay: int, hops: int) -> None:
    line = DelayLine((2,), hop, delay)
    signal = np.arange(1, 2 * hop * hops + 1, dtype=np.float32).reshape(2, -1)
    out = np.concatenate([line.process(b.copy(), np.empty_like(b)) for b in np.split(signal, hops, axis=1)], axis=1)
    expected = np.concatenate([np.zeros((2, delay), np.float32), signal], axis=1)[:, : hop * hops]
    assert np.array_equal(out, expected)


def test_a_history_reads_at_any_delay_up_to_its_longest() -> None:
    history = History((1,), 4, 10)
    for start in range(0, 40, 4):
        history.push(np.arange(start, start + 4, dtype=np.float32)[None])
    for delay in range(11):
        assert history.read(delay, np.empty((1, 4), np.float32))[0].tolist() == [i - delay for i in range(36, 40)]
    with pytest.raises(ValueError):
        history.read(11, np.empty((1, 4), np.float32))
