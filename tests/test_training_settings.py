"""Settings of a training that would fail later, or learn nothing, are refused in one line before all work."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.config import TrainConfig
from training.limits import RANGES, check
from training.settings import load_config
from vqss_engine.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent
WRONG = (
    "data.gain_spread_db=-1.0", "data.eq_db=-1.0", "data.speed_range=-0.1", "data.speed_range=1.5",
    "data.speed_range=nan", "data.coherent=nan", "data.wide=nan", "data.leave_out=[1]", "data.songs=[1]",
    "data.clip_s=1e9", "partition.clip_s=1e9", "partition.clip_s=0.1", "partition.steps=-3", "discover.warmup=-5",
    "partition.snr=nan", "loss.snr_floor=0.0", "loss.silence_floor=-1.0", "loss.temperature=0.0", "clip_gradient=nan",
    "clip_gradient=-1.0", "average_decay=2.0", "threads=100000", "optimizer=sgd", "adapt.free_below=2.0",
    "adapt.far_cosine=1.5", "model.clusters=300", "model.layers=65", "model.train_hop=768", "model.window=1000",
    "model.width=0", "model.mask_edges=[]", "model.mask_edges=[0.5]", "model.train_synthesis=4096",
    "model.train_synthesis=513", "model.train_synthesis=384", "model.window=512", "adapt.layers=65",
    "model.sample_rate=4000", "model.level_decay_db_per_s=inf",
    "model.level_decay_db_per_s=nan",
)  # fmt: skip


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A configuration that leaves everything as it is."""
    path = tmp_path / "plain.toml"
    path.write_text("seed = 5\n")
    return path


@pytest.mark.parametrize("change", WRONG)
def test_a_wrong_setting_is_named(change: str, plain: Path) -> None:
    with pytest.raises(UsageError, match=change.partition("=")[0].replace(".", r"\.")):
        load_config(plain, [change])


def test_a_clip_alone_cannot_be_centred(plain: Path) -> None:
    load_config(plain, ["settle.steps=0", "settle.batch=1"])
    with pytest.raises(UsageError, match=r"settle\.batch is 1; choose 2"):
        load_config(plain, ["settle.steps=1", "settle.batch=1"])


def test_clips_have_frames_enough_for_the_encoder(plain: Path) -> None:
    load_config(plain, ["model.train_hop=4096", "data.clip_s=0.5"])
    with pytest.raises(UsageError, match=r"settle\.clip_s is 0\.4, fewer than 5 hops"):
        load_config(plain, ["model.train_hop=4096", "settle.clip_s=0.4"])


def test_one_item_will_do_for_a_list(plain: Path) -> None:
    assert load_config(plain, ["data.songs=here", 'data.leave_out="gm/*"']).data.songs == ("here",)


@pytest.mark.parametrize("path", sorted((ROOT / "training").glob("*.toml")), ids=lambda path: path.stem)
def test_the_configurations_of_the_project_fit(path: Path) -> None:
    if path.stem != "ablations":
        load_config(path)


def test_every_range_is_that_of_a_setting() -> None:
    check(TrainConfig())
    assert len({name for name, _, _ in RANGES}) == len(RANGES)
