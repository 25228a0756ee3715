"""Reads a training configuration: a TOML file, of which every field can be overridden with `--set key=value`."""

from __future__ import annotations

import tomllib
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from training.config import TrainConfig
from training.limits import check
from vqss_engine.errors import UsageError, VQSSError, reason


def _merge(config: Any, values: dict[str, Any], where: str) -> Any:
    known = {item.name for item in fields(config)}
    changes = {}
    for key, value in values.items():
        if key not in known:
            raise UsageError(f"unknown setting '{where}{key}'; known here: {', '.join(sorted(known))}")
        current = getattr(config, key)
        if is_dataclass(current):
            if not isinstance(value, dict):
                raise UsageError(f"setting '{where}{key}' is a table; set its fields one by one")
            changes[key] = _merge(current, value, f"{where}{key}.")
        else:
            changes[key] = _convert(value, current, where + key)
    return replace(config, **changes)


def _convert(value: Any, current: Any, name: str) -> Any:
    if isinstance(current, tuple):
        return _items(value, type(current[0]) if current else str, name)
    if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(current):
        raise UsageError(f"setting '{name}' must be {type(current).__name__}, not {value!r}")
    return value


def _items(value: Any, kind: type, name: str) -> tuple[Any, ...]:
    items = tuple(value) if isinstance(value, list) else (value,)
    for item in items:
        if type(item) is not kind:
            raise UsageError(f"setting '{name}' must be a list of {kind.__name__}, not of {item!r}")
    return items


def _parse_override(text: str) -> dict[str, Any]:
    key, equals, raw = text.partition("=")
    if not equals:
        raise UsageError(f"'{text}' is no setting; write key=value, for example partition.steps=500")
    try:
        value = tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        value = raw
    nested: dict[str, Any] = {}
    inner = nested
    *path, last = key.strip().split(".")
    for part in path:
        inner = inner.setdefault(part, {})
    inner[last] = value
    return nested


def load_config(path: str | Path, overrides: list[str] | None = None) -> TrainConfig:
    """Read a TOML file and apply `key=value` overrides.

    Raises VQSSError if the file cannot be read, UsageError on an unknown key, a wrong type or settings that would only
    fail once the run has come to them.
    """
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise VQSSError(f"cannot read {path} ({reason(error)}); name a training configuration in TOML") from error
    except tomllib.TOMLDecodeError as error:
        raise VQSSError(f"{path} is no valid TOML ({error}); correct it") from error
    config: TrainConfig = _merge(TrainConfig(), values, "")
    for override in overrides or []:
        config = _merge(config, _parse_override(override), "")
    check(config)
    return config
