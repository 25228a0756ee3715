"""Meters come back from whatever they were given."""

from __future__ import annotations

import numpy as np

from vqss_engine.meters import Meters
from vqss_engine.telemetry import Telemetry


def test_a_wild_sample_does_not_stay() -> None:
    telemetry = Telemetry(2)
    meters, out = Meters(telemetry, 2, 256, 44100), np.full((2, 256), 0.5, np.float32)
    out[0, 7] = 1e30
    meters.update(None, out)
    assert np.isfinite(telemetry.snapshot().rms_dbfs).all() and np.isfinite(telemetry.snapshot().peak_dbfs).all()
    out[0, 7] = 0.5
    for _ in range(round(10 * 44100 / 256)):
        meters.update(None, out)
    snapshot = telemetry.snapshot()
    assert abs(snapshot.rms_dbfs[-1] + 6.0) < 0.1 and abs(snapshot.peak_dbfs[-1] + 6.0) < 0.1
