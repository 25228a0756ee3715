"""The files that stems of rendered songs are written to."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.instruments import SAMPLE_RATE
from vqss_engine.errors import VQSSError
from vqss_engine.native_name import native_name

STEM_FORMATS = ("flac", "opus")
OPUS_RATE = 48000  # the only one of Opus with all frequencies
OPUS_COMPRESSION = 0.925  # some 17 kbit/s


def write_stem(path: Path, audio: np.ndarray) -> None:
    """Write stereo samples (2, N) float32 at 44.1 kHz, -1...1, as the suffix of `path` says.

    `.flac`: 16 bits, one channel where both are alike. `.opus`: mono, a twentieth of the size and less, for songs that
    travel to where they are trained on; training hears mono anyway. Raises VQSSError where it cannot be written.
    """
    import soundfile

    try:
        if path.suffix == ".opus":
            _write_opus(path, audio)
            return
        mono = bool(np.abs(audio[0] - audio[1]).max() < 1e-5)
        soundfile.write(native_name(path), audio[0] if mono else audio.T, SAMPLE_RATE, subtype="PCM_16")
    except soundfile.LibsndfileError as error:
        raise VQSSError(f"cannot write to {path.parent.parent} ({error}); free some room there") from error


def _write_opus(path: Path, audio: np.ndarray) -> None:
    import soundfile
    import soxr

    mono = soxr.resample(audio.mean(0, dtype=np.float32), SAMPLE_RATE, OPUS_RATE)
    with soundfile.SoundFile(
        native_name(path), "w", OPUS_RATE, 1, "OPUS", format="OGG", compression_level=OPUS_COMPRESSION
    ) as file:
        for start in range(0, len(mono), OPUS_RATE):  # NB: libsndfile's stack overflows where minutes come at once
            file.write(mono[start : start + OPUS_RATE])
