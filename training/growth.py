"""A deeper model that begins as the one it comes from: new layers after the old ones add nothing yet."""

from __future__ import annotations

from dataclasses import replace

import torch

from vqss_engine.bundle import ModelBundle, Weights
from vqss_engine.errors import UsageError
from vqss_engine.generator import Generator

_LAST_OF_A_PART = ("time.out", "band.down", "channel.down")
"""Each part of a layer adds to its input what this product makes: nothing, as long as it is zero."""


def deepened(bundle: ModelBundle, layers: int, seed: int) -> ModelBundle:
    """The same model with `layers` layers (0: as many as it has), whose masks are the same until it is trained.

    Raises UsageError where the bundle has more than that.
    """
    if layers in (0, bundle.config.layers):
        return bundle
    if layers < bundle.config.layers:
        raise UsageError(f"adapt.layers is {layers}, but the bundle has {bundle.config.layers} layers; set no fewer")
    config = replace(bundle.config, layers=layers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = Generator(config).state_dict()
    weights: Weights = {}
    for name, value in fresh.items():
        if name in bundle.weights:
            weights[name] = bundle.weights[name]
        else:
            weights[name] = value.zero_().numpy() if any(part in name for part in _LAST_OF_A_PART) else value.numpy()
    return replace(bundle, config=config, weights=weights)
