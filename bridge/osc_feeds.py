"""What an engine reports, as OSC messages."""

from __future__ import annotations

from itertools import chain

from bridge.osc_packet import encode_floats, encode_message
from vqss_engine.telemetry import Telemetry

LEVELS, SPECTRA, STATUS = "/vqss/levels", "/vqss/spectra", "/vqss/status"
SESSION, PONG, ERROR = "/vqss/session", "/vqss/pong", "/vqss/error"


def levels_message(telemetry: Telemetry) -> bytes:
    """rms and peak in dBFS of every cluster, then of the main output."""
    snapshot = telemetry.snapshot()
    return encode_floats(LEVELS, chain.from_iterable(zip(snapshot.rms_dbfs, snapshot.peak_dbfs)))


def status_message(telemetry: Telemetry) -> bytes:
    """load, misses, xruns, latency in ms, state."""
    return encode_message(
        STATUS, float(telemetry.load), telemetry.misses, telemetry.xruns, float(telemetry.latency_ms),
        int(telemetry.state),
    )  # fmt: skip


def spectra_message(frame: int, bands: bytes) -> bytes:
    """Number of the hop and (K + 1) · 64 bytes."""
    return encode_message(SPECTRA, frame, bands)
