"""The parameters of plug-ins as data: name, range, unit, and how to set them while they run.

VST3 and AU tell their ranges. pedalboard's own plug-ins do not, but their names end in the unit; the ranges of those
are given here, a little wider than anybody needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vqss_engine.control import Argument, Parameter, ParameterError, Value

Range = tuple[float, float, str]
"""Lowest and highest value, and the unit."""

_BY_NAME: dict[str, Range] = {
    "bit_depth": (1.0, 32.0, "bit"),
    "centre_delay_ms": (1.0, 100.0, "ms"),
    "drive": (1.0, 100.0, ""),
    "drive_db": (0.0, 100.0, "dB"),
    "delay_seconds": (0.0, 30.0, "s"),
    "feedback": (-1.0, 1.0, ""),
    "q": (0.01, 100.0, ""),
    "rate_hz": (0.0, 99.0, "Hz"),
    "ratio": (1.0, 1000.0, ""),
    "semitones": (-72.0, 72.0, "semitones"),
    "target_sample_rate": (100.0, 384000.0, "Hz"),
    "vbr_quality": (0.0, 9.99, ""),
}
_BY_ENDING: dict[str, Range] = {
    "_db": (-120.0, 60.0, "dB"),
    "_hz": (1.0, 20000.0, "Hz"),
    "_ms": (0.0, 10000.0, "ms"),
    "_seconds": (0.0, 60.0, "s"),
}
_PART: Range = (0.0, 1.0, "")
_BY_PLUGIN: dict[tuple[str, str], Range] = {  # what these refuse, or take for something else
    ("BrickwallLimiter", "release_ms"): (0.1, 10000.0, "ms"),
    ("Delay", "feedback"): (0.0, 1.0, ""),
    ("HighShelfFilter", "gain_db"): (-100.0, 60.0, "dB"),
    ("LowShelfFilter", "gain_db"): (-100.0, 60.0, "dB"),
    ("PeakFilter", "gain_db"): (-100.0, 60.0, "dB"),
}

# Changing these changes a plug-in's latency: the rack's delays would no longer fit. The rack file can set them.
FIXED = frozenset(("lookahead_ms", "target_sample_rate", "quality", "semitones"))
# What the host tells a plug-in; some plug-in frameworks list it among the parameters.
_OF_THE_HOST = frozenset(("buffer_size_frames", "sample_rate_frames", "latency_frames"))
_NO_SETTINGS = frozenset(("is_effect", "is_instrument"))
_BYPASS = "bypass"

_LONGEST_TEXT = 64


def native_range(plugin: str, name: str) -> Range:
    """Range and unit of a parameter of one of pedalboard's own plug-ins, which goes by the name of its class."""
    if (plugin, name) in _BY_PLUGIN:
        return _BY_PLUGIN[plugin, name]
    if name in _BY_NAME:
        return _BY_NAME[name]
    return next((found for ending, found in _BY_ENDING.items() if name.endswith(ending)), _PART)


def range_fault(plugin: str, name: str, value: object) -> str:
    """What is wrong with `value` for a parameter of pedalboard's own plug-ins, in words; '' if nothing is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    low, high, unit = native_range(plugin, name)
    if low <= value <= high:        # which nothing is that is not finite
        return ""
    try:
        told = f"{value:g}"
    except OverflowError:           # JSON has integers that no float can hold
        told = "far outside"
    return f"{name} is {told}; give a number from {low:g} to {high:g} {unit}".rstrip()


@dataclass(frozen=True)
class Setting:
    """One parameter of one plug-in: `parameter` describes it at its address, `apply` sets it."""

    parameter: Parameter
    plugin: Any
    attribute: str

    def apply(self, value: Value) -> None:
        """Set the plug-in's parameter; raises ValueError where the plug-in refuses."""
        setattr(self.plugin, self.attribute, value)


def settings_of(plugin: Any, base: str, label: str) -> Iterator[Setting]:
    """All that can be set of a running plug-in, at `base`/name. label: what the plug-in is called."""
    for setting in _all_settings(plugin, base, label):
        try:
            setting.parameter.check(setting.parameter.default)
        except ParameterError:
            continue  # a value that the plug-in itself does not allow, or that no message can carry
        yield setting


def _all_settings(plugin: Any, base: str, label: str) -> Iterator[Setting]:
    parameters = getattr(plugin, "parameters", None)
    if isinstance(parameters, dict):
        for name, described in parameters.items():
            if name not in _OF_THE_HOST:
                yield Setting(_external(plugin, name, described, f"{base}/{name}", label), plugin, name)
        return
    for name in _native_names(plugin):
        yield Setting(_native(plugin, name, f"{base}/{name}", label), plugin, name)


def _native_names(plugin: Any) -> list[str]:
    names = []
    for name in dir(type(plugin)):
        described = getattr(type(plugin), name)
        if name.startswith("_") or name in FIXED | _NO_SETTINGS or not isinstance(described, property):
            continue
        if described.fset is not None and isinstance(getattr(plugin, name), bool | int | float):
            names.append(name)
    return names


def _native(plugin: Any, name: str, path: str, label: str) -> Parameter:
    value = getattr(plugin, name)
    if isinstance(value, bool):
        return Parameter(path, (Argument(name, "switch", 0, 1),), value, f"{label}: {_words(name)}")
    low, high, unit = native_range(type(plugin).__name__, name)
    argument = Argument(name, "float", min(low, value), max(high, value), unit)
    return Parameter(path, (argument,), float(value), f"{label}: {_words(name)}")


def _external(plugin: Any, name: str, described: Any, path: str, label: str) -> Parameter:
    value, text = getattr(plugin, name), f"{label}: {described.name}"
    if described.type is bool:
        return Parameter(path, (Argument(name, "switch", 0, 1),), bool(value), text)
    if described.type is str:
        choices = [str(choice) for choice in described.valid_values]
        pattern = re.compile("|".join(re.escape(choice) for choice in choices))
        form = (pattern, "one of " + ", ".join(choices[:20]) + (", ..." if len(choices) > 20 else ""))
        argument = Argument(name, "string", maximum=max([_LONGEST_TEXT, *map(len, choices)]))
        return Parameter(path, (argument,), str(value), text, form=form)
    low, high = float(described.min_value), float(described.max_value)
    value = float(value)
    unit = (described.units or "").strip()
    return Parameter(path, (Argument(name, "float", min(low, value), max(high, value), unit),), value, text)


def _words(name: str) -> str:
    """`threshold_db` as `threshold`."""
    ending = next((ending for ending in _BY_ENDING if name.endswith(ending)), "")
    return name.removesuffix(ending).replace("_", " ")


def bypass_parameter(base: str, what: str) -> Parameter:
    """The switch that passes a chain by, at `base`/bypass."""
    return Parameter(f"{base}/{_BYPASS}", (Argument("on", "switch", 0, 1),), False, f"pass the effects on {what} by")
