"""Everything that fixes shapes and sound (`ModelConfig`) and what the machine chooses (`StreamConfig`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

from vqss_engine.errors import UsageError, VQSSError


def _mask_edges() -> tuple[int, ...]:
    """Edges in FFT bins: every bin below 4.1 kHz, pairs to 9.6 kHz, fours above (1025 bins in all)."""
    return (*range(192), *range(192, 448, 2), *range(448, 1024, 4), 1025)


def _band_edges() -> tuple[int, ...]:
    """Edges in mask bins of 44 bands that widen with frequency."""
    edges = [0]
    for width, count in ((4, 8), (6, 8), (8, 8), (12, 4), (16, 8), (18, 8)):
        for _ in range(count):
            edges.append(edges[-1] + width)
    return tuple(edges)


_MOST = 1 << 16
MOST_LAYERS = 64
_LIMITS = {"sample_rate": (8000, 192_000), "clusters": (1, 256), "layers": (1, MOST_LAYERS)}


@dataclass(frozen=True)
class ModelConfig:
    """Shapes of the generator; it lives in the bundle.

    window, train_hop and train_synthesis are samples; `mask_edges` are FFT bins (M + 1 of them),
    `band_edges` mask bins. The recurrence was trained at `train_hop`: a stream with a smaller hop keeps
    `train_hop / hop` recurrent states and uses them in turn.
    """

    sample_rate: int = 44100
    window: int = 2048
    train_hop: int = 1024
    train_synthesis: int = 512
    clusters: int = 16
    code_dim: int = 32
    width: int = 64
    layers: int = 3
    recurrent_width: int = 96
    band_hidden: int = 88
    channel_hidden: int = 128
    head_width: int = 96
    level_decay_db_per_s: float = 3.0
    mask_edges: tuple[int, ...] = _mask_edges()
    band_edges: tuple[int, ...] = _band_edges()

    @property
    def bins(self) -> int:
        """F, the bins of one spectrum."""
        return self.window // 2 + 1

    @property
    def mask_bins(self) -> int:
        """M, the bins of one mask."""
        return len(self.mask_edges) - 1

    @property
    def bands(self) -> int:
        return len(self.band_edges) - 1

    @property
    def level_decay(self) -> float:
        """Power factor by which the running level falls per training hop."""
        return float(10.0 ** (-self.level_decay_db_per_s * self.train_hop / self.sample_rate / 10.0))

    def faults(self) -> list[str]:
        """What is wrong with each number, or does not fit together; empty where nothing is."""
        found = (_fault(item.name, item.default, getattr(self, item.name)) for item in fields(self))
        if faults := [fault for fault in found if fault]:
            return faults
        if self.window < 4 or self.window & (self.window - 1):
            faults.append(f"window {self.window} is no power of two")
        if self.window < (longest := max(synthesis for _, synthesis in PROFILES.values())):
            faults.append(f"window {self.window} is shorter than the {longest} samples that a latency profile needs")
        half, odd = divmod(self.train_synthesis, 2)
        if odd or self.train_synthesis > self.window or self.train_hop % half:
            faults.append(f"train_synthesis {self.train_synthesis} is not even, longer than the window, or not twice a "
                          "part of train_hop")  # fmt: skip
        for name, edges, end in (
            ("mask_edges", self.mask_edges, self.bins),
            ("band_edges", self.band_edges, self.mask_bins),
        ):
            if edges[0] != 0 or edges[-1] != end or any(b <= a for a, b in pairwise(edges)):
                faults.append(f"{name} must rise from 0 to {end}")
        return faults

    def to_dict(self) -> dict[str, Any]:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ModelConfig:
        """Build from `to_dict`'s output; raises VQSSError on unknown, missing or ill-typed fields."""
        known = {field.name: field for field in fields(cls)}
        if set(data) != set(known):
            odd = ", ".join(sorted(set(data) ^ set(known)))
            raise VQSSError(f"the model's configuration has unknown or missing fields ({odd}); fetch the bundle again")
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        config = cls(**dict[str, Any](values))
        if faults := config.faults():
            raise VQSSError(f"the model's configuration is damaged ({'; '.join(faults)}); fetch the bundle again")
        return config


def _fault(name: str, like: Any, value: Any) -> str:
    """What is wrong with a field's value from a file, whose kind is that of `like`; '' where nothing is."""
    if isinstance(like, tuple):
        good = isinstance(value, tuple) and 2 <= len(value) <= _MOST and all(type(edge) is int for edge in value)
    elif isinstance(like, float):
        good = type(value) in (int, float) and 0 < value < _MOST     # no NaN
    else:
        low, high = _LIMITS.get(name, (1, _MOST))
        good = type(value) is int and low <= value <= high
    return "" if good else f"{name} is {str(value)[:40]}"


PROFILES = {"default": (256, 512), "low": (128, 256), "safe": (512, 1024)}
MASK_HOPS = {"default": 2, "low": 2, "safe": 1}


@dataclass(frozen=True)
class StreamConfig:
    """What the machine chooses: `hop` and `synthesis` in samples at the model's rate.

    The algorithmic latency is `synthesis`: a chain fed hop by hop delays by `synthesis - hop`, and filling a
    hop takes `hop` more. The network runs at every `mask_hops`-th hop, and its masks serve until it runs again.
    """

    profile: str = "default"
    hop: int = 256
    synthesis: int = 512
    mask_hops: int = 2

    @classmethod
    def named(cls, profile: str) -> StreamConfig:
        """The profile `default`, `low` or `safe`; raises UsageError for any other name."""
        if profile not in PROFILES:
            raise UsageError(f"unknown latency profile '{profile}'; choose {', '.join(PROFILES)}")
        return cls(profile, *PROFILES[profile], MASK_HOPS[profile])
