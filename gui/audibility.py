"""Which clusters are heard, by the rules of the engine's mixer: mute wins over solo, and who is joined follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gui.model import MixerModel, cluster_path


@dataclass(frozen=True)
class Audibility:
    """The switches that count for a cluster, its leader's where it is joined, and whether others' solo silences it."""

    mute: bool
    solo: bool
    soloed_away: bool

    @property
    def heard(self) -> bool:
        """Whether its fader lets it through."""
        return not self.mute and not self.soloed_away


def audibilities(model: MixerModel) -> Sequence[Audibility]:
    """How it stands with every cluster now."""
    leaders = [model.leader(k) for k in range(model.clusters)]
    mutes, solos = ([bool(model.find(cluster_path(j, leaf))) for j in leaders] for leaf in ("mute", "solo"))
    return [Audibility(mute, solo, any(solos) and not solo) for mute, solo in zip(mutes, solos)]
