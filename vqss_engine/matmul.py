"""Products of small matrices in vector code, for compiled functions.

A network of this size multiplies matrices of a few dozen rows, where a library's packing and threads cost as much as
its arithmetic. Here a tile of the result stays in registers while the common dimension runs through it (Goto and van
de Geijn, "Anatomy of high-performance matrix multiplication", 2008), reading both factors where they lie. Every
element is the same sum in the same order however many rows are multiplied at once, so that a frame by itself and a
frame among many give the same numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from vqss_engine.compiled import njit
from vqss_engine.simd import WIDTH, Code, Index, Vector, vector_code

_TALLEST = (12, 8, 6, 6) if WIDTH == 16 else (8, 6)
"""Rows of the largest tile that is one, two, ... vectors wide: as many as registers hold."""

_WIDEST = len(_TALLEST)
_compiled = njit(cache=True, nogil=True, error_model="numpy")


def padded(columns: int) -> int:
    """The next whole number of vectors: how wide a row must be for `multiply_add` to write it."""
    return -(-columns // WIDTH) * WIDTH


def _tile(rows: int, vectors: int) -> Any:
    """c (rows, vectors) += a (rows, depth) b (depth, vectors); `start` and `stride` in floats."""

    def write(code: Code, a: Any, a_start: Index, a_stride: Index, b: Any, b_start: Index, b_stride: Index,
              c: Any, c_start: Index, c_stride: Index, depth: Index) -> None:
        places = [c_start + c_stride * row + vector * WIDTH for row in range(rows) for vector in range(vectors)]
        sums = [cgutils.alloca_once(code.builder, ir.VectorType(ir.FloatType(), WIDTH)) for _ in places]
        for place, total in zip(places, sums, strict=True):
            code.builder.store(code.load(c, place).value, total)
        with code.loop(depth, 1) as k:
            columns = [code.load(b, b_start + b_stride * k + vector * WIDTH) for vector in range(vectors)]
            for row in range(rows):
                factor = code.load_repeated(a, a_start + a_stride * row + k)
                for vector in range(vectors):
                    total = sums[row * vectors + vector]
                    now = Vector(code.builder, code.builder.load(total)) + factor * columns[vector]
                    code.builder.store(now.value, total)
        for place, total in zip(places, sums, strict=True):
            code.store(c, place, Vector(code.builder, code.builder.load(total)))

    return vector_code(write)


def _chooser() -> Any:
    """A function for compiled code that runs the tile of the given size: a chain of comparisons, written out here
    because compiled code cannot look functions up in a table."""
    arguments = "a, a_start, a_stride, b, b_start, b_stride, c, c_start, c_stride, depth"
    lines, names = [f"def run_tile(rows, vectors, {arguments}):"], {}
    for vectors, tallest in enumerate(_TALLEST, 1):
        lines.append(f"    if vectors == {vectors}:")
        for rows in range(1, tallest + 1):
            names[f"tile_{rows}_{vectors}"] = _tile(rows, vectors)
            lines.append(f"        if rows == {rows}: tile_{rows}_{vectors}({arguments})")
    exec("\n".join(lines), names)
    return njit(nogil=True, error_model="numpy")(names["run_tile"])


_run_tile = _chooser()
_HEIGHTS = np.array((1, *_TALLEST), np.int64)


@_compiled
def multiply_add(
    a: np.ndarray, a_start: int, a_stride: int, b: np.ndarray, b_start: int, b_stride: int,
    c: np.ndarray, c_start: int, c_stride: int, rows: int, depth: int, columns: int,
) -> None:  # fmt: skip
    """c (rows, columns) += a (rows, depth) b (depth, columns), in flat arrays of float32.

    Each matrix begins at `start`, its rows lie `stride` floats apart. `columns` is a multiple of WIDTH.
    """
    vectors = columns // WIDTH
    panels = -(-vectors // _WIDEST)
    for panel in range(panels):
        left, right = vectors * panel // panels, vectors * (panel + 1) // panels
        tallest = _HEIGHTS[right - left]
        tiles = -(-rows // tallest)
        for tile in range(tiles):
            top, bottom = rows * tile // tiles, rows * (tile + 1) // tiles
            _run_tile(
                bottom - top, right - left, a, a_start + top * a_stride, a_stride, b, b_start + left * WIDTH, b_stride,
                c, c_start + top * c_stride + left * WIDTH, c_stride, depth,
            )  # fmt: skip


@njit(nogil=True, error_model="numpy", inline="always")
def product_add(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """c (rows, columns) += a (rows, depth or more) b (depth, columns), whole contiguous matrices."""
    multiply_add(
        a.reshape(-1), 0, a.shape[1], b.reshape(-1), 0, b.shape[1], c.reshape(-1), 0, c.shape[1],
        c.shape[0], b.shape[0], c.shape[1],
    )  # fmt: skip
