"""Tones and stereo widths of plans: shelves lift their ends, bells their middles, turns keep the level."""

import numpy as np
import torch

from training.plans import KNOTS
from training.tones import KNOT_OCTAVES, channel_turns, octaves_of_bins, tone_gains
from vqss_engine.config import ModelConfig

OCTAVES = octaves_of_bins(ModelConfig(), torch.device("cpu"))


def gains_db(shelves: list[list[float]], bells: list[list[float]]) -> np.ndarray:
    gains = tone_gains(torch.tensor([shelves]), torch.tensor([bells]), OCTAVES)
    return 20 * np.log10(gains[0].numpy())


def test_shelves_lift_the_ends_and_bells_the_middle() -> None:
    flat = [[8.0, 1.0, 0.0]] * 2
    low = gains_db([[8.0, 6.0], [12.0, 0.0]], flat)
    assert abs(low[1] - 6) < 0.1 and abs(low[-1]) < 0.01
    high = gains_db([[8.0, 0.0], [12.0, -9.0]], flat)
    assert abs(high[-1] + 9) < 0.1 and abs(high[1]) < 0.01
    bell = gains_db([[8.0, 0.0], [12.0, 0.0]], [[10.0, 0.5, 5.0], [8.0, 1.0, 0.0]])
    middle = int(np.abs(OCTAVES.numpy() - 10).argmin())
    assert abs(bell[middle] - 5) < 0.05 and bell.argmax() == middle and abs(bell[-1]) < 0.01


def test_turns_keep_the_level_and_follow_their_knots() -> None:
    phases = np.cumsum(np.random.default_rng(1).normal(0, 1, (3, KNOTS)), axis=1)
    phases[2] = 0.0
    turns = channel_turns(torch.from_numpy(phases).float(), OCTAVES).numpy()
    assert np.allclose(np.abs(turns), 1.0, atol=1e-6) and np.allclose(turns[2], 1.0)
    expected = np.exp(1j * np.interp(OCTAVES.numpy(), np.linspace(*KNOT_OCTAVES, KNOTS), phases[0]))
    assert np.allclose(turns[0], expected, atol=1e-4)
