"""ALSA's lines on stderr, of every xrun for one, which the report counts and which would break up the line of progress.

Threads: whatever calls ALSA speaks through `_say_nothing`, which is compiled and waits for nothing.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import Any

from numba import cfunc

import vqss_engine.compiled  # noqa: F401  # where what is compiled is kept


@cfunc("void(voidptr, intc, voidptr, intc, voidptr)", cache=True)
def _say_nothing(file: Any, line: Any, function: Any, code: Any, text: Any) -> None:
    """ALSA's handler of errors; what `text` is filled with comes after it, and is not looked at."""


def silence_alsa() -> None:
    """Let ALSA say nothing from now on, where there is one."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(ctypes.c_void_p(_say_nothing.address))
