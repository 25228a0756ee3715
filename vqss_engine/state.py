"""What the engine mixes by: an immutable state, replaced whole at every change. Standard library only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from vqss_engine.vocabulary import BYPASS, LIMITER, MAIN_GAIN, MAIN_MUTE

_CLUSTER_FIELDS = ("gain", "mute", "solo", "pan", "group")


@dataclass(frozen=True, slots=True)
class MixerState:
    """All that the engine needs for a hop; tuples have K entries, gains are dB (-70 is silence)."""

    gain: tuple[float, ...]
    mute: tuple[bool, ...]
    solo: tuple[bool, ...]
    pan: tuple[float, ...]
    group: tuple[int, ...]
    main_gain: float = 0.0
    main_mute: bool = False
    limiter: bool = False
    bypass: bool = False

    @classmethod
    def default(cls, clusters: int) -> MixerState:
        """All K faders at 0 dB, nothing muted, soloed, panned or grouped."""
        off = (False,) * clusters
        return cls((0.0,) * clusters, off, off, (0.0,) * clusters, (-1,) * clusters)

    @property
    def clusters(self) -> int:
        """K."""
        return len(self.gain)

    def strip(self, k: int) -> int:
        """The cluster whose strip `k` follows, through all joins; its own where they lead in a circle."""
        return followed(k, self.group.__getitem__)

    def with_value(self, name: str, k: int | None, value: Any) -> MixerState:
        """A copy with field `name` (of cluster `k`) set."""
        if k is not None:
            old = getattr(self, name)
            value = (*old[:k], value, *old[k + 1 :])
        return replace(self, **{name: value})


def followed(k: int, group_of: Callable[[int], int]) -> int:
    """The cluster that `k` follows through all joins, where `group_of` says which one a cluster is joined to, -1 for
    none; `k` itself where they lead in a circle."""
    seen, at = {k}, k
    while (joined := group_of(at)) not in (-1, at):
        if joined in seen:
            return k
        seen.add(joined)
        at = joined
    return at


def state_fields(clusters: int) -> dict[str, tuple[str, int | None]]:
    """Path -> the field of MixerState that it sets, and the cluster (None: a field of the main output)."""
    fields: dict[str, tuple[str, int | None]] = {
        MAIN_GAIN: ("main_gain", None),
        MAIN_MUTE: ("main_mute", None),
        LIMITER: ("limiter", None),
        BYPASS: ("bypass", None),
    }
    for k in range(clusters):
        fields.update({f"/vqss/cluster/{k}/{name}": (name, k) for name in _CLUSTER_FIELDS})
    return fields
