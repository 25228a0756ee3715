"""Settling: single clips take the code of their stem, the codes stand, and every code is drawn alike often."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training_songs import RATE, small_config, write_songs
from training.bank import build_bank
from training.codebook import Codebook
from training.config import StageConfig
from training.data import MixSampler
from training.optimizer import Optimizer, learning_rate
from training.query_encoder import QueryEncoder
from training.settle import ClipSampler, Settle

STEPS = 40


@pytest.fixture
def clips(tmp_path: Path) -> ClipSampler:
    """Clips of nine stems of three kinds; the codes of the kinds are 3, 7 and 12."""
    config = small_config(tmp_path, write_songs(tmp_path / "songs"))
    bank = build_bank(config.data.songs, tmp_path / "cache", RATE)
    return ClipSampler(MixSampler(bank, config.data, config.model, 1, np.array([3, 7, 12] * 3)))


def test_clips_learn_the_code_of_their_stem(clips: ClipSampler) -> None:
    torch.manual_seed(1)
    encoder, book = QueryEncoder(clips.mixes.model, width=16), Codebook(16, clips.mixes.model.code_dim)
    settle, before = Settle(encoder, book.codes, 0.15), book.codes.clone()
    optimizer, stage = Optimizer(encoder, "muon"), StageConfig(steps=STEPS, learning_rate=3e-3, warmup=5)
    steady = []
    for step in range(STEPS):
        loss, metrics = settle(clips.batch(step, 16))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step(learning_rate(stage, step))
        steady.append(metrics["steady"])
    assert steady[0] < 0.5 and np.mean(steady[-5:]) > 0.95
    assert torch.equal(book.codes, before)


def test_every_code_is_drawn_alike_however_few_its_stems(clips: ClipSampler) -> None:
    known = clips.mixes
    rare = ClipSampler(MixSampler(known.bank, known.data, known.model, 1, np.array([3] * 7 + [7, 12])))
    counts = np.bincount(rare.batch(0, 90).codes.numpy(), minlength=16)
    assert set(np.flatnonzero(counts)) == {3, 7, 12}
    assert counts[[3, 7, 12]].min() >= 18


def test_a_step_is_always_the_same_and_ranks_share_it(clips: ClipSampler) -> None:
    whole = clips.batch(5, 6)
    assert torch.equal(whole.power, clips.batch(5, 6).power)
    parts = [clips.batch(5, 6, rank, 2) for rank in (0, 1)]
    assert all(torch.allclose(whole.power[rank::2], part.power) for rank, part in enumerate(parts))
    assert all(torch.equal(whole.codes[rank::2], part.codes) for rank, part in enumerate(parts))
