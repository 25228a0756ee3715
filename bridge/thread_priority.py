"""A higher priority for the calling thread, as far as the system allows it."""

from __future__ import annotations

import ctypes
import os
import sys
import threading

_REALTIME_PRIORITY, _NICE = 10, -11
_WINDOWS_TIME_CRITICAL = 15


def raise_priority() -> str:
    """Try real-time, then high priority, for this thread; returns in words what came of it."""
    if sys.platform == "win32":
        kernel32 = ctypes.windll.kernel32
        done = kernel32.SetThreadPriority(kernel32.GetCurrentThread(), _WINDOWS_TIME_CRITICAL)
        return "time-critical" if done else "normal (the system refuses more)"
    if not sys.platform.startswith("linux"):
        return "normal (not raised on this system)"
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(_REALTIME_PRIORITY))
        return "real-time"
    except OSError:
        pass
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        return "high"
    except OSError:
        return "normal (no rights for more; add the user to the group 'audio' and log in again)"
