"""Undo and redo of mixer moves: what parameters were and became."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vqss_engine.control import Value

DEPTH = 500
"""How many steps are kept."""


@dataclass
class Step:
    """Path -> value, before and after; moves with the same `gesture` (not None) are one step.

    look: where the values after it come a moment later, what tells those of now; None once they are known.
    """

    before: dict[str, Value]
    after: dict[str, Value]
    gesture: object
    look: Callable[[], Mapping[str, Value]] | None = None


class History:
    """Steps done, and steps taken back; a new step forgets the latter."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._open = False

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def add(self, before: Mapping[str, Value], after: Mapping[str, Value], gesture: object = None) -> Step | None:
        """Note a move, and give the step that it is or belongs to; None, and nothing is noted, if nothing changed."""
        if dict(before) == dict(after):
            return None
        self._undone.clear()
        last = self._done[-1] if self._done and self._open else None
        if last and gesture is not None and last.gesture == gesture:
            last.before = {**before, **last.before}
            last.after.update(after)
            return last
        step = Step(dict(before), dict(after), gesture)
        self._done.append(step)
        self._open = True
        del self._done[:-DEPTH]
        return step

    def drop(self, unwanted: Callable[[Step], bool]) -> None:
        """Forget steps, done or taken back, that nothing stands for any more."""
        for steps in (self._done, self._undone):
            steps[:] = [step for step in steps if not unwanted(step)]

    def complete(self, step: Step) -> None:
        """Let a step that is done know the values after it, if it does not; those of now, less what came after it."""
        at = next((at for at, other in enumerate(self._done) if other is step), None)
        if step.look is None or at is None:
            return
        values = dict(step.look())
        for later in reversed(self._done[at + 1 :]):
            values.update(later.before)
        step.after.update({path: value for path, value in values.items() if path in step.before})
        step.look = None

    def undo(self) -> dict[str, Value] | None:
        """The values to set to take back the last step; None where there is none."""
        if not self._done:
            return None
        self._open = False
        self.complete(self._done[-1])       # afterwards its values are gone
        self._undone.append(self._done.pop())
        return dict(self._undone[-1].before)

    def redo(self) -> dict[str, Value] | None:
        """The values to set to do again the step taken back last; None where there is none."""
        if not self._undone:
            return None
        self._open = False
        self._done.append(self._undone.pop())
        return dict(self._done[-1].after)
