"""Vector code written out by hand for compiled functions.

A function decorated with `vector_code` receives a `Code` and its arguments (arrays as pointers to float32, integers as
`Index`) when a compiled function that calls it is being compiled, and writes LLVM vector instructions at that place.
Nothing here runs per call. Loops that are left to the compiler get overlap tests, gathers and scalar remainders
instead, which in short passes over small buffers costs more than the arithmetic.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

WIDTH = 16 if llvm.get_host_cpu_features().get("avx512f") else 8
"""Lanes of a vector; where registers are narrower than eight floats LLVM splits it."""

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, WIDTH)
_INDEX = ir.IntType(64)
_FUSE = ("contract",)
_ELEMENTS = (types.float32, types.complex64)


@dataclass(frozen=True, slots=True)
class Index:
    """A 64-bit integer known when the code runs."""

    builder: Any
    value: Any

    def _wrapped(self, operation: str, other: Index | int) -> Index:
        operand = other.value if isinstance(other, Index) else ir.Constant(_INDEX, other)
        return Index(self.builder, getattr(self.builder, operation)(self.value, operand))

    def __add__(self, other: Index | int) -> Index:
        return self._wrapped("add", other)

    def __sub__(self, other: Index | int) -> Index:
        return self._wrapped("sub", other)

    def __mul__(self, other: Index | int) -> Index:
        return self._wrapped("mul", other)

    def __floordiv__(self, other: Index | int) -> Index:
        return self._wrapped("udiv", other)


@dataclass(frozen=True, slots=True)
class Vector:
    """WIDTH floats; a product and a sum may fuse into one rounding."""

    builder: Any
    value: Any

    def __add__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.fadd(self.value, other.value, flags=_FUSE))

    def __sub__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.fsub(self.value, other.value, flags=_FUSE))

    def __mul__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.fmul(self.value, other.value, flags=_FUSE))

    def __neg__(self) -> Vector:
        return Vector(self.builder, self.builder.fneg(self.value))

    def pick(self, other: Vector, lanes: list[int]) -> Vector:
        """Lanes of self (0...) and other (WIDTH...) in the given order."""
        mask = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), lanes)
        return Vector(self.builder, self.builder.shuffle_vector(self.value, other.value, mask))

    def reversed(self) -> Vector:
        return self.pick(self, list(range(WIDTH))[::-1])

    def separated(self, other: Vector) -> tuple[Vector, Vector]:
        """Even and odd places of self followed by other."""
        return self.pick(other, list(range(0, 2 * WIDTH, 2))), self.pick(other, list(range(1, 2 * WIDTH, 2)))

    def interleaved(self, other: Vector, chunk: int = 1) -> tuple[Vector, Vector]:
        """Chunks of self and other in turn, over two vectors."""
        order = [lane + source for start in range(0, WIDTH, chunk) for source in (0, WIDTH)
                 for lane in range(start, start + chunk)]
        return self.pick(other, order[:WIDTH]), self.pick(other, order[WIDTH:])


@dataclass(frozen=True, slots=True)
class Complex:
    """WIDTH complex numbers as two vectors."""

    re: Vector
    im: Vector

    def __add__(self, other: Complex) -> Complex:
        return Complex(self.re + other.re, self.im + other.im)

    def __sub__(self, other: Complex) -> Complex:
        return Complex(self.re - other.re, self.im - other.im)

    def __mul__(self, other: Complex) -> Complex:
        return Complex(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)

    def scaled(self, factor: Vector) -> Complex:
        return Complex(self.re * factor, self.im * factor)

    def conjugate(self) -> Complex:
        return Complex(self.re, -self.im)

    def turned(self) -> Complex:
        """Times -i."""
        return Complex(self.im, -self.re)

    def swapped(self) -> Complex:
        return Complex(self.im, self.re)

    def reversed(self) -> Complex:
        return Complex(self.re.reversed(), self.im.reversed())


@dataclass(frozen=True, slots=True)
class Code:
    """Writes loads, stores and loops. "Planes" keep the imaginary parts `plane` floats after the real ones."""

    builder: Any

    def constant(self, value: float) -> Vector:
        return Vector(self.builder, ir.Constant(_VECTOR, [ir.Constant(_FLOAT, value)] * WIDTH))

    def _at(self, data: Any, index: Index) -> Any:
        return self.builder.gep(data, [index.value], source_etype=_FLOAT)

    def load(self, data: Any, index: Index, width: int = WIDTH) -> Vector:
        kind = ir.VectorType(_FLOAT, width)
        return Vector(self.builder, self.builder.load(self._at(data, index), typ=kind, align=4))

    def load_repeated(self, data: Any, index: Index) -> Vector:
        """One float in every lane."""
        scalar = self.builder.load(self._at(data, index), typ=_FLOAT, align=4)
        first = self.builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(_INDEX, 0))
        return Vector(self.builder, first).pick(Vector(self.builder, first), [0] * WIDTH)

    def store(self, data: Any, index: Index, vector: Vector) -> None:
        place = self.builder.bitcast(self._at(data, index), vector.value.type.as_pointer())
        self.builder.store(vector.value, place, align=4)

    def load_planes(self, data: Any, index: Index, plane: Index | int) -> Complex:
        return Complex(self.load(data, index), self.load(data, index + plane))

    def load_planes_repeated(self, data: Any, index: Index, plane: Index | int) -> Complex:
        return Complex(self.load_repeated(data, index), self.load_repeated(data, index + plane))

    def store_planes(self, data: Any, index: Index, plane: Index | int, value: Complex) -> None:
        self.store(data, index, value.re)
        self.store(data, index + plane, value.im)

    def load_pairs(self, data: Any, index: Index) -> Complex:
        """Real and imaginary parts that lie in turn, from float `index` on."""
        return Complex(*self.load(data, index).separated(self.load(data, index + WIDTH)))

    def store_pairs(self, data: Any, index: Index, value: Complex) -> None:
        for part, vector in enumerate(value.re.interleaved(value.im)):
            self.store(data, index + part * WIDTH, vector)

    @contextmanager
    def loop(self, stop: Index, step: int = WIDTH, start: Index | None = None) -> Iterator[Index]:
        first = ir.Constant(_INDEX, 0) if start is None else start.value
        stride = ir.Constant(_INDEX, step)
        with cgutils.for_range_slice(self.builder, first, stop.value, stride, intp=_INDEX) as (counter, _):
            yield Index(self.builder, counter)

    def each(self, count: Index, write: Callable[[Index, int], None]) -> None:
        """write(index, width) for whole vectors, then for what is left of count one by one."""
        whole = count // WIDTH * WIDTH
        with self.loop(whole) as index:
            write(index, WIDTH)
        with self.loop(count, 1, whole) as index:
            write(index, 1)


def vector_code(write: Callable[..., None]) -> Callable[..., None]:
    """Make `write(code, *arguments)` callable from compiled code with C-contiguous float32 or complex64 arrays and
    integers; it returns nothing there."""

    def argument(context: Any, builder: Any, kind: types.Type, value: Any) -> Any:
        if isinstance(kind, types.Array):
            data = context.make_array(kind)(context, builder, value).data
            return builder.bitcast(data, _FLOAT.as_pointer())
        return Index(builder, context.cast(builder, value, kind, types.int64))

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        arguments = [argument(context, builder, *pair) for pair in zip(signature.args, values, strict=True)]
        write(Code(builder), *arguments)
        return context.get_dummy_value()

    def typing(context: Any, *kinds: types.Type) -> Any:
        for kind in kinds:
            if isinstance(kind, types.Array) and (kind.layout != "C" or kind.dtype not in _ELEMENTS):
                raise TypeError(f"{write.__name__}: arrays must be C-contiguous float32 or complex64, not {kind}")
        return types.none(*kinds), generate

    typing.__name__ = write.__name__
    typing.__signature__ = inspect.signature(write)  # type: ignore[attr-defined]  # the compiler wants names, not *
    return intrinsic(typing)


def aligned(values: NDArray[Any]) -> NDArray[np.float32]:
    """A float32 copy that starts at a cache line, so that no vector of it crosses one."""
    room = np.zeros(values.size + 16, np.float32)
    offset = -room.ctypes.data // 4 % 16
    copy = room[offset:offset + values.size].reshape(values.shape)
    copy[...] = values
    return copy
