"""What the settings of a rack's effects are now, put into the rack's entries."""

from __future__ import annotations

from bridge.rack_file import EXTERNAL_KEYS, Chains
from vqss_engine.control import Control
from vqss_engine.fx_addresses import place_of


def heard(chains: Chains) -> Chains:
    """The chains without what is off."""
    return {key: [entry for entry in chain if not entry.get("off")] for key, chain in chains.items()}


def take_values(chains: Chains, mixer: Control) -> None:
    """Put into the entries that are not off what their effects' settings are now; effects may go on another thread
    meanwhile."""
    running, values = heard(chains), mixer.values()
    for parameter in mixer.parameters():
        place = place_of(parameter.path)
        if place is None or place.effect is None or parameter.path not in values:
            continue
        chain = running.get(place.chain, [])
        if place.effect >= len(chain):
            continue
        entry, value = chain[place.effect], values[parameter.path]
        if value != parameter.default or place.setting in entry:
            external = any(key in entry for key in EXTERNAL_KEYS)
            (entry.setdefault("parameters", {}) if external else entry)[place.setting] = value
