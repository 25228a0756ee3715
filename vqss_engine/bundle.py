"""The deployable model: `config.json` and `weights.safetensors` in one folder. Nothing in it runs code."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqss_engine.config import ModelConfig
from vqss_engine.errors import VQSSError, reason
from vqss_engine.parameters import ParameterError
from vqss_engine.vocabulary import cluster_parameters
from vqss_engine.whole_files import hidden_beside

FORMAT = 1
CONFIG_FILE, WEIGHTS_FILE, QUERY_FILE = "config.json", "weights.safetensors", "query.safetensors"
DEFAULT_PATH = Path(__file__).parent / "models" / "default"

Weights = dict[str, NDArray[np.float32]]


def weight_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of a generator with this configuration."""
    width, hidden, units = config.width, config.recurrent_width, config.head_width
    shapes: dict[str, tuple[int, ...]] = {"codes": (config.clusters, config.code_dim)}
    for band, (low, high) in enumerate(pairwise(config.band_edges)):
        shapes |= _linear(f"encode.{band}", 2 * (high - low), width)
    for number in range(config.layers):
        layer = f"layers.{number}"
        shapes |= {f"{layer}.{part}.norm.weight": (width,) for part in ("time", "band", "channel")}
        shapes[f"{layer}.time.shift"] = (width,)
        shapes |= _linear(f"{layer}.time.into", width, 3 * hidden) | _linear(f"{layer}.time.out", hidden, width)
        shapes |= _linear(f"{layer}.band.up", config.bands, config.band_hidden)
        shapes |= _linear(f"{layer}.band.down", config.band_hidden, config.bands)
        shapes |= _linear(f"{layer}.channel.up", width, config.channel_hidden)
        shapes |= _linear(f"{layer}.channel.down", config.channel_hidden, width)
    shapes |= {"head.norm.weight": (width,), "head.bias.weight": (config.mask_bins, config.code_dim)}
    shapes |= _linear("head.units", width, units) | _linear("head.film", config.code_dim, units)
    return shapes | {"head.weight": (config.mask_bins, units), "head.side": (config.bands, units)}


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _weight_fault(weights: Weights, query_weights: Weights, config: ModelConfig) -> str:
    """What is wrong with weights for a generator of this configuration and its query encoder; '' where nothing is.

    What shapes an encoder has is known where it is trained.
    """
    expected = weight_shapes(config)
    if odd := sorted(set(weights) ^ set(expected)):
        return f"weights are lacking or unknown: {', '.join(odd[:3])}"
    for name, shape in expected.items():
        if weights[name].shape != shape or weights[name].dtype != np.float32:
            return f"weight {name} is {weights[name].dtype} {weights[name].shape}, not {shape}"
    for name, found in (*weights.items(), *query_weights.items()):
        if not np.isfinite(found).all():
            return f"weight {name} is not a number"
    return ""


@dataclass(frozen=True)
class ModelBundle:
    """A model ready to run.

    `cluster_names` has one name a cluster ('' = unnamed), `cluster_colors` one '#rrggbb' ('' = the viewer's
    choice); `usage` is each cluster's share of training stems; `provenance` says what it was made of.
    `query_weights` are the query encoder's, kept for scoring and for adapting the model; playing needs none.
    """

    config: ModelConfig
    weights: Weights
    name: str = "unnamed"
    cluster_names: list[str] = field(default_factory=list)
    cluster_colors: list[str] = field(default_factory=list)
    usage: list[float] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""
    query_weights: Weights = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path | None = None) -> ModelBundle:
        """Read and check a bundle folder (default: the shipped model).

        Raises VQSSError where it is missing, of an unknown format version, damaged or of a wrong shape.
        """
        folder = Path(path) if path is not None else DEFAULT_PATH
        about = _read_config(folder)
        config = ModelConfig.from_dict(about["model"])
        weights, digest = _read_weights(folder / WEIGHTS_FILE)
        query_weights = _read_weights(folder / QUERY_FILE)[0] if (folder / QUERY_FILE).exists() else {}
        if fault := _weight_fault(weights, query_weights, config):
            raise VQSSError(f"{folder} is damaged ({fault}); fetch the bundle again")
        return cls(
            config=config,
            weights=weights,
            sha256=digest,
            query_weights=query_weights,
            **_described(about, config.clusters, folder),
        )

    @classmethod
    def random(cls, config: ModelConfig | None = None, seed: int = 0) -> ModelBundle:
        """An untrained model: for tests and speed, since every mask is as costly as a trained one's."""
        config = config or ModelConfig()
        rng = np.random.default_rng(seed)
        weights: Weights = {}
        for name, shape in weight_shapes(config).items():
            scale = shape[-1] ** -0.5 if len(shape) > 1 else 0.1
            weights[name] = (rng.standard_normal(shape) * scale).astype(np.float32)
            if name.endswith("norm.weight"):
                weights[name] = np.abs(weights[name]) + np.float32(0.5)
        weights["head.weight"] *= np.float32(4)
        nothing = [""] * config.clusters
        return cls(config, weights, "random", nothing, list(nothing), sha256=_digest(weights))

    def save(self, path: str | Path) -> None:
        """Write the bundle folder: whole or not at all.

        Raises VQSSError if it cannot be written, or could not be loaded then.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        folder = Path(path).absolute()      # "." has no name to hide another beside
        partial = hidden_beside(folder)
        about = {
            "format": FORMAT,
            "name": self.name,
            "cluster_names": self.cluster_names,
            "cluster_colors": self.cluster_colors,
            "usage": self.usage,
            "provenance": self.provenance,
            "model": self.config.to_dict(),
        }
        # before what is there goes: no bundle that does not load
        _described(about, self.config.clusters, folder)
        faults = self.config.faults() or [_weight_fault(self.weights, self.query_weights, self.config)]
        if faults[0]:
            raise VQSSError(f"the model for {path} is damaged ({faults[0]}); take it from another checkpoint")
        try:
            partial.mkdir(parents=True)
            for name, arrays in ((WEIGHTS_FILE, self.weights), (QUERY_FILE, self.query_weights)):
                if arrays:
                    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, partial / name)
                    (partial / name).chmod(0o644)
            (partial / CONFIG_FILE).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
            _put_in_place(partial, folder)
        except (OSError, SafetensorError) as error:     # the latter where the disk is full
            raise VQSSError(f"cannot write the bundle {path} ({reason(error)}); choose a writable place") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(made: Path, folder: Path) -> None:
    """Let what was made take the place of `folder`, which is there until then, and again where that fails."""
    if not folder.exists():
        made.rename(folder)
        return
    before = made.with_name(f"{made.name}.before")
    folder.rename(before)
    try:
        made.rename(folder)
    except BaseException:
        before.rename(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)


def _described(about: dict[str, Any], clusters: int, folder: Path) -> dict[str, Any]:
    """What config.json tells beside the model; raises VQSSError for what no mixer can show."""
    texts: dict[str, list[str]] = {}
    try:
        for key in ("cluster_names", "cluster_colors"):
            texts[key] = [str(text) for text in about.get(key, [])] or [""] * clusters
            if len(texts[key]) != clusters:
                raise VQSSError(f"{folder} has {len(texts[key])} {key}, not {clusters}; fetch the bundle again")
        for k, (name, color) in enumerate(zip(*texts.values(), strict=True)):
            for parameter in cluster_parameters(k, clusters, name, color):
                parameter.check(parameter.default)
        usage = [float(share) for share in about.get("usage", [])]
        if not all(map(math.isfinite, usage)):
            raise ValueError("usage holds what is no number")
        if len(usage) not in (0, clusters):
            raise VQSSError(f"{folder} has {len(usage)} of usage, not {clusters}; fetch the bundle again")
        provenance = dict(about.get("provenance", {}))
        for key in ("credits", "earlier_rounds"):
            if not isinstance(provenance.get(key, []), list | tuple):
                raise ValueError(f"{key} is no list")
        return {"name": str(about.get("name", folder.name)), "usage": usage, "provenance": provenance, **texts}
    except (TypeError, ValueError, OverflowError, ParameterError) as error:
        raise VQSSError(f"{folder / CONFIG_FILE} is damaged ({error}); fetch the bundle again") from error


def read_model_config(path: Path | None = None) -> ModelConfig:
    """The configuration in a bundle folder (default: the shipped model), without its weights; raises VQSSError."""
    return ModelConfig.from_dict(_read_config(path or DEFAULT_PATH)["model"])


def is_bundle(folder: Path) -> bool:
    """Whether a folder holds a bundle's files; the folder of a training run has a config.json too, but no weights."""
    return all((folder / name).is_file() for name in (CONFIG_FILE, WEIGHTS_FILE))


def _digest(weights: Weights) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].tobytes())
    return digest.hexdigest()


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    if not folder.is_dir():
        raise VQSSError(f"there is no model bundle {folder}; name a folder with config.json and weights.safetensors")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VQSSError(f"{folder} is no model bundle ({path.name} cannot be read); fetch the bundle again") from error
    except (ValueError, RecursionError) as error:
        raise VQSSError(f"{path} is damaged ({error}); fetch the bundle again") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise VQSSError(f"{path} is not of format {FORMAT}; update vqss, or fetch a bundle for this version")
    if not isinstance(about.get("model"), dict):
        raise VQSSError(f"{path} says nothing of the model; fetch the bundle again")
    return about


def _read_weights(path: Path) -> tuple[Weights, str]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        weights = load_file(path)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:     # TypeError: of a kind numpy lacks
        raise VQSSError(f"{path} is damaged or missing ({error}); fetch the bundle again") from error
    return weights, _digest(weights)
