"""What device the engine runs on, told over OSC as parameters that nobody can set: for status lines and dialogs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.console import say
from vqss_engine.config import PROFILES
from vqss_engine.control import Argument, ControlSurface, Guard, Parameter, ParameterError, Value
from vqss_engine.parameters import shown
from vqss_engine.vocabulary import DEVICE

if TYPE_CHECKING:
    from vqss_engine.engine import Engine

RUNNING = "running on "
"""How the line begins that tells people, and whoever started the engine, that it runs."""

_LONGEST_NAME, _HIGHEST_RATE, _LONGEST_BLOCK = 255, 1e6, 1 << 20


def publish_device(engine: Engine, name: str, rate_hz: int, block: int) -> None:
    """Register name, sample_rate, block and profile of the device in use in place of the last one's, and say so."""
    profile = _profile_name(engine.hop)
    facts = (
        Parameter(f"{DEVICE}name", (Argument("name", "string", maximum=_LONGEST_NAME),), _printable(name),
                  "the device that sound goes to; told, not set"),
        Parameter(f"{DEVICE}profile", (Argument("profile", "string", maximum=16),), profile,
                  "the latency profile; told, not set"),
        Parameter(f"{DEVICE}sample_rate", (Argument("rate", "float", 0.0, _HIGHEST_RATE, "Hz"),), float(rate_hz),
                  "its sample rate; told, not set"),
        Parameter(f"{DEVICE}block", (Argument("frames", "int", 0, _LONGEST_BLOCK),), block,
                  "frames of a block; told, not set"),
    )  # fmt: skip
    surface: ControlSurface = engine.surface
    same = all(fact.path in surface and surface.get(fact.path) == fact.default for fact in facts)
    if not same:
        surface.unregister(fact.path for fact in facts)
        surface.register(facts)
        for fact in facts:
            surface.guard(fact.path, _refusal(fact))
    say(f"{RUNNING}'{_printable(name)}' at {rate_hz} Hz, blocks of {block}, profile {profile}")


def _refusal(fact: Parameter) -> Guard:
    def refuse(value: Value) -> None:
        if value != fact.default:
            raise ParameterError(fact.path, value, "it to `vqss live` as an option; it is only told here")

    return refuse


def _profile_name(hop: int) -> str:
    return next((name for name, (own, _) in PROFILES.items() if own == hop), f"hop {hop}")


def _printable(name: str) -> str:
    return shown(name[:_LONGEST_NAME])
