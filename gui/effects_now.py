"""What there is of effects at one moment: looked for once, for all that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gui.chains import chain_of
from gui.services import Chains
from vqss_engine.control import Parameter, place_of


@dataclass(frozen=True)
class Loaded:
    """An effect that has addresses: its number in the chain, what it is called, and its parameters."""

    index: int
    title: str
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class EffectsNow:
    """chains: the rack that is on its way, or was loaded here, with the values of now; empty where the engine has
    another, and then `known` is False. editable: whether effects can be added, ordered and removed here. loaded: by
    chain, the effects with parameters that the engine tells of."""

    chains: Chains
    known: bool
    editable: bool
    loaded: Mapping[str, Sequence[Loaded]]

    def count(self, key: str) -> int:
        """How many effects a chain has, as far as can be known."""
        if self.known:
            return len(chain_of(self.chains, key))
        loaded = self.loaded.get(key, ())
        return loaded[-1].index + 1 if loaded else int(key in self.loaded)


def loaded_effects(parameters: Iterable[Parameter]) -> dict[str, list[Loaded]]:
    """The effects among the parameters of a mixer, in order, by chain; a chain of which none has any is empty."""
    found: dict[str, dict[int, list[Parameter]]] = {}
    for parameter in parameters:
        if place := place_of(parameter.path):
            chain = found.setdefault(place.chain, {})
            if place.effect is not None:
                chain.setdefault(place.effect, []).append(parameter)
    return {
        key: [Loaded(index, _title(own[0]), tuple(own)) for index, own in sorted(chain.items())]
        for key, chain in found.items()
    }


def _title(parameter: Parameter) -> str:
    """The effect's name in what its parameters say of themselves: `clusters.3[0] Compressor: threshold`."""
    return parameter.description.partition(":")[0].partition(" ")[2] or "Effect"
