"""From a training checkpoint to a bundle, and from a bundle to ONNX."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.checkpoint import read_checkpoint
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import ModelConfig
from vqss_engine.errors import VQSSError


def export_checkpoint(checkpoint: str | Path, out: str | Path, name: str = "vqss-default") -> ModelBundle:
    """Write the averaged weights of a checkpoint, its codebook and its query encoder as a bundle."""
    content = read_checkpoint(Path(checkpoint))
    config = ModelConfig.from_dict({k: list(v) if isinstance(v, tuple) else v for k, v in _model(content).items()})
    weights = {key: value.float().numpy() for key, value in content["average"].items()}
    codes = content["discover"]["generator.codes" if content["stem_codes"] is not None else "codebook.codes"]
    weights["codes"] = codes.float().numpy()
    encoder = {
        key.removeprefix("encoder."): value.numpy()
        for key, value in content["discover"].items()
        if key.startswith("encoder.")
    }
    bundle = ModelBundle(
        config=config,
        weights=weights,
        name=name,
        cluster_names=[""] * config.clusters,
        cluster_colors=[""] * config.clusters,
        usage=_usage(content, config.clusters),
        provenance=_provenance(content),
        query_weights=encoder,
    )
    bundle.save(out)
    return ModelBundle.load(out)


def _model(content: dict[str, Any]) -> dict[str, Any]:
    return dict(content["config"]["model"])


def _usage(content: dict[str, Any], clusters: int) -> list[float]:
    codes = content["stem_codes"]
    if codes is None:
        return []
    counts = np.bincount(np.asarray(codes), minlength=clusters)
    return [round(float(share), 4) for share in counts / max(counts.sum(), 1)]


def _provenance(content: dict[str, Any]) -> dict[str, Any]:
    config = content["config"]
    return {
        "steps": content["progress"],
        "seed": config["seed"],
        "batch": {stage: config[stage]["batch"] for stage in ("discover", "partition")},
        "clip_s": config["data"]["clip_s"],
        "credits": list(config["data"].get("credits", ())),
        "git_revision": _revision(),
        "torch": torch.__version__,
    }


def _revision() -> str:
    try:
        run = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return run.stdout.strip() or "unknown"


def export_onnx(bundle_path: str | Path, file: str | Path) -> None:
    """Write one step of the generator as an ONNX graph: power, side and state in, masks and state out.

    Raises VQSSError if the onnx package is missing.
    """
    from training.onnx_step import write_onnx

    try:
        write_onnx(ModelBundle.load(bundle_path), Path(file))
    except ImportError as error:
        raise VQSSError("exporting to ONNX needs onnx; install it with pip install 'vqss[training]'") from error
