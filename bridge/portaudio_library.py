"""PortAudio through sounddevice: loaded when first needed, named for JACK, and renewed after a server died under it."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from vqss_engine.errors import VQSSError

CLIENT_NAME = b"vqss"


def portaudio() -> Any:
    """The sounddevice module; raises VQSSError saying what to install or to start."""
    if "sounddevice" not in sys.modules:
        _name_client(ctypes.util.find_library("portaudio"))
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise VQSSError(f"no PortAudio ({error}); install libportaudio2 and the Python package sounddevice") from error
    except Exception as error:  # sounddevice's own, which is not to be had where its import fails
        cure = "start PipeWire or PulseAudio, which newer PortAudio wants, or use JACK"
        raise VQSSError(f"PortAudio does not start ({error}); {cure}") from error
    return sounddevice


def _name_client(path: str | None) -> None:
    """How PortAudio calls itself in a JACK graph; it must know before it starts."""
    with suppress(OSError, AttributeError, TypeError):
        if path:
            ctypes.CDLL(path).PaJack_SetClientName(CLIENT_NAME)


def look_again(abandon: bool) -> None:
    """Let PortAudio find the devices there are now; no stream may be open.

    `abandon`: a stream hangs in this PortAudio, which then can neither be closed nor ended. A second copy of the
    library is loaded beside it, and the first is left alone.
    """
    sounddevice = portaudio()
    if abandon:
        _load_copy(sounddevice)
    else:
        with suppress(sounddevice.PortAudioError):
            sounddevice._terminate()
    try:
        sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise VQSSError(f"PortAudio fails ({error}); run vqss doctor") from error


def _load_copy(sounddevice: Any) -> None:
    original = _loaded_file(sounddevice)
    if original is None:
        raise VQSSError("the audio system hangs and cannot be loaded again here; restart vqss")
    handle, copy = tempfile.mkstemp(suffix=original.suffix)
    os.close(handle)
    shutil.copyfile(original, copy)
    try:
        _name_client(copy)
        sounddevice._lib = sounddevice._ffi.dlopen(copy)
    finally:
        with suppress(OSError):     # where a library in use cannot be removed, it stays in the temporary folder
            os.unlink(copy)


def _loaded_file(sounddevice: Any) -> Path | None:
    """The file that PortAudio was loaded from."""
    with suppress(OSError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            name = line.rpartition(" ")[2]
            if "libportaudio" in name and Path(name).exists():
                return Path(name)
    named = Path(str(getattr(sounddevice, "_libname", "")))
    return named if named.is_file() else None
