"""The network: one frame at a time equals the whole signal, masks partition, stereo is treated as stereo."""

import numpy as np
import pytest
import torch

from vqss_engine.bundle import ModelBundle
from vqss_engine.config import ModelConfig
from vqss_engine.generator import Generator
from vqss_engine.runtime import Runtime

FRAMES = 9
ODD = ModelConfig(
    clusters=5, width=20, layers=2, recurrent_width=23, band_hidden=17, channel_hidden=33, head_width=19
)  # fmt: skip


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return ModelBundle.random(seed=3)


@pytest.fixture(scope="module")
def generator(bundle: ModelBundle) -> Generator:
    return Generator.of(bundle)


def spectrum(channels: int, seed: int = 0, gain: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (channels, FRAMES, 1025)
    tilt = 1 / (1 + np.arange(1025) / 40)
    return (gain * tilt * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))).astype(np.complex64)


def masks_of(generator: Generator, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return generator(torch.from_numpy(x)[None])[0].numpy()


@pytest.mark.parametrize("channels", [1, 2])
def test_masks_sum_to_one(generator: Generator, channels: int) -> None:
    masks = masks_of(generator, spectrum(channels))
    assert masks.min() >= 0
    assert np.abs(masks.sum(0) - 1).max() < 1e-6


@pytest.mark.parametrize("channels", [1, 2])
def test_step_equals_forward(generator: Generator, channels: int) -> None:
    x = spectrum(channels)
    state, stepped = generator.initial_state(1), []
    for t in range(FRAMES):
        masks, state = generator.step(torch.from_numpy(x[None, :, t]), state)
        stepped.append(masks[0].numpy())
    assert np.abs(np.stack(stepped, axis=1) - masks_of(generator, x)).max() < 1e-5


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("config", [None, ODD], ids=["default", "odd sizes"])
def test_compiled_runtime_equals_torch(config: ModelConfig | None, channels: int) -> None:
    bundle = ModelBundle.random(config, seed=3)
    generator, x = Generator.of(bundle), spectrum(channels)
    runtime = Runtime(bundle, bundle.config.train_hop)
    stepped = np.stack([runtime.step(np.ascontiguousarray(x[:, t])).copy() for t in range(FRAMES)], axis=1)
    assert np.abs(stepped - masks_of(generator, x)).max() < 1e-5


def test_a_smaller_hop_uses_one_state_a_phase(bundle: ModelBundle) -> None:
    phases = 4
    frames = spectrum(2)
    whole, interleaved = Runtime(bundle, bundle.config.train_hop), Runtime(bundle, bundle.config.train_hop // phases)
    for t in range(FRAMES):
        frame = np.ascontiguousarray(frames[:, t])
        expected = whole.step(frame)
        for _ in range(phases):
            assert np.array_equal(interleaved.step(frame), expected)


def test_masks_serve_the_hops_until_the_network_runs_again(bundle: ModelBundle) -> None:
    frames = spectrum(2)
    every, held = Runtime(bundle, 512), Runtime(bundle, 256, mask_hops=2)
    for t in range(FRAMES):
        frame = np.ascontiguousarray(frames[:, t])
        if t % 2 == 0:
            expected = every.step(frame).copy()
        assert np.array_equal(held.step(frame), expected)


def test_swapped_channels_give_the_same_masks(generator: Generator) -> None:
    x = spectrum(2)
    assert np.abs(masks_of(generator, x) - masks_of(generator, x[::-1].copy())).max() < 1e-6


def test_mono_equals_the_same_signal_on_both_channels(generator: Generator) -> None:
    mono = spectrum(1)
    assert np.abs(masks_of(generator, mono) - masks_of(generator, np.repeat(mono, 2, axis=0))).max() < 1e-6


def test_panning_is_heard(generator: Generator) -> None:
    centred = np.repeat(spectrum(1), 2, axis=0)
    wide = centred * np.array([[[1.0]], [[-1.0]]], np.complex64)
    assert np.abs(masks_of(generator, centred) - masks_of(generator, wide)).max() > 1e-3


@pytest.mark.parametrize("gain", [0.01, 100.0])
def test_loudness_does_not_matter(generator: Generator, gain: float) -> None:
    assert np.abs(masks_of(generator, spectrum(2)) - masks_of(generator, spectrum(2, gain=gain))).max() < 1e-3


def test_silence_gives_finite_masks(bundle: ModelBundle) -> None:
    masks = Runtime(bundle, 256).step(np.zeros((2, 1025), np.complex64))
    assert np.isfinite(masks).all()
    assert np.abs(masks.sum(0) - 1).max() < 1e-6


def test_the_future_is_not_used(generator: Generator) -> None:
    x = spectrum(2)
    changed = x.copy()
    changed[:, 5:] *= 3
    assert np.array_equal(masks_of(generator, x)[:, :5], masks_of(generator, changed)[:, :5])
