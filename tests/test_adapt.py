"""Adapting a bundle: the codebook stands and grows only where there is room, and the gain is measured on what is held
out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch.nn import functional

from tests.training_songs import RATE, SMALL_RUN, small_config, tone, write_songs
from training.adapt import grow_codes, split_bank
from training.bank import ACTIVITY_BLOCK, build_bank
from training.export import export_bundle
from training.train import run_training
from vqss_engine.errors import UsageError


def directions(*rows: tuple[float, ...]) -> torch.Tensor:
    return functional.normalize(torch.tensor(rows, dtype=torch.float32), dim=-1)


CODES = torch.eye(6)[:4]
USAGE = [0.6, 0.4, 0.0, 0.0]


def test_far_stems_get_the_free_codes_and_all_others_stand() -> None:
    stems = directions((1, 0.1, 0, 0, 0, 0), (0, 0, 0, 0, 1, 0), (0, 0, 0, 0, 1, 0.3), (0, 0, 0, 0, 0, -1))
    growth = grow_codes(CODES, USAGE, stems, 0.005, 0.5)
    assert torch.equal(growth.codes[:2], CODES[:2])
    assert sorted(growth.new) == [2, 3] and growth.left_out == 0
    assert (stems @ growth.codes.T).amax(-1).min() > 0.9
    assert torch.allclose(growth.codes.norm(dim=-1), torch.ones(4))


def test_a_code_in_use_is_never_given_away() -> None:
    """Not by the bundle's stems, nor by the new ones: code 2 has none of the old, but the first stem is near it."""
    stems = directions((0, 0, 1, 0, 0, 0), (0, 0, 0, 0, 1, 0), (0, 0, 0, 0, 0, 1))
    growth = grow_codes(CODES, USAGE, stems, 0.005, 0.5)
    assert growth.new == [3] and growth.left_out == 1
    assert torch.equal(growth.codes[:3], CODES[:3])
    for usage in ([0.25] * 4, []):
        full = grow_codes(CODES, usage, stems, 0.005, 0.5)
        assert torch.equal(full.codes, CODES) and full.new == [] and full.left_out == 2


@pytest.mark.parametrize("far_cosine", [0.9999999, 1.0])
def test_a_new_code_is_a_direction_however_far_is_far(far_cosine: float) -> None:
    stems = functional.normalize(torch.randn(50, 6, generator=torch.Generator().manual_seed(1)), dim=-1)
    growth = grow_codes(CODES, USAGE, stems, 0.005, far_cosine)
    assert torch.allclose(growth.codes.norm(dim=-1), torch.ones(4))


def test_near_stems_change_nothing() -> None:
    growth = grow_codes(CODES, USAGE, directions((1, 0.2, 0, 0, 0, 0)), 0.005, 0.5)
    assert torch.equal(growth.codes, CODES) and growth.new == [] and growth.left_out == 0


def test_what_is_held_out_is_not_trained_on(tmp_path: Path) -> None:
    config = small_config(tmp_path, write_songs(tmp_path / "songs", songs=1))
    bank = build_bank(config.data.songs, tmp_path, RATE)
    first, rest = split_bank(bank, 0.25)
    for stem in range(len(bank)):
        assert np.array_equal(np.concatenate([first.stem(stem), rest.stem(stem)]), bank.stem(stem))
        activity = np.concatenate([first.stem_activity(stem), rest.stem_activity(stem)])
        assert np.array_equal(activity, bank.stem_activity(stem))
        assert len(first.stem(stem)) % ACTIVITY_BLOCK == 0
        assert 0.6 < len(first.stem(stem)) / len(bank.stem(stem)) <= 0.75


def test_stems_of_a_song_are_cut_at_one_place(tmp_path: Path) -> None:
    songs = write_songs(tmp_path / "songs", songs=1)
    soundfile.write(songs / "song0" / "short.wav", tone(200, seconds=1.2), RATE)
    bank = build_bank((str(songs),), tmp_path, RATE)
    first, rest = split_bank(bank, 0.25)
    short = int(np.argmin(bank.lengths))
    assert np.array_equal(first.stem(short), bank.stem(short)) and not len(rest.stem(short))
    assert not len(rest.stem_activity(short)) and len({len(rest.stem(i)) for i in range(len(bank)) if i != short}) == 1


def train(folder: Path, run: str, *changes: str, **options: Any) -> None:
    config = folder / "run.toml"
    config.write_text("seed = 5\n")
    places = (f'data.songs=["{folder / "songs"}"]', f"run={folder / run}", f'data.cache="{folder}"')
    run_training(config, [*SMALL_RUN, *places, *changes], **options)


def test_a_bundle_learns_from_new_stems_and_says_so(tmp_path: Path) -> None:
    write_songs(tmp_path / "songs")
    train(tmp_path, "first", "discover.steps=3", "partition.steps=2")
    base = export_bundle(tmp_path / "first" / "checkpoint.pt", tmp_path / "base")
    used = [k for k, share in enumerate(base.usage) if share]
    replace(base, cluster_names=[f"name {k}" for k in range(16)]).save(tmp_path / "base")
    reports: list[dict[str, Any]] = []
    options = {"init": str(tmp_path / "base"), "adapted": reports.append}
    with pytest.raises(UsageError, match=f"model.layers of the bundle is {base.config.layers} and stays so"):
        train(tmp_path, "second", f"model.layers={base.config.layers + 1}", **options)
    train(tmp_path, "second", "partition.steps=60", "partition.warmup=2", "adapt.held_out=0.4", **options)
    report = reports[0]
    assert report == json.loads((tmp_path / "second" / "adapted.json").read_text())
    assert sum(row["stems"] for row in report["codes"]) == 9
    assert report["mean"]["after_db"] > report["mean"]["before_db"] + 0.1
    adapted = export_bundle(tmp_path / "second" / "checkpoint.pt", tmp_path / "adapted")
    new = adapted.provenance["adapted_from"]["new_codes"]
    assert not set(new) & set(used)
    assert np.array_equal(adapted.weights["codes"][used], base.weights["codes"][used])
    assert adapted.provenance["adapted_from"]["sha256"] == base.sha256
    assert adapted.provenance["steps"] == {"partition": 60}
    mean = export_bundle(tmp_path / "second" / "checkpoint.pt", tmp_path / "mean", mean_with=tmp_path / "base")
    name = "layers.0.time.into.weight"
    assert np.allclose(2 * mean.weights[name], adapted.weights[name] + base.weights[name], atol=1e-6)
    assert mean.provenance["mean_with"]["sha256"] == base.sha256
    assert [known["steps"] for known in adapted.provenance["earlier_rounds"]] == [{"discover": 3, "partition": 2}]
    assert adapted.cluster_names == ["" if k in new else f"name {k}" for k in range(16)]
    assert sum(adapted.usage) == pytest.approx(1, abs=0.01)
    train(tmp_path, "second", "partition.steps=30", "adapt.held_out=0.4", resume=True, **options)
    assert reports[1] == report  # nothing was left to learn, and the same is held out


def test_without_a_bundle_codes_are_discovered_first(tmp_path: Path) -> None:
    write_songs(tmp_path / "songs")
    with pytest.raises(UsageError, match="add --init BUNDLE"):
        train(tmp_path, "run", "discover.steps=0")
    assert not (tmp_path / "run").exists()
