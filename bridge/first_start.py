"""What a first start says, as it takes a minute in which nothing else is seen."""

from __future__ import annotations

import sys

from bridge.console import say


def tell_first_start() -> None:
    """One line where kernels are yet to be compiled; without a terminal nobody waits in front of it."""
    if not sys.stderr.isatty():
        return
    from vqss_engine.compiled import are_kept

    if not are_kept():
        say("preparing the engine for this computer; the first start takes a minute or so, the next ones a second")
