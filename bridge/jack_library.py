"""The few functions of libjack that a client with named ports needs, through ctypes.

A system may have two: the one that programs find, and PipeWire's in a folder apart, which `pw-jack` lets them find.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_ulong, c_void_p
from functools import cache
from typing import Any

from vqss_engine.errors import VQSSError

AUDIO_TYPE = b"32 bit float mono audio"
PRETTY_NAME = b"http://jackaudio.org/metadata/pretty-name"
NO_START_SERVER, IS_INPUT, IS_OUTPUT, IS_PHYSICAL = 1, 1, 2, 4
CAPTURE, PLAYBACK = 0, 1
_PIPEWIRE = "/usr/${LIB}/pipewire-0.3/jack/libjack.so.0"    # what LIB is, the system's loader knows


class LatencyRange(ctypes.Structure):
    _fields_ = (("smallest", c_uint32), ("largest", c_uint32))


Process = CFUNCTYPE(c_int, c_uint32, c_void_p)          # also sample rate and block size
Freewheel = CFUNCTYPE(None, c_int, c_void_p)            # also latency
Event = CFUNCTYPE(c_int, c_void_p)
Shutdown = CFUNCTYPE(None, c_void_p)
Message = CFUNCTYPE(None, c_char_p)

_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "jack_client_close": (c_int, (c_void_p,)),
    "jack_get_client_name": (c_char_p, (c_void_p,)),
    "jack_get_sample_rate": (c_uint32, (c_void_p,)),
    "jack_get_buffer_size": (c_uint32, (c_void_p,)),
    "jack_port_register": (c_void_p, (c_void_p, c_char_p, c_char_p, c_ulong, c_ulong)),
    "jack_port_unregister": (c_int, (c_void_p, c_void_p)),
    "jack_port_by_name": (c_void_p, (c_void_p, c_char_p)),
    "jack_port_name": (c_char_p, (c_void_p,)),
    "jack_port_get_latency_range": (None, (c_void_p, c_int, POINTER(LatencyRange))),
    "jack_port_set_latency_range": (None, (c_void_p, c_int, POINTER(LatencyRange))),
    "jack_recompute_total_latencies": (c_int, (c_void_p,)),
    "jack_set_process_callback": (c_int, (c_void_p, Process, c_void_p)),
    "jack_set_sample_rate_callback": (c_int, (c_void_p, Process, c_void_p)),
    "jack_set_buffer_size_callback": (c_int, (c_void_p, Process, c_void_p)),
    "jack_set_freewheel_callback": (c_int, (c_void_p, Freewheel, c_void_p)),
    "jack_set_latency_callback": (c_int, (c_void_p, Freewheel, c_void_p)),
    "jack_set_xrun_callback": (c_int, (c_void_p, Event, c_void_p)),
    "jack_on_shutdown": (None, (c_void_p, Shutdown, c_void_p)),
    "jack_set_error_function": (None, (Message,)),
    "jack_set_info_function": (None, (Message,)),
    "jack_activate": (c_int, (c_void_p,)),
    "jack_deactivate": (c_int, (c_void_p,)),
    "jack_connect": (c_int, (c_void_p, c_char_p, c_char_p)),
    "jack_get_ports": (POINTER(c_char_p), (c_void_p, c_char_p, c_char_p, c_ulong)),
    "jack_free": (None, (c_void_p,)),
    "jack_set_freewheel": (c_int, (c_void_p, c_int)),
}
# Called for every port in every block: the interpreter is not let go of for these, or others would have it in between.
_HELD: dict[str, tuple[Any, tuple[Any, ...]]] = {"jack_port_get_buffer": (c_void_p, (c_void_p, c_uint32))}
_OPTIONAL: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "jack_port_uuid": (c_uint64, (c_void_p,)),
    "jack_set_property": (c_int, (c_void_p, c_uint64, c_char_p, c_char_p, c_char_p)),
}


def _held_copy() -> Any:
    """memmove(to, from, bytes), likewise."""
    copy = ctypes.PyDLL("msvcrt" if sys.platform == "win32" else None).memmove
    copy.restype, copy.argtypes = None, (c_void_p, c_void_p, c_size_t)
    return copy


copy_bytes = _held_copy()


@Message
def _quiet(text: bytes) -> None:
    """What libjack would print on the terminal."""


@cache
def jack_library(pipewire: bool = False) -> Any:
    """The system's libjack, ready for use, or PipeWire's; raises VQSSError where it is not installed."""
    if pipewire:
        name = _PIPEWIRE if sys.platform == "linux" else None
    else:
        name = ctypes.util.find_library("jack") or ctypes.util.find_library("jack64")
    try:
        if name is None:
            raise OSError("libjack not found")
        library, held = ctypes.CDLL(name), ctypes.PyDLL(name)
        for function, (result, arguments) in {**_FUNCTIONS, **_OPTIONAL}.items():
            if function in _FUNCTIONS or hasattr(library, function):
                getattr(library, function).restype = result
                getattr(library, function).argtypes = arguments
        for function, (result, arguments) in _HELD.items():
            setattr(library, function, getattr(held, function))
            getattr(library, function).restype = result
            getattr(library, function).argtypes = arguments
        library.jack_client_open.restype = c_void_p
    except (OSError, AttributeError) as error:
        raise VQSSError(f"no JACK ({error}); install jackd2 or PipeWire's JACK, or choose another device") from error
    library.jack_set_error_function(_quiet)
    library.jack_set_info_function(_quiet)
    return library


def open_client(name: str, library: Any = None) -> Any:
    """A new client of the running server (JACK_DEFAULT_SERVER names which); raises VQSSError where none runs."""
    library, status = library or jack_library(), c_int(0)
    client = library.jack_client_open(c_char_p(name.encode()), c_int(NO_START_SERVER), ctypes.byref(status))
    if not client:
        cure = "start one, on PipeWire install its package pipewire-jack, or choose another device"
        raise VQSSError(f"no JACK server is running; {cure}")
    return c_void_p(client)


def port_names(library: Any, client: Any, flags: int) -> list[str]:
    """The full names of audio ports with all of these flags."""
    found = library.jack_get_ports(client, b"", AUDIO_TYPE, flags)
    names: list[str] = []
    if found:
        while found[len(names)]:
            names.append(found[len(names)].decode())
        library.jack_free(found)
    return names
