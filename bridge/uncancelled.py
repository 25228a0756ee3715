"""Callbacks of a sound system that ends its threads by cancelling them, as PipeWire's JACK does.

Threads: those of the sound system run what is guarded here.

A thread may be cancelled wherever it waits. In a callback written in Python that is where it waits for the
interpreter: it would die with that in its hands, and the whole process would stand still for good. A few compiled
lines around the callback put a cancellation off until it has returned.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, cfunc, types
from numba.extending import intrinsic
from numpy.typing import NDArray

import vqss_engine.compiled  # noqa: F401  # where what is compiled is kept

_ENABLE, _DISABLE = 0, 1
_INT, _POINTER = ir.IntType(32), ir.IntType(8).as_pointer()


def _typed_call(typing: Any, address: Any, number: Any) -> Any:
    """What the C function `int (int, void *)` at an address returns for a number and a null pointer."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        function = builder.inttoptr(values[0], ir.FunctionType(_INT, [_INT, _POINTER]).as_pointer())
        return builder.call(function, [values[1], ir.Constant(_POINTER, None)])

    return types.int32(types.int64, types.int32), generate


_call: Any = intrinsic(_typed_call)


@cfunc("int32(int32, voidptr)", cache=True)
def _guarded(number: int, places: Any) -> int:
    """Call what stands second in `places` with the cancel state, which what stands first sets, off."""
    address = carray(places, 2, np.int64)
    _call(address[0], np.int32(_DISABLE))
    result = _call(address[1], number)
    _call(address[0], np.int32(_ENABLE))
    return result


@dataclass(frozen=True)
class Guarded:
    """What to register in place of a callback: `function`, and its `argument`. To be kept as long as that may call."""

    function: Any
    argument: int
    _callback: Any
    _places: NDArray[np.int64]


def uncancelled(callback: Any) -> Guarded:
    """Guard a callback, a ctypes function `(int, void *)`; it is always given a null pointer.

    Elsewhere than on Linux the callback itself is to be registered.
    """
    if sys.platform != "linux":
        return Guarded(callback, 0, callback, np.zeros(0, np.int64))
    functions = (ctypes.CDLL(None).pthread_setcancelstate, callback)
    places = np.array([ctypes.cast(function, ctypes.c_void_p).value for function in functions], np.int64)
    return Guarded(type(callback)(_guarded.address), places.ctypes.data, callback, places)
