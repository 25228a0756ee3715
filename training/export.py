"""From a training checkpoint to a bundle, and from a bundle to ONNX."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.checkpoint import model_of, read_checkpoint
from training.naming import named, read_scores
from training.resuming import CHECKPOINT_NAME
from vqss_engine.bundle import ModelBundle
from vqss_engine.errors import UsageError, VQSSError


def export_bundle(
    source: str | Path,
    out: str | Path,
    name: str = "",
    scores: str | Path | None = None,
    mean_with: str | Path | None = None,
) -> ModelBundle:
    """Write the model of a checkpoint (or of the run that a folder holds), or a bundle again, as a bundle.

    `name` is what it calls itself (default: `vqss-default`, or the source bundle's name); `scores`, a file that
    `vqss evaluate --json` printed, names its clusters; `mean_with` is a bundle for `mean_of`. Raises VQSSError where
    one of them does not fit.
    """
    source = Path(source)
    if (source / CHECKPOINT_NAME).is_file():  # a run's folder
        source = source / CHECKPOINT_NAME
    bundle = ModelBundle.load(source) if source.is_dir() else checkpoint_bundle(source)
    if mean_with:
        bundle = mean_of(bundle, ModelBundle.load(mean_with))
    if name:
        bundle = replace(bundle, name=name)
    if scores:
        bundle = named(bundle, read_scores(scores, bundle.config.clusters))
    bundle.save(out)
    return ModelBundle.load(out)


def mean_of(bundle: ModelBundle, other: ModelBundle) -> ModelBundle:
    """`bundle` with the mean of its weights and those of `other`, one of which went on learning where the other was:
    what each of them does better than the other is often kept (Wortsman et al., Model soups, 2022).

    Raises UsageError unless both have the same sizes and codes.
    """
    if bundle.config != other.config or not np.array_equal(bundle.weights["codes"], other.weights["codes"]):
        raise UsageError(f"'{other.name}' has other sizes or codes than '{bundle.name}'; average one with its past")
    weights = {name: (value + other.weights[name]) / np.float32(2) for name, value in bundle.weights.items()}
    provenance = {**bundle.provenance, "mean_with": {"name": other.name, "sha256": other.sha256}}
    return replace(bundle, weights=weights, provenance=provenance)


def checkpoint_bundle(checkpoint: Path) -> ModelBundle:
    """The averaged weights of a checkpoint, its codebook and its query encoder."""
    content = read_checkpoint(checkpoint)
    config = model_of(content)
    weights = {key: value.float().numpy() for key, value in content["average"].items()}
    codes = content["discover"]["generator.codes" if content["stem_codes"] is not None else "codebook.codes"]
    weights["codes"] = codes.float().numpy()
    encoder = {
        key.removeprefix("encoder."): value.numpy()
        for key, value in content["discover"].items()
        if key.startswith("encoder.")
    }
    origin, blank = content.get("origin") or {}, [""] * config.clusters
    return ModelBundle(
        config=config,
        weights=weights,
        name=f"{origin['name']}-adapted" if origin else "vqss-default",
        cluster_names=list(origin.get("cluster_names", blank)),
        cluster_colors=list(origin.get("cluster_colors", blank)),
        usage=_usage(content, config.clusters),
        provenance=_provenance(content),
        query_weights=encoder,
    )


def _usage(content: dict[str, Any], clusters: int) -> list[float]:
    codes = content["stem_codes"]
    if codes is None:
        return []
    counts = np.bincount(np.asarray(codes), minlength=clusters)
    share = counts / max(int(counts.sum()), 1)
    if before := (content.get("origin") or {}).get("usage"):
        share = (share + before) / (1 + np.sum(before))  # an adapted codebook serves its first stems too
    return [round(float(part), 4) for part in share]


def _provenance(content: dict[str, Any]) -> dict[str, Any]:
    config, origin = content["config"], content.get("origin") or {}
    passed = ("discover",) if origin else ()  # the bundle that this run went on from had discovered
    steps = {stage: count for stage, count in content["progress"].items() if count and stage not in passed}
    return {
        **({"adapted_from": {key: origin[key] for key in ("name", "sha256", "new_codes")}} if origin else {}),
        "steps": steps,
        "seed": config["seed"],
        "batch": {stage: config[stage]["batch"] for stage in steps},
        "clip_s": config["data"]["clip_s"],
        "earlier_rounds": list(origin.get("rounds", ())),
        "credits": list(dict.fromkeys([*origin.get("credits", ()), *config["data"].get("credits", ())])),
        "git_revision": _revision(),
        "torch": torch.__version__,
    }


def _revision() -> str:
    """Of this program's own repository, if it runs from one."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return "unknown"
    command = ["git", "-C", str(root), "rev-parse", "--short", "HEAD"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=5)
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
        raise VQSSError("exporting to ONNX needs onnx; install it with pip install 'vqss[dev]'") from error
