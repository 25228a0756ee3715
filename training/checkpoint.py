"""Training checkpoints: everything a killed run needs to go on, and nothing that runs code when read."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vqss_engine.errors import VQSSError

if TYPE_CHECKING:
    from training.train import Run

FORMAT = 1


def save_checkpoint(run: Run, path: Path) -> None:
    """Write models, moving average, optimiser and progress; the old file stays until the new one is whole."""
    content = {
        "format": FORMAT,
        "config": asdict(run.config),
        "progress": dict(run.progress),
        "discover": run.discover.state_dict(),
        "average": run.average,
        "optimizer": run.optimizer.state_dict() if run.optimizer else None,
        "stem_codes": None if run.stem_codes is None else torch.from_numpy(run.stem_codes),
    }
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    os.replace(partial, path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU. Raises VQSSError if it is missing, damaged or of another format."""
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise VQSSError(f"there is no checkpoint {path}; start without --resume") from error
    except Exception as error:  # torch raises many kinds for a damaged file
        raise VQSSError(f"{path} is no readable checkpoint ({type(error).__name__}); use another one") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise VQSSError(f"{path} is of another format than {FORMAT}; train again with this version")
    return content


def load_checkpoint(run: Run, path: Path) -> None:
    """Put a run back where its checkpoint was written."""
    content = read_checkpoint(path)
    if content["config"]["model"] != asdict(run.config)["model"]:
        raise VQSSError(f"{path} has another model configuration; resume with the configuration it was trained with")
    run.discover.load_state_dict(content["discover"])
    run.average = {key: value.to(run.device) for key, value in content["average"].items()}
    run.progress.update(content["progress"])
    codes = content["stem_codes"]
    run.stem_codes = None if codes is None else np.asarray(codes)
    if content["optimizer"] is not None:
        module = run.discover if run.stem_codes is None else run.partition
        run.optimizer = torch.optim.AdamW(module.parameters())
        run.optimizer.load_state_dict(content["optimizer"])
