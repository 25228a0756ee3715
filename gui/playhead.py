"""Where the song is by now: the engine tells its position now and then, the time between is reckoned."""

from __future__ import annotations

_SETTLING_S = 0.3


class Playhead:
    """A position in seconds that moves while playing; inside the loop (start, end) it goes round."""

    def __init__(self) -> None:
        self.playing = False
        self.loop = (0.0, 0.0)
        self.seconds = 0.0
        """The song's length; 0 while unknown."""
        self._from, self._at_s = 0.0, 0.0
        self._told, self._sought_s = 0.0, -_SETTLING_S

    def seek(self, position_s: float, now_s: float) -> None:
        """Be at a position."""
        self._from, self._at_s, self._sought_s = position_s, now_s, now_s

    def correct(self, told_s: float, now_s: float) -> None:
        """Take over a position that the engine tells anew; shortly after a seek it may be older than that."""
        if told_s != self._told and now_s - self._sought_s >= _SETTLING_S:
            self._from, self._at_s, self._told = told_s, now_s, told_s

    def play(self, on: bool, now_s: float) -> None:
        """Start or stop to move."""
        self.seek(self.position(now_s), now_s)
        self.playing = on

    def set_loop(self, loop: tuple[float, float], now_s: float) -> None:
        """Go round between two positions; off where the end is not after the start."""
        self.seek(self.position(now_s), now_s)
        self.loop = loop

    def position(self, now_s: float) -> float:
        """The position at a time."""
        if not self.playing:
            return self._from
        reached = self._from + max(0.0, now_s - self._at_s)
        start, end = self.loop
        if end > start and self._from < end <= reached:
            return start + (reached - start) % (end - start)
        return min(reached, self.seconds) if self.seconds else reached
