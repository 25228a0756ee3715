"""The ring against a list that does the same."""

from __future__ import annotations

import threading
import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridge.ring import Ring

KINDS = ("write", "over", "read", "skip", "skip_write")
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 24)), max_size=60)


def frames(start: int, count: int) -> np.ndarray:
    """Two channels whose samples tell which frame they are."""
    count_up = np.arange(start, start + count, dtype=np.float32)
    return np.stack([count_up, -count_up])


@given(STEPS)
def test_the_ring_does_what_a_list_does(steps: list[tuple[str, int]]) -> None:
    ring, written, read = Ring(2, 16), 0, 0
    held = np.zeros((2, ring.capacity), np.float32)

    def places(start: int) -> np.ndarray:
        return np.arange(start, start + count) % ring.capacity

    for step, count in steps:
        if step in ("write", "over"):
            fits = count <= ring.capacity and (step == "over" or written - read + count <= ring.capacity)
            assert ring.write(frames(written, count), over=step == "over") == fits
            if fits:
                held[:, places(written)] = frames(written, count)
            written += count * fits
        elif step == "read" and written - read <= ring.capacity:
            out = np.full((2, count), np.nan, np.float32)
            enough = written - read >= count
            assert ring.read(out) == enough
            assert np.array_equal(out, held[:, places(read)]) if enough else np.isnan(out).all()
            read += count * enough
        elif step == "skip":
            ring.skip(count)
            read += count
        elif step == "skip_write":
            ring.skip_write(count)
            written += count
        assert (ring.written, ring.read_position, ring.readable) == (written, read, written - read)


def test_a_reader_in_another_thread_gets_every_frame_in_order() -> None:
    ring, total, got = Ring(2, 512), 200_000, []

    def read() -> None:
        out, done = np.empty((2, 37), np.float32), 0
        while done + 37 <= total:
            if ring.read(out):
                got.append(out.copy())
                done += 37
            else:
                time.sleep(0)

    reader = threading.Thread(target=read)
    reader.start()
    done = 0
    while done < total:
        count = min(101, total - done)
        if ring.write(frames(done, count)):
            done += count
        else:
            time.sleep(0)
    reader.join()
    heard = np.concatenate(got, axis=1)
    assert np.array_equal(heard, frames(0, heard.shape[1]))


def test_blocks_of_any_layout_are_taken() -> None:
    ring, interleaved = Ring(2, 64), np.ascontiguousarray(frames(0, 10).T)
    assert ring.write(interleaved.T)
    out = np.zeros((10, 2), np.float32)
    assert ring.read(out.T)
    assert np.array_equal(out, interleaved)
