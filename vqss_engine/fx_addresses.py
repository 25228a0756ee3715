"""The addresses of effects: `…/fx/{i}/{setting}` and `…/fx/bypass`, of a cluster's chain or the main output's.

Standard library only.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAIN = "main"
"""What the chain of the main output goes by among those of clusters, which are numbers or numbers as texts."""

_FX = re.compile(r"/vqss/(?:cluster/(\d+)|main)/fx/(?:(\d+)/)?(\w+)$")


class FxPlace(NamedTuple):
    """A setting's chain, effect (None where it is the whole chain's) and name."""

    chain: str
    effect: int | None
    setting: str


def place_of(path: str) -> FxPlace | None:
    """Which effect an address belongs to, None where to none."""
    match = _FX.match(path)
    return match and FxPlace(match[1] or MAIN, None if match[2] is None else int(match[2]), match[3])


def chain_path(key: int | str) -> str:
    """What all addresses of a chain begin with."""
    return "/vqss/main/fx" if key == MAIN else f"/vqss/cluster/{key}/fx"


def bypass_path(key: int | str) -> str:
    """The address of the switch that passes by a chain."""
    return f"{chain_path(key)}/bypass"
