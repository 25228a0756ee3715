"""A deepened bundle makes the masks of the one it comes from, and all of it can learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from streams import small_bundle

from training.export import mean_of
from training.growth import deepened
from vqss_engine.errors import UsageError
from vqss_engine.generator import Generator


def test_new_layers_change_no_mask_until_they_learn() -> None:
    bundle = small_bundle()
    deeper = deepened(bundle, bundle.config.layers + 2, seed=3)
    spectrum = torch.randn(1, 2, 12, bundle.config.bins, dtype=torch.complex64)
    before, after = Generator.of(bundle), Generator.of(deeper)
    assert torch.equal(before(spectrum), after(spectrum))
    after(spectrum)[:, 0].sum().backward()
    gradients = [after.layers[-1].time.out.weight.grad, after.layers[-1].channel.down.weight.grad]
    assert all(gradient is not None and gradient.abs().max() > 0 for gradient in gradients)


def test_the_same_seed_grows_the_same_layers() -> None:
    bundle = small_bundle()
    first, second, other = (deepened(bundle, 2, seed).weights["layers.1.time.into.weight"] for seed in (3, 3, 4))
    assert np.array_equal(first, second) and not np.array_equal(first, other)


def test_no_layer_is_taken_away() -> None:
    bundle = deepened(small_bundle(), 3, seed=1)
    assert deepened(bundle, 0, seed=1) is bundle
    with pytest.raises(UsageError, match=r"adapt\.layers is 2, but the bundle has 3"):
        deepened(bundle, 2, seed=1)


def test_only_bundles_of_the_same_sizes_and_codes_have_a_mean() -> None:
    bundle = small_bundle()
    assert np.array_equal(mean_of(bundle, bundle).weights["codes"], bundle.weights["codes"])
    for other in (deepened(bundle, bundle.config.layers + 1, seed=1), small_bundle(seed=1)):
        with pytest.raises(UsageError, match="other sizes or codes"):
            mean_of(bundle, other)
