"""Matrix products in vector code: right for every shape, and the same for a row alone as among others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vqss_engine.matmul import multiply_add, padded
from vqss_engine.simd import WIDTH


def product_add(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """c + a b for whole contiguous matrices."""
    out = c.copy()
    (rows, depth), columns = a.shape, b.shape[1]
    multiply_add(
        a.reshape(-1), 0, depth, b.reshape(-1), 0, columns, out.reshape(-1), 0, columns, rows, depth, columns
    )  # fmt: skip
    return out


@given(st.integers(1, 60), st.integers(1, 70), st.integers(1, 9 * WIDTH), st.integers(0, 2**31))
def test_products_of_every_shape(rows: int, depth: int, wanted: int, seed: int) -> None:
    rng, columns = np.random.default_rng(seed), padded(wanted)
    assert columns >= wanted and columns % WIDTH == 0 and columns - wanted < WIDTH
    a, b, c = (
        rng.standard_normal(shape).astype(np.float32) for shape in ((rows, depth), (depth, columns), (rows, columns))
    )
    found = product_add(a, b, c)
    assert np.abs(found - (c + a.astype(np.float64) @ b)).max() < 1e-5 * depth
    row = rng.integers(rows)
    alone = product_add(a[row : row + 1].copy(), b, c[row : row + 1])
    assert np.array_equal(alone[0], found[row])


def test_a_part_of_larger_matrices_leaves_the_rest_alone() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((20, 4 * WIDTH)).astype(np.float32) for _ in range(2))
    c = np.zeros((20, 4 * WIDTH), np.float32)
    stride = 4 * WIDTH
    multiply_add(
        a.reshape(-1), 2 * stride + 5, stride, b.reshape(-1), 3 * stride + WIDTH, stride,
        c.reshape(-1), 4 * stride + 2 * WIDTH, stride, 7, 11, WIDTH,
    )  # fmt: skip
    expected = np.zeros_like(c)
    expected[4:11, 2 * WIDTH : 3 * WIDTH] = a[2:9, 5:16] @ b[3:14, WIDTH : 2 * WIDTH]
    assert np.abs(c - expected).max() < 1e-5
