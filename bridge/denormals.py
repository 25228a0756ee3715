"""Numbers below 1e-38 count as zero in the thread that asks for it: they are inaudible, and slow to compute with."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from vqss_engine.compiled import njit

_INTEL = platform.machine().lower() in ("x86_64", "amd64")
_ARM = platform.machine().lower() in ("arm64", "aarch64")
_FLUSH_INTEL = 0x8040       # flush results to zero, take operands as zero (MXCSR)
_FLUSH_ARM = 1 << 24        # flush to zero (FPCR)


def _register(name: str) -> Any:
    """A compiled call that reads ("st") or loads ("ld") this thread's floating point control register, as a number;
    where the processor is not known it reads zero and loads nothing."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, double = ir.IntType(32), ir.IntType(64)
        value, module = arguments[0], builder.module
        if _INTEL:
            byte = ir.IntType(8).as_pointer()
            slot = cgutils.alloca_once(builder, word)
            builder.store(builder.trunc(value, word), slot)
            control = ir.FunctionType(ir.VoidType(), [byte])
            act = cgutils.get_or_insert_function(module, control, f"llvm.x86.sse.{name}mxcsr")
            builder.call(act, [builder.bitcast(slot, byte)])
            return builder.zext(builder.load(slot), double)
        if _ARM and name == "st":       # no inline assembly: the compiler at hand has no parser for it, and aborts
            read = ir.FunctionType(double, [])
            return builder.call(cgutils.get_or_insert_function(module, read, "llvm.aarch64.get.fpcr"), [])
        if _ARM:
            load = ir.FunctionType(ir.VoidType(), [double])
            builder.call(cgutils.get_or_insert_function(module, load, "llvm.aarch64.set.fpcr"), [value])
        return value if _ARM else ir.Constant(double, 0)

    return intrinsic(lambda typing_context, value: (types.int64(types.int64), generate))


_read, _load = _register("st"), _register("ld")


@njit("int64()", cache=True)
def _control() -> int:
    return int(_read(0))


@njit("void(int64)", cache=True)
def _set_control(value: int) -> None:
    _load(value)


def flush_denormals() -> bool:
    """For the calling thread, until it ends; returns False where this processor is not known."""
    _set_control(_control() | (_FLUSH_INTEL if _INTEL else _FLUSH_ARM))
    return _INTEL or _ARM


@contextmanager
def kept_denormals() -> Iterator[None]:
    """Leave this thread's treatment of denormals as it was, whatever is called meanwhile: some plug-ins change it as
    they are loaded, for all that the thread computes later."""
    before = _control()
    try:
        yield
    finally:
        _set_control(before)
