"""The losses' two numbers a mask bin say the same as the spectra themselves."""

import numpy as np
import torch

from training.losses import present_loss, share_loss, squared_error
from training.mixing import mix_statistics, read_at_speed
from vqss_engine.config import ModelConfig

EDGES = np.array(ModelConfig().mask_edges)


def random_complex(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def test_squared_error_equals_the_error_of_masked_spectra() -> None:
    rng = np.random.default_rng(1)
    stems, frames, bins, slots = 3, 4, 1025, 2
    spectra = random_complex(rng, stems, frames, bins)
    tone = rng.uniform(0.5, 2, (stems, bins)).astype(np.float32)
    turn = np.exp(1j * rng.uniform(-3, 3, (stems, bins))).astype(np.complex64)
    gains = rng.uniform(0, 1, (stems, 2)).astype(np.float32)
    owner = np.array([0, 1, 0])
    mask_bins = len(EDGES) - 1
    power, side = np.empty((2, frames, mask_bins), np.float32)
    cross, energy = np.empty((slots, frames, mask_bins), np.float32), np.empty(slots, np.float32)
    mix_statistics(spectra, tone, turn, gains, owner, EDGES, power, side, cross, energy)

    left = spectra * tone[:, None] * gains[:, 0, None, None]
    right = spectra * tone[:, None] * turn[:, None] * gains[:, 1, None, None]
    both = np.stack([left, right])  # (C, J, T, F)
    mix = both.sum(1)
    masks = rng.uniform(0, 1, (slots, frames, mask_bins)).astype(np.float32)
    wide = np.repeat(masks, np.diff(EDGES), axis=-1)
    expected = [
        0.5 * np.square(np.abs(both[:, owner == s].sum(1) - wide[s] * mix)).sum() for s in range(slots)
    ]
    found = squared_error(*(torch.from_numpy(a)[None] for a in (masks, power, cross, energy)))[0]
    assert np.allclose(found.numpy(), expected, rtol=1e-4)
    share = np.square(np.abs(mix[0] - mix[1])) / (2 * np.square(np.abs(mix)).sum(0))
    assert np.allclose(side[:, :192], share[:, :192], atol=1e-5)  # where a mask bin is one FFT bin


def test_sources_weigh_alike_whatever_their_level() -> None:
    energy = torch.tensor([[1.0, 1e-4]])
    equal = present_loss(0.1 * energy, energy, torch.ones(1, 2), 1e-3)
    assert torch.isclose(equal, torch.tensor(10 * np.log10(0.101), dtype=torch.float32))


def test_reading_at_double_speed_raises_an_octave() -> None:
    stem = (20000 * np.sin(2 * np.pi * 441 * np.arange(44100) / 44100)).astype(np.int16)
    out = np.empty(8820, np.float32)
    read_at_speed(stem, 10.0, 2.0, out)
    spectrum = np.abs(np.fft.rfft(out[100:8100] * np.hanning(8000)))
    assert abs(spectrum.argmax() * 44100 / 8000 - 882) < 6


def test_share_loss_is_least_at_the_true_shares() -> None:
    generator = torch.Generator().manual_seed(0)
    power = torch.rand(2, 3, 5, generator=generator) + 0.1
    true = torch.softmax(torch.randn(2, 4, 3, 5, generator=generator), dim=1)
    present = torch.ones(2, 4, dtype=torch.bool)
    best = share_loss(true.log(), power, true * power[:, None], present)
    for _ in range(20):
        other = torch.softmax(true.log() + 0.3 * torch.randn(2, 4, 3, 5, generator=generator), dim=1)
        assert share_loss(other.log(), power, true * power[:, None], present) > best
