"""Bundles: what is saved is what is loaded, and damage is one clear error."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vqss_engine.bundle import ModelBundle
from vqss_engine.config import ModelConfig
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


UNLOADABLE = {
    "description": replace(ModelBundle.random(seed=2), usage=[0.5]),
    "configuration": ModelBundle.random(replace(ModelConfig(), layers=65), seed=2),
    "weights": replace(ModelBundle.random(seed=2), weights={}),
    "encoder": replace(ModelBundle.random(seed=2), query_weights={"project": np.full(3, np.nan, np.float32)}),
}


@pytest.mark.parametrize("kind", UNLOADABLE)
def test_a_bundle_that_would_not_load_takes_no_place(kind: str, saved: Path) -> None:
    with pytest.raises(VQSSError):
        UNLOADABLE[kind].save(saved)
    assert ModelBundle.load(saved).sha256 == ModelBundle.random(seed=1).sha256
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_the_folder_one_is_in_can_be_replaced(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(saved)
    ModelBundle.random(seed=2).save(".")
    assert ModelBundle.load(saved).sha256 == ModelBundle.random(seed=2).sha256


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
        {"usage": [10**400] * 16},
        {"usage": None},
        {"usage": [0.5]},
        {"provenance": None},
        {"provenance": {"credits": 5}},
        {"provenance": {"earlier_rounds": "one"}},
    ],
)
def test_a_wrong_description_is_refused(saved: Path, changes: dict[str, object]) -> None:
    edit(saved, **changes)
    with pytest.raises(VQSSError, match=";"):
        ModelBundle.load(saved)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sample_rate", float("nan")), ("sample_rate", "44100"), ("sample_rate", 1), ("sample_rate", 44100.5),
        ("layers", "3"), ("layers", 3.0), ("layers", True), ("layers", 10**9), ("train_hop", "x"), ("width", 64.0),
        ("clusters", 10**6), ("level_decay_db_per_s", float("nan")), ("level_decay_db_per_s", "3"),
        ("level_decay_db_per_s", 10**400), ("mask_edges", []), ("band_edges", [0, "x"]), ("band_edges", 4),
    ],
)  # fmt: skip
def test_a_damaged_configuration_is_refused(saved: Path, field: str, value: object) -> None:
    about = json.loads((saved / "config.json").read_text())
    edit(saved, model=about["model"] | {field: value})
    with pytest.raises(VQSSError, match=field):
        ModelBundle.load(saved)


def test_what_json_cannot_hold_is_damage(saved: Path) -> None:
    for text in ("[" * 100_000, '{"format": 1, "model"'):
        (saved / "config.json").write_text(text)
        with pytest.raises(VQSSError, match="damaged"):
            ModelBundle.load(saved)


def test_weights_of_another_kind_are_damage(saved: Path) -> None:
    """Sixteen-bit numbers that numpy does not know, as a file of torch's may hold."""
    header = json.dumps({"codes": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    (saved / "weights.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(2))
    with pytest.raises(VQSSError, match="damaged"):
        ModelBundle.load(saved)


@pytest.mark.skipif(sys.platform != "linux", reason="a full disk is made with RLIMIT_FSIZE")
def test_a_full_disk_leaves_the_bundle_that_was(saved: Path) -> None:
    before = ModelBundle.load(saved).sha256
    code = (
        "import resource, signal, sys\n"
        "from vqss_engine.bundle import ModelBundle\n"
        "from vqss_engine.errors import VQSSError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try:\n"
        "    ModelBundle.random(seed=5).save(sys.argv[1])\n"
        "except VQSSError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(saved)], capture_output=True, text=True, timeout=100)
    assert run.stdout.startswith(f"cannot write the bundle {saved}") and run.stdout.count("\n") == 1, run.stderr
    assert ModelBundle.load(saved).sha256 == before and list(saved.parent.iterdir()) == [saved]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to: /proc")
def test_a_bundle_that_cannot_be_written_is_called_as_the_user_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/proc")
    with pytest.raises(VQSSError) as refused:
        ModelBundle.random().save("model")
    said = str(refused.value)
    assert said.startswith("cannot write the bundle model (") and "partial" not in said and "/proc" not in said


def test_a_name_may_be_as_long_as_the_disk_takes(tmp_path: Path) -> None:
    place = tmp_path / ("b" * 255)
    for seed in (1, 2):     # the second takes the place of the first
        bundle = ModelBundle.random(seed=seed)
        bundle.save(place)
        assert np.array_equal(ModelBundle.load(place).weights["codes"], bundle.weights["codes"])
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (np.zeros((3, 32), np.float32), r"codes is float32 \(3, 32\)"),
        (np.full((16, 32), np.nan, np.float32), "codes is not a number"),
        (np.zeros((16, 32), np.float16), "codes is float16"),
    ],
    ids=["shape", "number", "kind"],
)
def test_wrong_shapes_and_numbers_are_refused(saved: Path, codes: np.ndarray, words: str) -> None:
    save_file({**ModelBundle.random(seed=1).weights, "codes": codes}, saved / "weights.safetensors")
    with pytest.raises(VQSSError, match=words):
        ModelBundle.load(saved)


def test_an_encoder_of_what_is_no_number_is_refused(saved: Path) -> None:
    save_file({"project": np.full(3, np.inf, np.float32)}, saved / "query.safetensors")
    with pytest.raises(VQSSError, match="project is not a number"):
        ModelBundle.load(saved)


def test_a_missing_bundle_is_reported(tmp_path: Path) -> None:
    with pytest.raises(VQSSError, match="no model bundle"):
        ModelBundle.load(tmp_path / "nothing")
