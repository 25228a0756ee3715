"""Constants of the network's arithmetic, for its training, its graph and its compiled kernels alike."""

from __future__ import annotations

FLOOR = 1e-8  # of the running level; keeps the logarithm finite in silence
SILENCE = 1e-12  # mean power of a bin under which the running level never falls
FEATURE_OFFSET, FEATURE_SCALE = 3.0, 0.5
NORM_EPS = 1e-5
LOG10_E = 0.4342944819032518
