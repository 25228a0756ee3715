"""What a training run is told, read from a TOML file; every field can be overridden with `--set key=value`."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from vqss_engine.config import ModelConfig
from vqss_engine.errors import UsageError, VQSSError

OPTIMIZERS = ("muon", "adamw")
STAGES = ("discover", "settle", "partition", "refine")
SHORTEST_CLIP_S = 0.25  # the query encoder needs some frames
LARGEST_SEED = 10**12  # what is drawn from multiplies of it by a million still has a 64-bit seed


@dataclass(frozen=True)
class DataConfig:
    """Where the songs are and how clips of them are mixed. Times in seconds, levels in dB."""

    songs: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()  # patterns of source/file, as gm/* or */*vocals*; for ablations
    credits: tuple[str, ...] = ()  # of the recordings, for the bundle's provenance
    cache: str = ""  # folder of the decoded bank; beside the run by default
    clip_s: float = 4.0
    stems_min: int = 2
    stems_max: int = 6
    coherent: float = 0.6  # share of mixes whose stems come from one song
    gain_spread_db: float = 5.0
    speed_range: float = 0.11  # playing speed and pitch, 1 ± this
    eq_db: float = 5.0
    wide: float = 0.4  # share of stems that are decorrelated between the channels


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms (0 switches a term off) and their thresholds as power ratios."""

    snr: float = 0.5
    snr_floor: float = 1e-3
    share: float = 1.0
    silence: float = 0.0
    silence_floor: float = 1e-3
    commitment: float = 0.25
    contrastive: float = 0.5
    temperature: float = 0.15


@dataclass(frozen=True)
class StageConfig:
    """One stage: its length and its optimiser. A stage of 0 steps is skipped."""

    steps: int
    batch: int = 16
    clip_s: float = 0.0  # length of a mix; 0: that of the query clips. Discovery takes no other
    snr: float = 0.0  # weight of the SNR term in this stage; 0: loss.snr
    silence: float = 0.0  # weight of the silence term in this stage; 0: loss.silence
    stems_min: int = 0  # stems of a mix in this stage, at least; 0: data.stems_min
    learning_rate: float = 2e-3
    final_rate: float = 1e-4
    warmup: int = 100


@dataclass(frozen=True)
class AdaptConfig:
    """How a bundle takes up new stems (`vqss train --init`; training/adapt.py says how the codebook grows)."""

    free_below: float = 0.005  # a code with a smaller share of the bundle's stems may be given to new ones
    far_cosine: float = 0.5  # stems no nearer than this to any code in use may get such a code
    held_out: float = 0.2  # the end of each stem, kept for judging
    layers: int = 0  # of the generator, where it shall be deeper than the bundle's (training/growth.py); 0: as it is


@dataclass(frozen=True)
class TrainConfig:
    """A whole run. `unquantized_steps` precede the k-means start of the codebook."""

    run: str = "runs/vqss"
    seed: int = 1
    unquantized_steps: int = 200
    quantize: bool = True
    clips_per_stem: int = 8  # whose mean embedding gives a stem its code
    average_decay: float = 0.998  # of the shipped weights' moving average
    optimizer: str = "muon"  # or "adamw"
    clip_gradient: float = 1.0
    checkpoint_every: int = 100
    compile: bool = True
    mixed_precision: bool = True  # where the device has instructions for bfloat16
    threads: int = 0  # of torch on a CPU; 0 leaves its own choice
    data: DataConfig = field(default_factory=DataConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    adapt: AdaptConfig = field(default_factory=AdaptConfig)
    discover: StageConfig = field(default_factory=lambda: StageConfig(steps=800))
    settle: StageConfig = field(default_factory=lambda: StageConfig(steps=0, batch=64, final_rate=5e-5))
    partition: StageConfig = field(default_factory=lambda: StageConfig(steps=3000))
    refine: StageConfig = field(default_factory=lambda: StageConfig(steps=0, batch=4, learning_rate=5e-4))
    model: ModelConfig = field(default_factory=ModelConfig)


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
        return tuple(value) if isinstance(value, list) else (value,)
    if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(current):
        raise UsageError(f"setting '{name}' must be {type(current).__name__}, not {value!r}")
    return value


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
        raise VQSSError(f"cannot read {path} ({error}); name a training configuration in TOML") from error
    except tomllib.TOMLDecodeError as error:
        raise VQSSError(f"{path} is no valid TOML ({error}); correct it") from error
    config: TrainConfig = _merge(TrainConfig(), values, "")
    for override in overrides or []:
        config = _merge(config, _parse_override(override), "")
    _check(config)
    return config


def check_batches(config: TrainConfig, processes: int = 1) -> None:
    """Raise UsageError where a step would leave one of `processes` without a mix."""
    for name in STAGES:
        stage: StageConfig = getattr(config, name)
        if stage.steps and stage.batch < processes:
            raise UsageError(f"{name}.batch is {stage.batch}; choose at least {processes}, one for each process")


def _check(config: TrainConfig) -> None:
    check_batches(config)
    if config.clips_per_stem < 1:
        raise UsageError(f"clips_per_stem is {config.clips_per_stem}; choose 1 or more")
    if not 0 <= config.seed <= LARGEST_SEED:
        raise UsageError(f"seed is {config.seed}; choose a number from 0 to {LARGEST_SEED}")
    if config.quantize and config.discover.steps and config.unquantized_steps < 1:
        raise UsageError(
            f"unquantized_steps is {config.unquantized_steps}, but the codebook starts from what these steps "
            "heard; choose 1 or more, or quantize=false"
        )
    fewest, most = {"data": config.data.stems_min}, config.data.stems_max
    for name, stage in (("partition", config.partition), ("refine", config.refine)):
        if stage.steps and stage.stems_min:
            fewest[name] = stage.stems_min
    for name, stems in fewest.items():
        if not 1 <= stems <= most:
            raise UsageError(f"{name}.stems_min is {stems}, data.stems_max {most}; choose a number from 1 to {most}")
    _check_stages(config)
    _check_ranges(config)


def _check_stages(config: TrainConfig) -> None:
    for name in STAGES:
        stage: StageConfig = getattr(config, name)
        if stage.steps and not (0 < stage.learning_rate < math.inf and 0 < stage.final_rate < math.inf):
            rates = f"{stage.learning_rate} and {stage.final_rate}"
            raise UsageError(f"{name}.learning_rate and final_rate are {rates}; choose numbers above 0")
        if stage.clip_s and not SHORTEST_CLIP_S <= stage.clip_s < math.inf:
            raise UsageError(f"{name}.clip_s is {stage.clip_s}; choose {SHORTEST_CLIP_S} s or more")
    idle = {"discover": ("clip_s", "snr", "silence", "stems_min"), "settle": ("snr", "silence", "stems_min")}
    for name, keys in idle.items():
        for key in keys:
            if getattr(getattr(config, name), key):
                raise UsageError(f"{name}.{key} changes nothing there; leave it out, or set it in data or loss")


def _check_ranges(config: TrainConfig) -> None:
    if not all(isinstance(song, str) for song in config.data.songs):
        raise UsageError(f"data.songs is {list(config.data.songs)}; give a list of folders")
    for name, value, least, most in (
        ("checkpoint_every", config.checkpoint_every, 1, math.inf),
        ("threads", config.threads, 0, math.inf),
        ("data.clip_s", config.data.clip_s, SHORTEST_CLIP_S, 600),
        ("loss.temperature", config.loss.temperature, 1e-3, 1e3),
        ("adapt.held_out", config.adapt.held_out, 0.01, 0.9),
    ):
        if not least <= value <= most:
            raise UsageError(f"{name} is {value}; choose {least} or more" + (f", {most} at most" if most < 1e9 else ""))
    if config.optimizer not in OPTIMIZERS:
        raise UsageError(f"unknown optimizer '{config.optimizer}'; use one of {', '.join(OPTIMIZERS)}")
