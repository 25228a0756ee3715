"""Fuses what lies between the products of the trunk, where the time goes, into kernels made for this machine."""

from __future__ import annotations

import logging

import torch

from vqss_engine.generator import Generator

log = logging.getLogger(__name__)


def fuse(generator: Generator, device: torch.device) -> None:
    """Compile the layers, in place, where this machine has what that needs; else say so.

    On a graphics card also what comes before and after them, where the host would else be slower than the card.
    """
    if not _can_compile(device):
        return
    for layer in generator.layers:
        layer.forward = torch.compile(layer.forward, dynamic=False)
    if device.type == "cuda":
        generator.embed = torch.compile(generator.embed, dynamic=False)  # type: ignore[method-assign]
        generator.head.forward = torch.compile(generator.head.forward, dynamic=False)  # type: ignore[method-assign]


def _can_compile(device: torch.device) -> bool:
    """Whether torch finds a compiler; tried, for which of them it takes, and with what, is its own affair."""
    try:
        torch.compile(lambda x: x.square() + 1.0)(torch.zeros(2, device=device))
    except Exception as error:  # of many kinds
        log.warning(
            "steps take longer: torch cannot compile here (%s); install a C++ compiler and Python's headers"
            " (g++, python3-dev), or set compile=false",
            str(error).strip().partition("\n")[0] or type(error).__name__,
        )
        return False
    return True
