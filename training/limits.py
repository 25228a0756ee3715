"""What the fields of a training configuration may be: what would fail hours later, or learn nothing, is refused."""

from __future__ import annotations

from functools import reduce
from math import inf

from training.config import OPTIMIZERS, STAGES, StageConfig, TrainConfig, clip_frames
from vqss_engine.config import MASK_HOPS, MOST_LAYERS, PROFILES, ModelConfig
from vqss_engine.errors import UsageError

SHORTEST_CLIP_S, LONGEST_CLIP_S = 0.25, 600.0
FEWEST_FRAMES = 5  # of a clip; the query encoder strides over them by four, and takes a deviation of what is left
LARGEST_SEED = 10**12  # what is drawn from multiplies of it by a million still has a 64-bit seed
LARGEST_WEIGHT = 1e6

# A setting, its least and its largest value; in stages those that differ from 0, which stands for another's there.
RANGES: tuple[tuple[str, float, float], ...] = (
    ("seed", 0, LARGEST_SEED),
    ("checkpoint_every", 1, inf),
    ("threads", 0, 1024),
    ("clips_per_stem", 1, inf),
    ("average_decay", 0, 0.999999),
    ("clip_gradient", 1e-6, inf),
    ("data.clip_s", SHORTEST_CLIP_S, LONGEST_CLIP_S),
    ("data.stems_max", 1, 64),
    ("data.coherent", 0, 1),
    ("data.gain_spread_db", 0, 60),
    ("data.speed_range", 0, 0.9),
    ("data.eq_db", 0, 60),
    ("data.wide", 0, 1),
    ("loss.temperature", 1e-3, 1e3),
    ("loss.snr_floor", 1e-9, 1),
    ("loss.silence_floor", 1e-9, 1),
    *((f"loss.{name}", 0, LARGEST_WEIGHT) for name in ("snr", "share", "silence", "commitment", "contrastive")),
    ("adapt.layers", 0, MOST_LAYERS),
    ("adapt.held_out", 0.01, 0.9),
    ("adapt.free_below", 0, 1),
    ("adapt.far_cosine", -1, 1),
    *((f"{stage}.{name}", 0, inf) for stage in STAGES for name in ("steps", "warmup")),
    *((f"{stage}.clip_s", SHORTEST_CLIP_S, LONGEST_CLIP_S) for stage in STAGES),
    *((f"{stage}.{name}", 0, LARGEST_WEIGHT) for stage in STAGES for name in ("snr", "silence")),
)
ELSEWHERE_IF_0 = tuple(f"{stage}.clip_s" for stage in STAGES)
IDLE = {"discover": ("clip_s", "snr", "silence", "stems_min"), "settle": ("snr", "silence", "stems_min")}


def check(config: TrainConfig) -> None:
    """Raise UsageError, in one line, for the first setting that does not fit."""
    for name, least, most in RANGES:
        value: float = reduce(getattr, name.split("."), config)  # type: ignore[assignment]  # what RANGES names are numbers
        if not (least <= value <= most or (value == 0 and name in ELSEWHERE_IF_0)):  # NaN is in no range
            raise UsageError(f"{name} is {value}; choose {least:.12g} or more{_at_most(most)}")
    if config.optimizer not in OPTIMIZERS:
        raise UsageError(f"unknown optimizer '{config.optimizer}'; use one of {', '.join(OPTIMIZERS)}")
    if config.quantize and config.discover.steps and config.unquantized_steps < 1:
        raise UsageError(
            f"unquantized_steps is {config.unquantized_steps}, but the codebook starts from what these steps "
            "heard; choose 1 or more, or quantize=false"
        )
    check_batches(config)
    _check_stems(config)
    for name in STAGES:
        _check_stage(name, getattr(config, name))
    _check_model(config.model)
    _check_clips(config)


def _at_most(most: float) -> str:
    return "" if most == inf else f", {most:.12g} at most"


def check_batches(config: TrainConfig, processes: int = 1) -> None:
    """Raise UsageError where a step would leave one of `processes` without a mix, or one clip alone to be centred."""
    for name in STAGES:
        stage: StageConfig = getattr(config, name)
        if stage.steps and stage.batch < processes:
            raise UsageError(f"{name}.batch is {stage.batch}; choose at least {processes}, one for each process")
    if config.settle.steps and config.settle.batch < 2:
        raise UsageError(f"settle.batch is {config.settle.batch}; choose 2 clips at least, which are centred together")


def _check_stems(config: TrainConfig) -> None:
    fewest, most = {"data": config.data.stems_min}, config.data.stems_max
    for name, stage in (("partition", config.partition), ("refine", config.refine)):
        if stage.steps and stage.stems_min:
            fewest[name] = stage.stems_min
    for name, stems in fewest.items():
        if not 1 <= stems <= most:
            raise UsageError(f"{name}.stems_min is {stems}, data.stems_max {most}; choose a number from 1 to {most}")


def _check_stage(name: str, stage: StageConfig) -> None:
    if stage.steps and not (0 < stage.learning_rate < inf and 0 < stage.final_rate < inf):
        rates = f"{stage.learning_rate} and {stage.final_rate}"
        raise UsageError(f"{name}.learning_rate and final_rate are {rates}; choose numbers above 0")
    for key in IDLE.get(name, ()):
        if getattr(stage, key):
            raise UsageError(f"{name}.{key} changes nothing there; leave it out, or set it in data or loss")


def _check_clips(config: TrainConfig) -> None:
    clips_s = {"data": config.data.clip_s} | {name: getattr(config, name).clip_s for name in STAGES}
    for name, clip_s in clips_s.items():
        if clip_s and clip_frames(clip_s, config.model) < FEWEST_FRAMES:
            raise UsageError(f"{name}.clip_s is {clip_s}, fewer than {FEWEST_FRAMES} hops of model.train_hop; "
                             "choose longer clips")  # fmt: skip


def _check_model(model: ModelConfig) -> None:
    """What no bundle may hold, or no stream can run, is not trained."""
    if faults := model.faults():
        raise UsageError(f"model.{faults[0]}; leave it out, or choose another")
    for profile, (hop, _) in PROFILES.items():
        if model.train_hop % (every := hop * MASK_HOPS[profile]):
            raise UsageError(f"model.train_hop is {model.train_hop}; choose a multiple of {every} samples, as latency "
                             f"'{profile}' needs it")  # fmt: skip
