"""How much memory this process has needed at most."""

from __future__ import annotations

import sys


def peak_rss_mb() -> float:
    """Largest resident set so far, MiB."""
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
