"""A process that compiles the kernels computes the very numbers that later ones do, which load them."""

from __future__ import annotations

import platform
from pathlib import Path

import llvmlite.binding as llvm
import pytest

from tests.fresh_process import run_fresh

WIDE = ("avx10", "avx512", "amx")

SEPARATE = """
import hashlib
import numpy as np
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.separator import StreamingSeparator

bundle, stream, digest = ModelBundle.load(), StreamConfig(), hashlib.sha256()
separator = StreamingSeparator(bundle, stream, 2)
noise = np.random.default_rng(0).standard_normal((40, 2, stream.hop)).astype(np.float32)
weights = np.linspace(0, 1, 2 * bundle.config.clusters, dtype=np.float32).reshape(-1, 2)
stems = np.zeros((bundle.config.clusters, 2, stream.hop), np.float32)
for block in noise:
    separator.analyse(block)
    digest.update(separator.mixdown(weights, np.zeros_like(block)))
    digest.update(separator.stems(np.ones(len(stems), np.bool_), stems))
    digest.update(separator.powers(np.zeros((len(stems) + 1, 2), np.float32)))
print(digest.hexdigest())
"""


def without_wide_registers() -> dict[str, str]:
    """Numba's settings for a processor like this one, where code differs most once a caller's copy is optimised."""
    features = llvm.get_host_cpu_features()
    kept = {name: on and not name.startswith(WIDE) for name, on in features.items()}
    return {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ",".join("-+"[on] + name for name, on in kept.items())}


@pytest.mark.timeout(600)
def test_the_first_start_rounds_as_every_later_one(tmp_path: Path) -> None:
    settings = without_wide_registers() if platform.machine() in ("x86_64", "AMD64") else {}
    first, later = (run_fresh(SEPARATE, XDG_CACHE_HOME=str(tmp_path), **settings).stdout for _ in range(2))
    assert first and later == first
