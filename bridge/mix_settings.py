"""The faders of a mixer as attributes: what one sets most, without addresses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqss_engine.control import ControlSurface
from vqss_engine.errors import VQSSError


class MixSettings:
    """`solo`, `mute` and `gains_db` of the mixer behind `surface`; raises VQSSError for clusters there are not."""

    def __init__(self, surface: ControlSurface) -> None:
        self.surface = surface

    @property
    def clusters(self) -> int:
        """K, the number of clusters."""
        return self.surface.clusters

    def named(self, word: str) -> list[int]:
        """The clusters whose name contains `word`, in any case; a model may name none."""
        names = [str(self.surface.get(f"/vqss/cluster/{k}/name")) for k in range(self.clusters)]
        return [k for k, name in enumerate(names) if word.casefold() in name.casefold()]

    @property
    def solo(self) -> list[int]:
        """The clusters that are soloed."""
        return self._switched("solo")

    @solo.setter
    def solo(self, wanted: int | Iterable[int] | None) -> None:
        self._switch("solo", wanted)

    @property
    def mute(self) -> list[int]:
        """The clusters that are muted; mute wins over solo."""
        return self._switched("mute")

    @mute.setter
    def mute(self, wanted: int | Iterable[int] | None) -> None:
        self._switch("mute", wanted)

    @property
    def gains_db(self) -> dict[int, float]:
        """Cluster -> gain in dB, for all."""
        return dict(enumerate(self.surface.state.gain))

    @gains_db.setter
    def gains_db(self, wanted: Mapping[int, float] | Sequence[float] | NDArray[Any] | None) -> None:
        if wanted is not None and not isinstance(wanted, Mapping) and len(wanted) != self.clusters:
            raise VQSSError(f"{len(wanted)} gains for {self.clusters} clusters; give as many, or cluster -> dB")
        pairs = wanted if isinstance(wanted, Mapping) else dict(enumerate(() if wanted is None else wanted))
        values: dict[str, object] = {f"/vqss/cluster/{k}/gain": 0.0 for k in range(self.clusters)}
        for k, gain in pairs.items():
            # Faders end at -70 dB, which is silence; minus infinity means the same.
            values[f"/vqss/cluster/{self._known(k)}/gain"] = -70.0 if gain == -math.inf else float(gain)
        self.surface.set_many(values)

    def _switched(self, name: str) -> list[int]:
        return [k for k, on in enumerate(getattr(self.surface.state, name)) if on]

    def _switch(self, name: str, wanted: int | Iterable[int] | None) -> None:
        given = () if wanted is None else (wanted,) if isinstance(wanted, int | np.integer) else tuple(wanted)
        chosen = {self._known(k) for k in given}
        self.surface.set_many({f"/vqss/cluster/{k}/{name}": k in chosen for k in range(self.clusters)})

    def _known(self, k: Any) -> int:
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 0 <= k < self.clusters:
            raise VQSSError(f"no cluster {k!r}; the model has clusters 0 to {self.clusters - 1}")
        return int(k)
