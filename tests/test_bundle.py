"""Bundles: what is saved is what is loaded, and damage is one clear error."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqss_engine.bundle import ModelBundle
from vqss_engine.errors import VQSSError


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    ModelBundle.random(seed=1).save(tmp_path / "model")
    return tmp_path / "model"


def edit(folder: Path, **changes: object) -> None:
    about = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(about | changes))


def test_round_trip(saved: Path) -> None:
    original, loaded = ModelBundle.random(seed=1), ModelBundle.load(saved)
    assert loaded.config == original.config
    assert loaded.sha256 == original.sha256
    assert all(np.array_equal(loaded.weights[name], array) for name, array in original.weights.items())


def test_saving_again_replaces_the_folder_and_leaves_nothing_beside_it(saved: Path) -> None:
    ModelBundle.random(seed=2).save(saved)
    assert ModelBundle.load(saved).sha256 == ModelBundle.random(seed=2).sha256
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_a_bundle_that_would_not_load_takes_no_place(saved: Path) -> None:
    with pytest.raises(VQSSError):
        replace(ModelBundle.random(seed=2), usage=[0.5]).save(saved)
    assert ModelBundle.load(saved).sha256 == ModelBundle.random(seed=1).sha256
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_the_shipped_model_loads() -> None:
    bundle = ModelBundle.load()
    assert bundle.config.clusters == 16
    assert bundle.provenance["steps"]["partition"] > 0


def test_damage_is_reported(saved: Path) -> None:
    weights = saved / "weights.safetensors"
    whole = weights.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"x" * 100):
        weights.write_bytes(damaged)
        with pytest.raises(VQSSError, match="damaged"):
            ModelBundle.load(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 99},
        {"model": None},
        {"model": {"window": 2048}},
        {"cluster_names": ["one"]},
        {"cluster_colors": None},
        {"cluster_colors": ["#FFF"] * 4},
        {"cluster_names": ["a\nb"] * 4},
        {"usage": ["x"]},
        {"usage": None},
        {"usage": [0.5]},
        {"provenance": None},
    ],
)
def test_a_wrong_description_is_refused(saved: Path, changes: dict[str, object]) -> None:
    edit(saved, **changes)
    with pytest.raises(VQSSError, match=";"):
        ModelBundle.load(saved)


def test_wrong_shapes_and_numbers_are_refused(tmp_path: Path) -> None:
    bundle = ModelBundle.random(seed=1)
    bundle.weights["codes"] = bundle.weights["codes"][:3]
    bundle.save(tmp_path / "shape")
    with pytest.raises(VQSSError, match="codes"):
        ModelBundle.load(tmp_path / "shape")
    bundle = ModelBundle.random(seed=1)
    bundle.weights["codes"][0, 0] = np.nan
    bundle.save(tmp_path / "nan")
    with pytest.raises(VQSSError, match="not a number"):
        ModelBundle.load(tmp_path / "nan")


def test_a_missing_bundle_is_reported(tmp_path: Path) -> None:
    with pytest.raises(VQSSError, match="no model bundle"):
        ModelBundle.load(tmp_path / "nothing")
