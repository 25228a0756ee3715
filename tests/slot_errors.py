"""Errors that leave a slot or an event handler of the window: Qt would end the process, the reason lost with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def raised_at_the_end() -> Iterator[None]:
    """Note such errors, and raise the first of them at the end."""
    errors: list[BaseException] = []
    before, sys.excepthook = sys.excepthook, lambda kind, error, trace: errors.append(error)
    try:
        yield
    finally:
        sys.excepthook = before
        if errors:
            errors[0].add_note(f"raised where Qt called Python; errors in this test: {len(errors)}")
            raise errors[0]
