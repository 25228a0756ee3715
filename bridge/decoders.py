"""What decodes songs: soundfile first, pedalboard's decoders for what it does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from bridge.unclosed_wav import UnclosedWav, is_unclosed
from vqss_engine.errors import VQSSError
from vqss_engine.native_name import native_name

Block = NDArray[np.float32]

_EXACT_SEEKS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "FLAC")     # frames after a seek are those without it


class Decoder(Protocol):
    """A file that is being decoded: the `frames` it says it has, `estimated` or not, and the `log` of its header."""

    sample_rate: int
    channels: int
    frames: int
    estimated: bool
    log: str

    def read(self, frames: int) -> Block:
        """The next samples (C, n), fewer than `frames` at the end only."""
        ...

    def seek(self, frame: int) -> bool:
        """Go to a frame; False, and then nowhere, where samples after it would not be those without a seek."""
        ...

    def close(self) -> None: ...


class _SoundfileDecoder:
    def __init__(self, path: Path) -> None:
        self._bytes: UnclosedWav | None = None
        self._file = soundfile.SoundFile(native_name(path))
        if self._file.frames == 0 and is_unclosed(path):
            self._file.close()
            self._bytes = UnclosedWav(path)
            self._file = soundfile.SoundFile(self._bytes)
        self.sample_rate, self.channels = int(self._file.samplerate), int(self._file.channels)
        self.frames = int(self._file.frames)
        self.estimated = self._file.format in ("MPEG", "MP3")
        self.log = self._file.extra_info

    def read(self, frames: int) -> Block:
        # `frames` must not exceed what is left where the length is unknown: soundfile would allocate for it.
        return np.ascontiguousarray(self._file.read(frames, dtype="float32", always_2d=True).T)

    def seek(self, frame: int) -> bool:
        return self._file.format in _EXACT_SEEKS and self._file.seek(frame) == frame

    def close(self) -> None:
        self._file.close()
        if self._bytes is not None:
            self._bytes.close()


class _PedalboardDecoder:
    estimated = True
    log = ""

    def __init__(self, path: Path) -> None:
        from pedalboard.io import AudioFile

        self._file: Any = AudioFile(str(path))
        self.sample_rate, self.channels = round(self._file.samplerate), int(self._file.num_channels)
        self.frames = int(self._file.frames)

    def read(self, frames: int) -> Block:
        return np.asarray(self._file.read(frames), np.float32)

    def seek(self, frame: int) -> bool:
        return False

    def close(self) -> None:
        self._file.close()


def open_decoder(path: Path) -> Decoder:
    """A decoder of the file, which the caller closes. Raises VQSSError where none reads it."""
    try:
        return _SoundfileDecoder(path)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:  # TypeError: a headless file, by its name's ending
        try:
            return _PedalboardDecoder(path)
        except (ImportError, OSError, ValueError, RuntimeError, TypeError):
            raise VQSSError(
                f"cannot read '{path}' as audio (format not recognised); give a WAV, FLAC, OGG or MP3 file"
            ) from error
