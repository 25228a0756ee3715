"""What a training run is told: its fields, as they stand in a TOML file and after `--set`."""

from __future__ import annotations

from dataclasses import dataclass, field

from vqss_engine.config import ModelConfig

OPTIMIZERS = ("muon", "adamw")
STAGES = ("discover", "settle", "partition", "refine")


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


def clip_frames(clip_s: float, model: ModelConfig) -> int:
    """How many frames of the trained hop a clip has."""
    return round(clip_s * model.sample_rate / model.train_hop)
