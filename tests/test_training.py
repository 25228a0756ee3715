"""Training: no labels, the same batches by seed, and a killed run that ends as if it had never been killed."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.training_songs import RATE, SMALL_RUN, small_config, tone, write_songs
from training.bank import build_bank
from training.checkpoint import read_checkpoint, write_checkpoint
from training.data import MixSampler, prefetch
from training.export import export_bundle
from training.instruments import Clip, _decode
from training.train import run_training
from vqss_engine.bundle import ModelBundle
from vqss_engine.errors import UsageError, VQSSError


def first_batch(folder: Path, songs: Path) -> dict[str, object]:
    config = small_config(folder, songs)
    bank = build_bank(config.data.songs, folder / "cache", RATE)
    return vars(MixSampler(bank, config.data, config.model, seed=1).batch(0, 2))


def test_batches_cannot_contain_labels(tmp_path: Path) -> None:
    """Whatever the files are called, the batches are the same numbers, and nothing but numbers."""
    one = write_songs(tmp_path / "one", ("bass", "guitar", "noise"))
    other = write_songs(tmp_path / "other", ("x1", "x2", "x3"))
    first, second = (first_batch(tmp_path / f"run{i}", songs) for i, songs in enumerate((one, other)))
    for key, value in first.items():
        assert isinstance(value, torch.Tensor) and not value.is_complex()
        assert torch.equal(value, second[key])


def test_prefetching_changes_no_batch(tmp_path: Path) -> None:
    config = small_config(tmp_path, write_songs(tmp_path / "songs"))
    sampler = MixSampler(build_bank(config.data.songs, tmp_path, RATE), config.data, config.model, seed=3)
    for step, batch in enumerate(prefetch(sampler, 4, 6, 2), start=4):
        assert torch.equal(batch.power, sampler.batch(step, 2).power)


def test_ranks_share_a_batch(tmp_path: Path) -> None:
    config = small_config(tmp_path, write_songs(tmp_path / "songs"))
    sampler = MixSampler(build_bank(config.data.songs, tmp_path, RATE), config.data, config.model, seed=3)
    whole, parts = sampler.batch(1, 4), [sampler.batch(1, 4, rank, 2) for rank in (0, 1)]
    assert torch.equal(whole.power[::2], parts[0].power)
    assert torch.equal(whole.power[1::2], parts[1].power)


def test_a_stem_that_plays_seldom_is_heard_when_it_does(tmp_path: Path) -> None:
    """One hit in ten seconds: no clip of it is silent, and the hit is not always at the same place of the clip."""
    songs = write_songs(tmp_path / "songs", songs=1)
    seldom = np.zeros(10 * RATE, np.float32)
    seldom[9 * RATE : 9 * RATE + 2000] = tone(200)[:2000]
    soundfile.write(songs / "song0" / "seldom.wav", seldom, RATE)
    config = small_config(tmp_path, songs)
    bank = build_bank(config.data.songs, tmp_path, RATE)
    sampler = MixSampler(bank, config.data, config.model, seed=3)
    stem, rng = int(np.argmax(bank.lengths)), np.random.default_rng(1)
    powers = sampler.query_powers(np.full(12, stem), rng).sum(-1).numpy()
    assert (powers.max(axis=1) > 1e-3).all()
    assert len(set(powers.argmax(axis=1))) > 3


def test_stems_of_a_song_keep_time_whatever_their_lengths(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(2).standard_normal(6 * RATE)
    (tmp_path / "songs" / "one").mkdir(parents=True)
    for name, seconds in (("long", 6), ("short", 4)):
        soundfile.write(tmp_path / "songs" / "one" / f"{name}.wav", noise[: seconds * RATE], RATE)
    config = small_config(
        tmp_path, tmp_path / "songs", "data.speed_range=0.0", "data.coherent=1.0", "data.stems_min=2"
    )
    sampler = MixSampler(build_bank(config.data.songs, tmp_path, RATE), config.data, config.model, seed=3)
    together = 0
    for seed in range(20):
        plan = sampler.planner.mixes(np.random.default_rng(seed), 1)
        spectra = sampler.mixer.spectra(plan.clips)
        together += len(spectra) == 2 and np.allclose(spectra[0], spectra[1], atol=1e-3)
    assert together >= 10       # elsewhere the shorter one is over


def test_bad_songs_are_named_and_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    songs = write_songs(tmp_path / "songs", songs=2)
    (songs / "broken").mkdir()
    (songs / "broken" / "text.wav").write_text("this is no audio")
    (songs / "lonely").mkdir()
    soundfile.write(songs / "lonely" / "only.wav", tone(100), RATE)
    (songs / "quiet").mkdir()
    soundfile.write(songs / "quiet" / "nothing.wav", np.zeros(2 * RATE), RATE)
    soundfile.write(songs / "song0" / "other_rate.flac", tone(300)[::2], RATE // 2)
    with caplog.at_level(logging.WARNING):
        bank = build_bank((str(songs),), tmp_path / "cache", RATE)
    assert len(bank) == 7
    assert abs(int(bank.lengths.max()) - int(bank.lengths.min())) < 20
    for name in ("text.wav", "lonely", "nothing.wav"):
        assert name in caplog.text


def test_files_with_odd_names_are_read_and_links_to_nowhere_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    songs = write_songs(tmp_path / "songs", songs=1)
    odd = songs / "song0" / os.fsdecode(b"na\xefve.wav")
    try:
        (songs / "song0" / "a.wav").rename(odd)
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes valid names only")
    (songs / "song0" / "gone.wav").symlink_to(tmp_path / "nothing.wav")
    with caplog.at_level(logging.WARNING):
        assert len(build_bank((str(songs),), tmp_path / "cache", RATE)) == 3
    assert "gone.wav" in caplog.text
    clip = Clip(odd, "library", "bass", odd.stem)
    assert _decode(clip).shape == (1, 2 * RATE) and clip.held_out in (True, False)


@pytest.mark.skipif(os.name != "posix", reason="needs a limit to the size of files")
def test_a_full_disk_is_told_and_nothing_stays(tmp_path: Path) -> None:
    import resource

    songs = write_songs(tmp_path / "songs")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(VQSSError, match=r"cannot write .*; free some room"):
            build_bank((str(songs),), tmp_path / "cache", RATE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(build_bank((str(songs),), tmp_path / "cache", RATE)) == 9


def test_no_usable_song_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(VQSSError, match="stems"):
        build_bank((str(tmp_path / "empty"),), tmp_path / "cache", RATE)


def test_unknown_settings_are_refused(tmp_path: Path) -> None:
    songs = write_songs(tmp_path / "songs", songs=1)
    for change in ("nonsense=1", "loss.snrr=1", "discover.steps=many"):
        with pytest.raises(UsageError, match=change.split("=")[0].split(".")[-1]):
            small_config(tmp_path, songs, change)


def test_settings_that_would_fail_later_are_refused_at_once(tmp_path: Path) -> None:
    songs = write_songs(tmp_path / "songs", songs=1)
    for change, words in (
        ("seed=-1", "seed is -1"), (f"seed={10**17}", "seed is 1"), ("refine.stems_min=4", r"refine\.stems_min is 4"),
        ("data.stems_min=0", r"data\.stems_min is 0"), ("unquantized_steps=0", "unquantized_steps is 0"),
        ("refine.batch=0", r"refine\.batch is 0"), ("clips_per_stem=0", "clips_per_stem is 0"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=f"{words}.*; choose"):
            small_config(tmp_path, songs, "refine.steps=1", change)
    small_config(tmp_path, songs, "refine.steps=0", "refine.stems_min=4")
    small_config(tmp_path, songs, "quantize=false", "unquantized_steps=0")


def train(folder: Path, songs: Path, run: str, *changes: str, resume: bool = False) -> dict[str, torch.Tensor]:
    config = folder / "run.toml"
    config.write_text("seed = 5\n")
    changes = (*SMALL_RUN, f'data.songs=["{songs}"]', f"run={folder / run}", *changes)
    run_training(config, list(changes), resume)
    weights: dict[str, torch.Tensor] = read_checkpoint(folder / run / "checkpoint.pt")["average"]
    return weights


def test_a_resumed_run_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    songs = write_songs(tmp_path / "songs")
    steps = ("discover.steps=4", "settle.steps=3", "partition.steps=4", "refine.steps=2")
    long = (*steps, "discover.warmup=1", "partition.warmup=1")
    whole = train(tmp_path, songs, "whole", *long)
    with pytest.raises(VQSSError, match="--resume"):
        train(tmp_path, songs, "whole", *long)

    class Killed(Exception):
        pass

    def die_after(steps: int) -> None:
        from training import train as module

        real, seen = module.Run._after_step, []

        def counted(self: object, *args: object) -> None:
            real(self, *args)  # type: ignore[arg-type]
            seen.append(1)
            if len(seen) == steps:
                raise Killed

        monkey.setattr(module.Run, "_after_step", counted)

    for steps in (3, 4, 3):  # in discovery, with the last step of settling, in the partition
        with pytest.MonkeyPatch.context() as monkey, pytest.raises(Killed):
            die_after(steps)
            train(tmp_path, songs, "broken", *long, resume=(tmp_path / "broken").exists())
    resumed = train(tmp_path, songs, "broken", *long, resume=True)
    for name, value in whole.items():
        assert torch.allclose(value, resumed[name], atol=1e-6), name


def test_a_run_does_not_go_on_with_other_songs(tmp_path: Path) -> None:
    songs, other = write_songs(tmp_path / "songs"), write_songs(tmp_path / "other")
    soundfile.write(other / "song1" / "b.wav", 2 * tone(900), RATE)  # as many stems, and as long
    train(tmp_path, songs, "run", "discover.steps=2", "partition.steps=1")
    with pytest.raises(VQSSError, match=r"other songs.*; give those"):
        train(tmp_path, other, "run", "discover.steps=2", "partition.steps=2", resume=True)
    (tmp_path / "moved").symlink_to(songs)
    train(tmp_path, tmp_path / "moved", "run", "discover.steps=2", "partition.steps=2", resume=True)


def test_a_checkpoint_without_a_fingerprint_is_known_by_its_number_of_stems(tmp_path: Path) -> None:
    songs = write_songs(tmp_path / "songs")
    train(tmp_path, songs, "run", "discover.steps=2", "partition.steps=1")
    path = tmp_path / "run" / "checkpoint.pt"
    content = read_checkpoint(path)
    del content["stems"]
    write_checkpoint(path, content)
    train(tmp_path, songs, "run", "discover.steps=2", "partition.steps=1", resume=True)
    write_checkpoint(path, content)
    with pytest.raises(VQSSError, match="other songs"):
        train(tmp_path, songs, "run", "discover.steps=2", 'data.leave_out=["*/a.wav"]', resume=True)


def test_a_checkpoint_becomes_a_bundle(tmp_path: Path) -> None:
    songs = write_songs(tmp_path / "songs")
    train(tmp_path, songs, "first", "discover.steps=3", "partition.steps=2")
    bundle = export_bundle(tmp_path / "first" / "checkpoint.pt", tmp_path / "bundle")
    assert bundle.provenance["steps"] == {"discover": 3, "partition": 2}
    assert sum(bundle.usage) == pytest.approx(1, abs=0.01)
    assert bundle.sha256 == ModelBundle.load(tmp_path / "bundle").sha256


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(VQSSError, match="checkpoint"):
        read_checkpoint(tmp_path / "checkpoint.pt")
