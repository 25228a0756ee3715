"""A progress bar over seconds of audio."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

_FORMAT = "{desc} {percentage:3.0f}% |{bar}| {elapsed} elapsed, {remaining} left, {speed} real time"


class AudioProgress(tqdm):
    """Shows elapsed and remaining time and the speed as a multiple of real time; silent without a terminal.

    `seconds` is the length of the audio, None where it is not known.
    """

    def __init__(self, seconds: float | None, name: str) -> None:
        super().__init__(
            total=seconds, desc=name, disable=None, leave=False, file=sys.stderr, bar_format=_FORMAT
        )

    @property
    def format_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = super().format_dict
        elapsed = values["elapsed"]
        values["speed"] = f"{values['n'] / elapsed:.1f} ×" if elapsed else "? ×"
        return values

    def reach(self, seconds: float) -> None:
        """Show that this much audio is done."""
        self.update(seconds - self.n)
