"""Plans of mixes: stems of a song keep together, targets are the codes, and what is planned is heard."""


import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.bank import ACTIVITY_BLOCK, SILENT_RMS, Bank
from training.config import DataConfig
from training.plans import Planner

SAMPLES = 20_000


def bank_of(songs: list[int], rng: np.random.Generator) -> Bank:
    """A bank of stems of random lengths, which play in random blocks and at least in one."""
    blocks = rng.integers(2, 30, len(songs))
    activity = [np.where(rng.random(count) < 0.3, 0.1, 0.0) for count in blocks]
    for profile in activity:
        profile[rng.integers(len(profile))] = 0.1
    lengths = blocks * ACTIVITY_BLOCK
    ends = np.cumsum(lengths)
    return Bank(
        np.zeros(ends[-1], np.int16), ends - lengths, lengths, np.array(songs), rng.uniform(0.01, 0.3, len(songs)),
        np.concatenate(activity), np.cumsum(blocks) - blocks,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.sampled_from([0.0, 0.5, 1.0]), st.booleans())
def test_a_plan_keeps_its_promises(seed: int, most: int, coherent: float, coded: bool) -> None:
    rng = np.random.default_rng(seed)
    songs = sorted(rng.integers(0, 5, 14).tolist())
    bank, codes = bank_of(songs, rng), rng.integers(0, 6, 14)
    data = DataConfig(stems_min=1, stems_max=most, coherent=coherent)
    planner = Planner(bank, data, SAMPLES, codes if coded else None)
    plan = planner.mixes(np.random.default_rng(seed), 12)
    clips = plan.clips
    assert set(plan.mix) == set(range(12))
    for mix in range(12):
        stems = clips.stems[plan.mix == mix]
        assert 1 <= len(stems) <= most and len(set(stems)) == len(stems)
        if coherent == 1.0:
            assert len(set(bank.songs[stems])) == 1
        if coherent == 0.0 and coded:
            assert len(set(codes[stems])) == len(stems)
    for stem, mix, slot in zip(clips.stems, plan.mix, plan.slot, strict=True):
        assert plan.slot_codes[mix, slot] == (codes[stem] if coded else -1)
    targets = {(mix, slot) for mix, slot in zip(plan.mix, plan.slot, strict=True)}
    assert len(targets) == (int((plan.slot_codes >= 0).sum()) if coded else len(clips))
    assert all(heard(bank, *clip) for clip in zip(clips.stems, clips.start, clips.speed, strict=True))


def heard(bank: Bank, stem: int, start: float, speed: float) -> bool:
    """Whether a clip overlaps some block in which its stem plays."""
    blocks = np.flatnonzero(bank.stem_activity(stem) > SILENT_RMS) * ACTIVITY_BLOCK
    return start >= 0 and bool(((blocks < start + SAMPLES * speed) & (blocks + ACTIVITY_BLOCK > start)).any())


@given(seed=st.integers(0, 10_000), ranks=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_shares_of_the_ranks_make_up_the_plan(seed: int, ranks: int) -> None:
    rng = np.random.default_rng(seed)
    planner = Planner(bank_of([0, 0, 0, 1, 1, 1], rng), DataConfig(stems_max=3), SAMPLES, np.arange(6) % 4)
    plan = planner.mixes(rng, 8)
    for rank in range(ranks):
        share = plan.share(rank, ranks)
        mine = plan.mix % ranks == rank
        assert np.array_equal(share.mix * ranks + rank, plan.mix[mine])
        assert np.array_equal(share.clips.stems, plan.clips.stems[mine])
        assert np.array_equal(share.slot_codes, plan.slot_codes[rank::ranks])


def test_places_are_spread_over_what_is_heard() -> None:
    """Of a stem that always plays, clips begin anywhere alike often."""
    blocks = np.full(100, 0.1)
    length = 100 * ACTIVITY_BLOCK
    bank = Bank(
        np.zeros(2 * length, np.int16), np.array([0, length]), np.array([length] * 2), np.array([0, 0]),
        np.array([0.1, 0.1]), np.concatenate([blocks, blocks]), np.array([0, 100]),
    )  # fmt: skip
    planner = Planner(bank, DataConfig(), SAMPLES, None)
    clips = planner.clips(np.random.default_rng(1), np.zeros(4000, np.int64))
    counts = np.histogram(clips.start / (length - SAMPLES * clips.speed), 10, (0, 1))[0]
    assert counts.min() > 320 and counts.max() < 480
    assert clips.speed.min() > 0.88 and clips.speed.max() < 1.12


def test_every_code_is_as_likely_as_any_other() -> None:
    rng = np.random.default_rng(3)
    planner = Planner(bank_of([0] * 10, rng), DataConfig(), SAMPLES, np.array([2] * 8 + [5, 7]))
    drawn = planner.codes[planner.any_of(rng, 3000)] if planner.codes is not None else np.zeros(0)
    assert np.bincount(drawn)[[2, 5, 7]].min() > 850


def starts(bank: Bank) -> np.ndarray:
    """Where 50 clips of the first stem begin."""
    return Planner(bank, DataConfig(), SAMPLES, None).clips(np.random.default_rng(1), np.zeros(50, np.int64)).start


def test_a_stem_that_plays_is_read_from_anywhere() -> None:
    bank = bank_of([0, 0], np.random.default_rng(4))
    assert bank.lengths[0] > SAMPLES and len(set(starts(bank))) > 10


def test_a_stem_that_never_plays_is_read_from_its_start() -> None:
    bank = bank_of([0, 0], np.random.default_rng(4))
    bank.activity[:] = SILENT_RMS / 2
    assert (starts(bank) == 0).all()
