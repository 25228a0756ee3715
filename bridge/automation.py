"""Automation: every move of a fader, switch or effect, written down by the frame it is heard from, and played again.

The clock is the input: seconds since the first frame of the run, which with `--source` is the first of the song. A
move counts from a chunk of the engine on, and in every replay from the same one, so that two replays over the same
input give the same samples. Who moves the faders (a DAW over OSC, a tablet, a window) does not matter.

    {"format": 1, "start": {"/vqss/cluster/3/gain": 0.0, ...}, "changes": [[1.25, "/vqss/cluster/3/gain", -6.0], ...]}

Threads: moves are noted on the thread of whoever makes them. `reach` belongs to the live worker, which sets what is
due there as any writer does: it takes the surface's short lock, and tells its listeners. The rest is the main thread's.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.audio_files import disk_error
from bridge.output_folder import make_folder
from bridge.take_files import check_unused, show_new
from vqss_engine.control import ControlSurface, Value
from vqss_engine.errors import VQSSError
from vqss_engine.state import state_fields
from vqss_engine.whole_files import hidden_file

FORMAT = 1
MOST_CHANGES = 1_000_000

Change = tuple[float, str, Value]
"""Second of the input, address, value."""


@dataclass(frozen=True)
class Take:
    """What was written down. start: the mixer at the beginning; changes: in the order they were made."""

    start: dict[str, Value]
    changes: tuple[Change, ...]


class Automation:
    """Plays `take` on `surface`, writes what moves there into the file `target`, or both; either may be None.

    Raises VQSSError for a take that does not fit the mixer, for a target that exists, and for a folder that cannot be.
    """

    def __init__(self, surface: ControlSurface, take: Take | None = None, target: Path | None = None) -> None:
        if target is not None:
            check_unused(target, "--write-automation")
            _check_writable(target)  # at once: what was played for an hour must not be lost at its end
        self._surface, self._target = surface, target
        self._due = list(_checked(surface, take)) if take else []
        self._start = dict(take.start) if take else {}
        self._next = 0
        self._frame, self._base_s, self._stamp_s = 0, 0.0, 0.0
        self._before: dict[str, Value] = {}
        self._written: list[Change] = []
        self._latest: dict[str, int] = {}
        self._full = False
        self._leave: Callable[[], None] | None = None

    def begin(self) -> None:
        """Put the mixer where the take begins; note how it is then, and what moves from now on."""
        self._surface.set_many(self._start, self)
        if self._target is not None:
            self._before = {path: value for path, value in self._surface.values().items() if self._moves(path)}
            self._leave = self._surface.subscribe(self._note)

    def reach(self, frame: int, chunk: int, rate_hz: int) -> None:
        """The chunk that begins with `frame` of the input comes next: set what is due by then."""
        if frame < self._frame:  # the device was opened again, and counts anew
            self._base_s = self._stamp_s
        self._frame = frame + chunk
        self._stamp_s = self._base_s + frame / rate_hz
        self._play(self._stamp_s + 0.5 / rate_hz)
        self._stamp_s = self._base_s + self._frame / rate_hz  # who moves something now is heard from the next chunk on

    def _play(self, second: float) -> None:
        values: dict[str, Value] = {}
        while self._next < len(self._due) and self._due[self._next][0] < second:
            _, path, value = self._due[self._next]
            values[path] = value
            self._next += 1
        if not values:
            return
        try:
            self._surface.set_many(values, self)
        except VQSSError:  # the rack was changed meanwhile
            self._set_each(values)

    def _set_each(self, values: dict[str, Value]) -> None:
        """Set what can be set, and tell of the rest."""
        for path, value in values.items():
            try:
                self._surface.set(path, value, self)
            except VQSSError as error:
                self._surface.telemetry.report(f"automation: {error}")

    def _moves(self, path: str) -> bool:
        return path in state_fields(self._surface.clusters) or "/fx/" in path

    def _note(self, path: str, value: Value, origin: object) -> None:
        if not self._moves(path) or self._full:
            return
        change = (self._stamp_s, path, value)
        at = self._latest.get(path)
        if at is not None and self._written[at][0] == change[0]:
            self._written[at] = change
            return
        self._latest[path] = len(self._written)
        self._written.append(change)
        if len(self._written) == MOST_CHANGES:
            self._full = True
            self._surface.telemetry.report(f"automation: {MOST_CHANGES} moves are written; what follows is left out")

    def close(self) -> None:
        """Write the file, whole or not at all; raises VQSSError where that fails. May be called twice.

        Of a run without a chunk, which failed at its start, there is nothing to write: it will be tried again.
        Where another has taken its name meanwhile, it is written under a name like it, and where its folder takes
        nothing any more, to that of temporary files; the VQSSError tells which it is.
        """
        if self._leave is None or self._target is None:
            return
        self._leave()
        self._leave = None
        if not self._frame:
            return
        take = Take(self._before, tuple(self._written))
        try:
            written, fault = write_take(self._target, take), f"'{self._target}' exists by now"
        except VQSSError as error:
            written, fault = _write_elsewhere(self._target.name, take, error), str(error)
        if written != self._target:
            raise VQSSError(f"{fault}; the automation is kept as '{written}'")


def _check_writable(target: Path) -> None:
    """Make the folder, and see whether a file can be made in it; raises VQSSError."""
    make_folder(target.parent)
    try:
        with hidden_file(target) as probe:
            probe.touch()
    except OSError as error:
        raise disk_error(target.parent, error) from error


def _write_elsewhere(name: str, take: Take, failure: VQSSError) -> Path:
    """Write a take among temporary files; raises the `failure` that there was where it belongs if that fails too."""
    try:
        return write_take(Path(tempfile.gettempdir()) / name, take)
    except VQSSError:
        raise failure from None


def read_take(path: Path) -> Take:
    """The take in a file, not yet compared with any mixer; raises VQSSError."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise VQSSError(f"cannot read the automation '{path}' ({error.strerror}); check the path") from error
    except (ValueError, RecursionError) as error:
        raise VQSSError(f"'{path}' is no automation ({error}); write it again") from error
    fault = f"'{path}' is no automation of format {FORMAT}; write it again with this version"
    if not isinstance(content, dict) or set(content) != {"format", "start", "changes"} or content["format"] != FORMAT:
        raise VQSSError(fault)
    start, changes = content["start"], content["changes"]
    if not isinstance(start, dict) or not isinstance(changes, list) or not all(map(_is_change, changes)):
        raise VQSSError(fault)
    return Take(start, tuple((float(second), path, value) for second, path, value in changes))


def write_take(path: Path, take: Take) -> Path:
    """Write a take, one change a line; returns where, which is beside `path` if there is something already.

    Raises VQSSError, and then there is no file.
    """
    lines = ",\n".join(json.dumps(change, ensure_ascii=False) for change in take.changes)
    start = json.dumps(take.start, indent=1, ensure_ascii=False)
    try:
        with hidden_file(path) as partial:
            partial.write_text(f'{{"format": {FORMAT},\n"start": {start},\n"changes": [\n{lines}\n]}}\n', "utf-8")
            return show_new(partial, path)
    except OSError as error:
        raise VQSSError(f"cannot write the automation '{path}' ({error.strerror}); choose another folder") from error


def _is_change(change: Any) -> bool:
    return (
        isinstance(change, list) and len(change) == 3 and isinstance(change[1], str)
        and isinstance(change[0], int | float) and not isinstance(change[0], bool) and 0.0 <= change[0] < 1e9
    )  # fmt: skip


def _checked(surface: ControlSurface, take: Take) -> list[Change]:
    """The changes as the mixer takes them, in time; raises VQSSError for an address or value that it does not."""
    try:
        for path, value in take.start.items():
            surface.parameter(path).check(value)
        changes = [(second, path, surface.parameter(path).check(value)) for second, path, value in take.changes]
    except VQSSError as error:
        raise VQSSError(f"the automation does not fit: {error} (load the rack it was written with)") from error
    return sorted(changes, key=lambda change: change[0])
