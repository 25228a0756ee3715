"""Writes what is heard to disk: the main output, and with `multi` every cluster beside it.

Thread: `live-recorder` takes frames from the recorder's ring and writes them; it may block. The callback never waits
for it: where the disk is too slow for four seconds, silence of the same length is written instead, and counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.audio_files import AudioWriter, disk_error
from bridge.coding import Coding
from bridge.cut_flac import end_with_last_frame
from bridge.exchange import Exchange
from bridge.exchange_kernel import FADE_FRAMES, RECORDING
from bridge.manifest import stem_name
from bridge.output_folder import make_folder
from bridge.take_files import check_unused, show_new
from vqss_engine.errors import UsageError, VQSSError
from vqss_engine.whole_files import hidden_beside

Block = NDArray[np.float32]

_POLL_S, _PIECE = 0.02, 4096


class Recorder:
    """Records into `path` (format by its ending: wav, flac or ogg) until `close`.

    clusters: number and name of each with outputs of its own, for files such as `NAME_cluster_03.wav` beside
    `NAME.wav`; none of them records main alone.
    Nothing has its final name before it is complete, nor replaces what has taken that name meanwhile.
    Raises VQSSError where the files cannot be made.
    """

    def __init__(self, path: Path, clusters: Mapping[int, str], report: Callable[[str], None]) -> None:
        if path.suffix[1:].lower() not in ("wav", "flac", "ogg"):
            raise UsageError(f"cannot record '{path.name}'; give a name that ends in .wav, .flac or .ogg")
        self._coding = Coding.named(path.suffix[1:].lower())
        self.paths = [path, *(_cluster_path(path, k, name) for k, name in clusters.items())]
        for target in self.paths:
            check_unused(target, "--record")
        self._report = report
        self._writers: list[AudioWriter] = []
        self._exchange: Exchange | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._block: Block = np.zeros((0, _PIECE), np.float32)
        self._last: Block = self._block[:, :1]
        self.failed = False
        """Whether it ended before the run, by the disk or by another rate, or had to take another name; what was
        written is kept."""
        self._taken, self._recorded = 0, False

    def attach(self, exchange: Exchange) -> None:
        """Record from here on what `exchange` plays; the rate must stay what it was.

        Its device has been started, its stream has not begun yet. What the one before played in between is closed off.
        """
        if self._thread is None:
            self._open(exchange.rate_hz)
        else:
            self._pause()
            self._fade_away()
        if self._exchange is not None and self._exchange.rate_hz != exchange.rate_hz:
            self._fail(VQSSError(f"the device changed to {exchange.rate_hz} Hz"))
        if self.failed:
            return
        exchange.start_recording()
        self._exchange = exchange
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="live-recorder", daemon=True)
        self._thread.start()

    def _open(self, rate_hz: int) -> None:
        """Begin all files, or none."""
        try:
            for index, path in enumerate(self.paths):
                self._writers.append(self._writer(index, path, rate_hz))
        except VQSSError:
            for writer in self._writers:
                _discard(writer)
            self._writers = []
            raise
        self._block = np.zeros((2 * len(self.paths), _PIECE), np.float32)
        self._last = self._block[:, :1].copy()

    def close(self) -> None:
        """Write what is left, and give the files their names; where nothing was recorded there are none."""
        if self._thread is None:
            return
        self._pause()
        for writer, path in zip(self._writers, self.paths):
            self._finish(writer, path)
        self._thread, self._writers = None, []

    def _finish(self, writer: AudioWriter, path: Path) -> None:
        if not self._recorded:
            _discard(writer)
            return
        try:
            writer.close()
        except VQSSError as error:
            self._fail(error)
            _mend(writer)
        try:
            shown = show_new(writer.path, path)
        except OSError as error:
            self._fail(disk_error(path.parent, error))
            return
        if shown != path:
            self._report(f"'{path}' exists by now; the recording is kept as '{shown}'")
            self.failed = True

    def _fail(self, error: VQSSError) -> None:
        if not self.failed:
            self._report(f"{error}; the recording ends here")
        self.failed = True
        if self._exchange is not None:      # a callback that does not run in real time would wait for what nobody takes
            self._exchange.state[RECORDING] = 0

    def _pause(self) -> None:
        self._stopping.set()
        assert self._thread is not None
        self._thread.join()

    def _fade_away(self) -> None:
        """Where the device was lost amid sound, let it end softly, before what the next one brings."""
        self._block[:, :FADE_FRAMES] = self._last * np.linspace(1.0, 0.0, FADE_FRAMES, dtype=np.float32)
        self._taken = FADE_FRAMES
        self._write()

    def _writer(self, index: int, path: Path, rate_hz: int) -> AudioWriter:
        make_folder(path.parent)
        # By its number, for of long names the hidden ones are all the same.
        return AudioWriter(hidden_beside(path.with_name(f"{index}-{path.name}")), rate_hz, 2, self._coding)

    def _run(self) -> None:
        while True:
            last = self._stopping.is_set()
            while not self.failed and self._take():
                self._write()
            if last:
                return
            self._stopping.wait(_POLL_S)

    def _write(self) -> None:
        """What `_block` holds."""
        if self.failed:
            return
        self._recorded = True
        try:
            for index, writer in enumerate(self._writers):
                writer.write(self._block[2 * index : 2 * index + 2, : self._taken])
        except VQSSError as error:
            self._fail(error)
        self._last = self._block[:, self._taken - 1 : self._taken].copy()

    def _take(self) -> bool:
        """Up to _PIECE frames into `_block`."""
        assert self._exchange is not None
        ring = self._exchange.recorded
        self._taken = min(ring.readable, _PIECE)
        return self._taken > 0 and ring.read(self._block[:, : self._taken])


def _discard(writer: AudioWriter) -> None:
    writer.abandon()
    writer.path.unlink(missing_ok=True)


def _mend(writer: AudioWriter) -> None:
    """Let a file that could not be ended be read all the same; other formats than FLAC can be as they are."""
    with suppress(OSError, ValueError):
        end_with_last_frame(writer.path)


def _cluster_path(path: Path, k: int, name: str) -> Path:
    return path.with_name(f"{path.stem}_{stem_name(k, name)}{path.suffix}")
