"""Options that several commands share, and the reading of their values."""

from __future__ import annotations

import argparse
from pathlib import Path

from vqss_engine.config import PROFILES


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="model bundle (default: the shipped one)")


def add_latency(parser: argparse.ArgumentParser) -> None:
    samples = ", ".join(f"{name} {synthesis}" for name, (_, synthesis) in PROFILES.items())
    parser.add_argument(
        "--latency", choices=tuple(PROFILES), default="default", metavar="PROFILE",
        help=f"algorithmic latency in samples at 44.1 kHz: {samples}, which separates best",
    )  # fmt: skip


def add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", action="append", default=[], type=setting, metavar="PATH=VALUE", dest="settings",
        help="set a mixer parameter, as in --set /vqss/cluster/3/gain=-6 (repeatable)",
    )  # fmt: skip


def setting(text: str) -> tuple[str, str]:
    """`PATH=VALUE` as a pair; `cluster/3/gain` is short for `/vqss/cluster/3/gain`.

    The value is left as it is: a song or a name may begin and end with a space.
    """
    path, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"'{text}' is not PATH=VALUE, as in /vqss/cluster/3/gain=-6")
    path = path.strip()
    return (path if path.startswith("/") else f"/vqss/{path}"), value


def cluster_choice(text: str) -> str | tuple[int, ...]:
    """`active`, `all`, or numbers such as `0,3,14`."""
    if text in ("active", "all"):
        return text
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is neither active, all, nor numbers such as 0,3,14") from None


def target(text: str) -> Path:
    """Where something is to be written: no name at all would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("'' names no folder; write . for the current one")
    return Path(text)


def positive_int(text: str) -> int:
    value = int(text) if text.strip().lstrip("+").isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return value


def seed(text: str) -> int:
    digits = text.strip().removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 on")
    return int(digits)


def positive_seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds above 0")
    return value


def preset_file(text: str) -> Path:
    """A preset by its path, or one that is kept by this name."""
    from vqss_engine.presets import SUFFIX

    path, kept = Path(text), preset_folder() / f"{text}{SUFFIX}"
    return kept if path.name == text and not path.exists() and kept.is_file() else path


def preset_folder() -> Path:
    """Where presets are kept by their names."""
    from platformdirs import user_config_path

    return user_config_path("vqss") / "presets"


def probability(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 to 1")
    return value
