"""Songs from disk and stems to disk, block by block."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile

from bridge.audio_limits import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, MOST_CHANNELS
from bridge.coding import Coding
from bridge.decoders import Block, open_decoder
from bridge.header_claims import claimed_frames, lacks_end, lacks_length
from bridge.plain_wav import make_plain
from vqss_engine.errors import VQSSError
from vqss_engine.native_name import native_name
from vqss_engine.whole_files import shown_folder

_UNKNOWN_FRAMES = 2**48
_NO_ROOM_BYTES = 16384
_SYSTEM_ERROR = 2


def _check_path(path: Path) -> None:
    try:
        if not path.exists():
            raise VQSSError(f"there is no file '{path}'; check the path")
        if not path.is_file():
            raise VQSSError(f"'{path}' is not a file; name a song")
        if not os.access(path, os.R_OK):
            raise VQSSError(f"'{path}' may not be read; change its permissions")
        if path.stat().st_size == 0:
            raise VQSSError(f"'{path}' is empty (0 bytes); fetch or export it again")
    except OSError as error:  # a folder that may not be looked into, a name that is too long
        raise VQSSError(f"'{path}' cannot be read ({error.strerror}); check the path and its permissions") from error


class AudioReader:
    """A song as blocks of float32 (C, n).

    `frames` is the length the header claims, None where it claims none. Raises VQSSError for what cannot be read,
    has more than two channels or a rate outside 8-192 kHz.
    """

    def __init__(self, path: Path) -> None:
        _check_path(path)
        self.path = path
        self._decoder = open_decoder(path)
        self.sample_rate, self.channels = self._decoder.sample_rate, self._decoder.channels
        claimed = claimed_frames(self._decoder.log, self._decoder.frames, self.sample_rate)
        self.frames = claimed if 0 < claimed < _UNKNOWN_FRAMES else None
        self._first = 0
        try:
            self._check()
        except VQSSError:
            self.close()
            raise

    def _check(self) -> None:
        if not 1 <= self.channels <= MOST_CHANNELS:
            raise VQSSError(f"'{self.path}' has {self.channels} channels; mix it down to stereo or mono first")
        if not LOWEST_RATE_HZ <= self.sample_rate <= HIGHEST_RATE_HZ:
            raise VQSSError(
                f"'{self.path}' has a rate of {self.sample_rate} Hz;"
                f" resample it to between {LOWEST_RATE_HZ} and {HIGHEST_RATE_HZ} Hz"
            )

    def check_whole(self) -> None:
        """Raise VQSSError where the file is known to end before its header says; of some, only reading can tell."""
        if self._decoder.frames < (self.frames or 0):
            raise VQSSError(f"{self._damage(self._decoder.frames)}; fetch or export it again")

    @property
    def remarks(self) -> list[str]:
        """What a user should read of a file that can be read."""
        log = self._decoder.log
        lacking = "mark of its end" if lacks_end(log) else "length in its header" if lacks_length(log) else ""
        if not lacking or self.frames is None:
            return []
        held = f"{self.frames / self.sample_rate:.2f} s"
        return [f"'{self.path.name}' has no {lacking} and may be cut off after {held}; check that it is whole"]

    def skip(self, frames: int) -> int:
        """Let `blocks` begin so many frames later, where the format knows the way; returns how many are passed over.

        Raises VQSSError for damage.
        """
        wanted = min(frames, self.frames or 0, self._decoder.frames)
        try:
            if wanted > 0 and self._decoder.seek(wanted):
                self._first = wanted
        except (soundfile.LibsndfileError, OSError) as error:
            raise VQSSError(f"{self._damage(wanted)}; fetch or export it again") from error
        return self._first

    def blocks(self, size: int) -> Iterator[Block]:
        """Yield (C, n) float32 with n <= size until the end.

        Raises VQSSError for damage, for a file that ends before its header says, and for samples that are no
        finite number.
        """
        position = self._first
        while True:
            try:
                block = self._decoder.read(size)
            except (soundfile.LibsndfileError, RuntimeError, ValueError, OSError) as error:
                raise VQSSError(f"{self._damage(position)}; fetch or export it again") from error
            if block.shape[1] == 0:
                break
            self._check_finite(block, position)
            position += block.shape[1]
            yield block
        self._check_length(position)

    def _damage(self, position: int) -> str:
        where = f"'{self.path}' is damaged or cut off after {position / self.sample_rate:.2f} s"
        return where if self.frames is None else f"{where} of {self.frames / self.sample_rate:.2f} s"

    def _check_finite(self, block: Block, position: int) -> None:
        if np.isfinite(block).all():
            return
        channel, sample = (int(index[0]) for index in np.nonzero(~np.isfinite(block)))
        sample += position
        raise VQSSError(
            f"'{self.path}' holds a value that is not a number at sample {sample} ({sample / self.sample_rate:.3f} s),"
            f" channel {channel + 1}; repair or export it again"
        )

    def _check_length(self, read: int) -> None:
        if read == 0:
            raise VQSSError(f"'{self.path}' holds no audio (0 samples); fetch or export it again")
        # The lengths of MPEG streams are estimates, so a little less is no sign of damage there.
        tolerance = 0.95 if self._decoder.estimated else 1.0
        if self.frames is not None and read < self.frames * tolerance:
            raise VQSSError(f"{self._damage(read)}; fetch or export it again")

    def close(self) -> None:
        self._decoder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AudioWriter:
    """One file being written; `close` proves that all of it reached the disk.

    `expected_frames` (None if unknown) only decides whether WAV begins as RF64; it ends so only where it is that long.
    Raises VQSSError when the disk is full or the folder cannot be written.
    """

    def __init__(
        self, path: Path, sample_rate: int, channels: int, coding: Coding, expected_frames: int | None = None
    ) -> None:
        self.path = path
        self._written = 0
        container = coding.container(expected_frames, channels)
        try:
            path.open("wb").close()  # soundfile cannot tell why a file does not open
            self._file = soundfile.SoundFile(
                native_name(path), "w", sample_rate, channels, coding.subtype, format=container
            )
        except (soundfile.LibsndfileError, OSError) as error:
            failure = self._failure(error)
            with suppress(OSError):
                path.unlink()
            raise failure from error

    def write(self, block: Block) -> None:
        """Append (C, n) float32."""
        if block.shape[1] == 0:
            return
        try:
            self._file.write(block.T)
        except (soundfile.LibsndfileError, AssertionError, OSError) as error:
            raise self._break(error) from error
        self._written += block.shape[1]

    def close(self) -> None:
        """Finish the file; raises VQSSError unless all that was written can be found in it."""
        try:
            self._file.close()
            if self._file.format == "RF64":
                make_plain(self.path)
            found = soundfile.info(native_name(self.path)).frames if self._written else 0
        except (soundfile.LibsndfileError, OSError) as error:
            raise self._break(error) from error
        if not self._written <= found < _UNKNOWN_FRAMES:    # a FLAC file that could not be ended tells no length
            raise self._break(None)

    def abandon(self) -> None:
        """Close without a check; the file is about to be deleted."""
        with suppress(soundfile.LibsndfileError, OSError):
            self._file.close()

    def _break(self, error: Exception | None) -> VQSSError:
        """What went wrong with a file that was begun; `error` None when only its size tells."""
        if not self.path.exists():
            place = shown_folder(self.path.parent)
            return VQSSError(f"what was being written to '{place}' was removed meanwhile; choose another folder")
        return self._failure(error)

    def _failure(self, error: Exception | None) -> VQSSError:
        if isinstance(error, OSError):
            return disk_error(self.path.parent, error)
        code = getattr(error, "code", None)
        if _is_full(self.path.parent):
            return disk_error(self.path.parent, None)
        if error is None or code == _SYSTEM_ERROR or isinstance(error, AssertionError):
            return VQSSError(
                f"the disk that holds '{shown_folder(self.path.parent)}' takes no more (it may be full, or the file too"
                " long); free some space or choose another folder"
            )
        return VQSSError(f"cannot write '{self.path.name}' ({error}); choose another --format")


def _is_full(folder: Path) -> bool:
    """Whether a codec that fails there fails for want of room, whatever it says itself."""
    try:
        return shutil.disk_usage(folder).free < _NO_ROOM_BYTES
    except OSError:
        return False


def disk_error(folder: Path, error: OSError | None) -> VQSSError:
    """The message for a failed write below `folder`; `error` None where the disk is full, whoever tells it."""
    place = shown_folder(folder)
    if error is None or error.errno in (errno.ENOSPC, errno.EDQUOT):
        return VQSSError(f"the disk that holds '{place}' is full; free some space or choose another folder")
    return VQSSError(f"cannot write to '{place}' ({error.strerror or error}); choose another folder")
