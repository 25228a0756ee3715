"""The formats that stems are written in."""

from __future__ import annotations

from dataclasses import dataclass

from vqss_engine.errors import UsageError, VQSSError

SUBTYPES = {
    "wav": ("FLOAT", "PCM_24", "PCM_16"),
    "flac": ("PCM_24", "PCM_16"),
    "ogg": ("VORBIS",),
    "mp3": ("MPEG_LAYER_III",),
}
INTEGER_SUBTYPES = ("PCM_16", "PCM_24")
MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
SAMPLE_BYTES = {"FLOAT": 4, "PCM_24": 3, "PCM_16": 2}
# A RIFF size field has 32 bits; the margin leaves room for the headers.
LARGEST_WAV_BYTES = 2**32 - 2**20


@dataclass(frozen=True)
class Coding:
    """How stems are written: `extension` is wav, flac, ogg or mp3, `subtype` as soundfile names it."""

    extension: str
    subtype: str

    @classmethod
    def named(cls, extension: str, subtype: str | None = None) -> Coding:
        """`subtype` None chooses the format's best: FLOAT for wav, PCM_24 for flac. Raises UsageError."""
        if extension not in SUBTYPES:
            raise UsageError(f"unknown format '{extension}'; choose {', '.join(SUBTYPES)}")
        known = SUBTYPES[extension]
        if subtype is not None and subtype not in known:
            raise UsageError(f"{extension} cannot hold {subtype}; leave --subtype out or choose another --format")
        return cls(extension, subtype or known[0])

    @property
    def is_integer(self) -> bool:
        return self.subtype in INTEGER_SUBTYPES

    def check_rate(self, sample_rate: int) -> None:
        """Raise VQSSError where the format cannot hold audio of this rate."""
        if self.extension == "mp3" and sample_rate not in MP3_RATES_HZ:
            raise VQSSError(f"mp3 cannot hold audio of {sample_rate} Hz; choose --format wav, flac or ogg")

    def bytes_per_file(self, frames: int, channels: int) -> int | None:
        """Size on disk of one file, None where the format compresses."""
        return frames * channels * SAMPLE_BYTES[self.subtype] if self.extension == "wav" else None

    def container(self, frames: int | None, channels: int) -> str:
        """The soundfile format; a WAV too long for 32-bit sizes, or of unknown length, begins as RF64."""
        if self.extension == "wav":
            size = None if frames is None else self.bytes_per_file(frames, channels)
            return "WAV" if size is not None and size < LARGEST_WAV_BYTES else "RF64"
        return self.extension.upper()
