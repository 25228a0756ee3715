"""Warnings of the training package, said as the program says everything."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.console import say


class _Said(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


@contextmanager
def warnings_said() -> Iterator[None]:
    """Meanwhile each is a line `vqss: …` on stderr."""
    handler = _Said(logging.WARNING)
    log = logging.getLogger("training")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
