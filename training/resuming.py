"""A run that goes on: where its checkpoint is, and what of its configuration must stay as it was."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from training.checkpoint import model_of, read_checkpoint
from training.config import STAGES, TrainConfig
from vqss_engine.errors import UsageError, VQSSError

CHECKPOINT_NAME = "checkpoint.pt"


def begun(folder: Path, resume: bool) -> dict[str, Any] | None:
    """The checkpoint in `folder` of the run that is to go on; None where a new one is to begin.

    Raises VQSSError where there is none to go on from, or one that a new run would write over.
    """
    path = folder / CHECKPOINT_NAME
    if not resume and path.exists():
        raise VQSSError(f"{folder} already holds a run; add --resume, or set run=another/folder")
    if resume and not path.exists():
        raise VQSSError(f"there is no checkpoint {path}; start without --resume")
    return read_checkpoint(path) if resume else None


def as_begun(config: TrainConfig, content: dict[str, Any]) -> TrainConfig:
    """`config` for going on from a checkpoint's content: what came from a bundle, and what is held out, stay.

    Raises VQSSError for another model than the run began with, UsageError for more steps of a stage that is over, and
    for what cannot change on the way: the seed, the optimiser, and of a run from a bundle the length of clips, by which
    it was judged.
    """
    known = content["config"]
    _refuse_change("seed", config.seed, known["seed"])
    _refuse_change("optimizer", config.optimizer, known["optimizer"])
    if content.get("origin"):
        _refuse_change("data.clip_s", config.data.clip_s, known["data"]["clip_s"])
        held_out = known["adapt"]["held_out"]
        config = replace(config, model=model_of(content), adapt=replace(config.adapt, held_out=held_out))
    if known["model"] != asdict(config)["model"]:
        raise VQSSError("the run was begun with another model configuration; go on with that one")
    done = dict.fromkeys(STAGES, 0) | content["progress"]     # earlier versions had fewer stages
    for name, *later in (STAGES[i:] for i in range(len(STAGES))):
        over = any(done[other] for other in later) or (name == "discover" and content["stem_codes"] is not None)
        steps: int = getattr(config, name).steps
        if over and steps > done[name]:
            raise UsageError(f"{name}.steps is {steps}, but the run has left that stage after {done[name]} steps; "
                             f"set {name}.steps={done[name]}, or begin a new run")  # fmt: skip
    return config


def _refuse_change(name: str, value: Any, known: Any) -> None:
    if value != known:
        raise UsageError(f"{name} is {value}, but the run was begun with {known}; set that, or begin a new run")


def is_under_way(config: TrainConfig, content: dict[str, Any]) -> bool:
    """Whether the stage that the checkpoint is from has steps left, so that its optimiser goes on."""
    stage = next((name for name in reversed(STAGES) if content["progress"].get(name)), STAGES[0])
    steps: int = getattr(config, stage).steps
    return content["progress"].get(stage, 0) < steps
