"""Training checkpoints: everything a killed run needs to go on, and nothing that runs code when read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from vqss_engine.config import ModelConfig
from vqss_engine.errors import VQSSError

FORMAT = 1
NEEDED = frozenset(("config", "progress", "discover", "average", "optimizer", "stem_codes"))


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values; the old file stays until the new one is whole.

    Raises VQSSError where the disk does not take it.
    """
    partial = path.with_suffix(".partial")
    try:
        torch.save({"format": FORMAT, **content}, partial)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # torch says either where the disk is full
        reason = str(error).partition("\n")[0]
        raise VQSSError(f"cannot write {path} ({reason}); free some room there, and go on with --resume") from error
    finally:
        partial.unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU. Raises VQSSError if it is missing, damaged or of another format."""
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise VQSSError(f"there is no checkpoint {path}; name the checkpoint.pt of a run") from error
    except Exception as error:  # torch raises many kinds for a damaged file
        raise VQSSError(f"{path} is no readable checkpoint ({type(error).__name__}); use another one") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise VQSSError(f"{path} is of another format than {FORMAT}; train again with this version")
    if lacking := NEEDED - set(content):
        raise VQSSError(f"{path} lacks {', '.join(sorted(lacking))}; use another checkpoint")
    return content


def model_of(content: dict[str, Any]) -> ModelConfig:
    """The sizes of the model in a checkpoint's content."""
    fields = content["config"]["model"]
    return ModelConfig.from_dict({key: list(value) if isinstance(value, tuple) else value
                                  for key, value in fields.items()})  # fmt: skip
