"""Changes of a rack as pure functions: chains in, other chains out, what was given left as it was."""

from __future__ import annotations

import copy
from typing import Any

from gui.services import Chains

MAIN = "main"


def chain_of(chains: Chains, key: str) -> list[dict[str, Any]]:
    """The effects of one chain, in order."""
    return chains.get(key, [])


def added(chains: Chains, key: str, entry: dict[str, Any]) -> Chains:
    """With one more effect at the end of a chain."""
    changed = copy.deepcopy(chains)
    changed.setdefault(key, []).append(copy.deepcopy(entry))
    return changed


def removed(chains: Chains, key: str, index: int) -> Chains:
    """Without one effect."""
    changed = copy.deepcopy(chains)
    del changed[key][index]
    return changed


def moved(chains: Chains, key: str, index: int, by: int) -> Chains:
    """With one effect nearer to the beginning (by -1) or the end (by 1) of its chain, if it can be."""
    changed = copy.deepcopy(chains)
    chain, to = changed[key], index + by
    if 0 <= to < len(chain):
        chain.insert(to, chain.pop(index))
    return changed


def switched(chains: Chains, key: str, index: int, on: bool) -> Chains:
    """With one effect switched on or off."""
    changed = copy.deepcopy(chains)
    entry = changed[key][index]
    entry.pop("off", None)
    if not on:
        entry["off"] = True
    return changed


def changed(chains: Chains, key: str, index: int, name: str, value: object) -> Chains:
    """With one argument of one effect set."""
    result = copy.deepcopy(chains)
    result[key][index][name] = value
    return result


def is_on(entry: dict[str, Any]) -> bool:
    """Whether an effect is heard."""
    return not entry.get("off")


def running_index(chain: list[dict[str, Any]], index: int) -> int:
    """The number under which the engine knows an effect that is on: those that are off do not count."""
    return sum(is_on(entry) for entry in chain[:index])


def entry_title(entry: dict[str, Any]) -> str:
    """What an effect is called: `LowShelfFilter` as `Low shelf filter`, a file by its name."""
    if "plugin" in entry:
        return spaced(str(entry["plugin"]))
    path = str(entry.get("vst3") or entry.get("au") or "?")
    return path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0] or path


def spaced(name: str) -> str:
    """`LowShelfFilter` as `Low shelf filter`; capitals in a row stay."""
    words: list[str] = []
    for at, letter in enumerate(name):
        begins = letter.isupper() and at > 0 and (name[at - 1].islower() or name[at + 1 : at + 2].islower())
        if begins or not words:
            words.append(letter)
        else:
            words[-1] += letter
    return " ".join(word if at == 0 or word.isupper() else word.lower() for at, word in enumerate(words))
