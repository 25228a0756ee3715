"""The addresses of source and transport, joined to the player of songs."""

from __future__ import annotations

from pathlib import Path

from bridge.live_source import SongPlayer
from bridge.osc_files import file_within
from vqss_engine.control import ControlSurface, Value
from vqss_engine.errors import VQSSError
from vqss_engine.vocabulary import INPUT_SOURCE, LOOP, PLAY, POSITION, SOURCE, STOP


class Transport:
    """Follows `surface`: what is set there is played. `music`: the folder that songs may be named in, or None."""

    def __init__(self, surface: ControlSurface, music: Path | None) -> None:
        self._surface, self._music = surface, music
        self.player = SongPlayer(surface.telemetry.report, self._ended)
        self._leave = surface.subscribe(self._changed)
        surface.on_action(STOP, self._stop)

    def begin(self, song: Path | None) -> None:
        """Play this file, which lies in the music folder, from its start, or what the surface says."""
        if song is not None:
            name = song.relative_to(self._music.resolve()) if self._music else song.name
            self._surface.set_many({SOURCE: str(name), PLAY: 1}, self)
        elif self._surface.get(SOURCE) != INPUT_SOURCE:
            self._changed(SOURCE, self._surface.get(SOURCE), self)
        for path in (POSITION, LOOP, PLAY):
            self._changed(path, self._surface.get(path), self)

    def tick(self) -> None:
        """Show where the song is; some times a second."""
        self._surface.telemetry.position_s = self.player.position_s

    def close(self) -> None:
        self._leave()
        self.player.close()

    def _changed(self, path: str, value: Value, origin: object) -> None:
        if path == SOURCE:
            self._choose(str(value))
        elif path == PLAY:
            self.player.play(bool(value))
        elif path == POSITION and isinstance(value, float | int):
            self.player.seek(float(value))
        elif path == LOOP and isinstance(value, tuple):
            start, end = (float(second) for second in value)
            self.player.loop((start, end))

    def _choose(self, name: str) -> None:
        try:
            self.player.choose(None if name == INPUT_SOURCE else file_within(self._music, name))
        except VQSSError as error:
            self._surface.telemetry.report(str(error))

    def _stop(self, on: object = True, origin: object = None) -> None:
        if on:
            self._surface.set_many({PLAY: 0, POSITION: 0.0}, self)

    def _ended(self) -> None:
        """The song was heard to its end; the player waits at its start."""
        self._surface.set(PLAY, 0, self)
