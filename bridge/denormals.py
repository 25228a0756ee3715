"""Numbers below 1e-38 count as zero in the thread that asks for it: they are inaudible, and slow to compute with."""

from __future__ import annotations

import platform
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


def _set_flag(typing_context: Any) -> Any:
    """Set the flags in this thread's floating point control register, where we know how."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, double = ir.IntType(32), ir.IntType(64)
        if _INTEL:
            byte = ir.IntType(8).as_pointer()
            slot = cgutils.alloca_once(builder, word)
            place, control = builder.bitcast(slot, byte), ir.FunctionType(ir.VoidType(), [byte])
            store, load = (
                cgutils.get_or_insert_function(builder.module, control, f"llvm.x86.sse.{name}mxcsr")
                for name in ("st", "ld")
            )
            builder.call(store, [place])
            builder.store(builder.or_(builder.load(slot), ir.Constant(word, _FLUSH_INTEL)), slot)
            builder.call(load, [place])
        elif _ARM:
            read, write = ir.FunctionType(double, []), ir.FunctionType(ir.VoidType(), [double])
            now = builder.asm(read, "mrs $0, fpcr", "=r", [], side_effect=True)
            flagged = builder.or_(now, ir.Constant(double, _FLUSH_ARM))
            builder.asm(write, "msr fpcr, $0", "r", [flagged], side_effect=True)
        return ir.Constant(ir.IntType(64), int(_INTEL or _ARM))

    return types.int64(), generate


_flag: Any = intrinsic(_set_flag)


@njit("int64()", cache=True)
def flush_denormals() -> int:
    """For the calling thread, until it ends; returns 0 where this processor is not known."""
    return int(_flag())
