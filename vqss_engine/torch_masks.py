"""Masks by the torch generator on another device than the processor. Loads torch only when it is asked for.

What a file gains from it is the network's share alone: spectra and inverse transforms stay with the processor.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.errors import VQSSError
from vqss_engine.mask_turns import MaskTurns, hold_masks

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]

DEVICES = ("cpu", "cuda", "mps")


def check_device(device: str) -> str:
    """What `device` is called on this machine; raises VQSSError where torch is not there or cannot use it."""
    try:
        import torch
    except (ImportError, OSError) as error:
        raise VQSSError(f"--device {device} needs torch ({error}); install it, or leave --device out") from error
    present = torch.backends.mps.is_available() if device == "mps" else torch.cuda.is_available()
    if device not in DEVICES or (device != "cpu" and not present):
        raise VQSSError(f"torch finds no {device} device on this machine; leave --device out to use the processor")
    return f"{device} ({torch.cuda.get_device_name()})" if device == "cuda" else device


class TorchMasks:
    """Fills masks as `runtime.Runtime` does, to rounding; see `offline.MaskModel`.

    device: cuda, mps or cpu. Raises VQSSError where there is none, or the stream does not divide the trained hop.
    """

    def __init__(self, bundle: ModelBundle, stream: StreamConfig, device: str) -> None:
        self.name = check_device(device)
        import torch

        from vqss_engine.generator import Generator

        self._turns = MaskTurns(bundle.config, stream.hop, stream.mask_hops)
        self._torch: Any = torch
        self._device = torch.device(device)
        self._generator = Generator.of(bundle).to(self._device)
        self._held: Floats = np.zeros((bundle.config.clusters, bundle.config.mask_bins), np.float32)
        self.reset()

    def tasks(self, spectra: Complexes, masks: Floats, threads: int) -> list[Callable[[], None]]:
        """One call that fills masks (T, K, M) from the next frames (T, C, F)."""
        return [partial(self._run, spectra, masks)]

    def _run(self, spectra: Complexes, masks: Floats) -> None:
        start, runs, phase = self._turns.take(len(spectra))
        phases, hops = self._turns.phases, self._turns.mask_hops
        masks[:start] = self._held
        with self._torch.inference_mode():
            for turn in range(min(phases, runs)):
                part = slice(start + turn * hops, None, phases * hops)
                masks[part] = self._next((phase + turn) % phases, spectra[part])
        hold_masks(masks, start, hops, hops)
        self._held[:] = masks[-1]

    def _next(self, phase: int, spectra: Complexes) -> Floats:
        """Masks (T, K, M) of the next frames (T, C, F) of one phase."""
        torch, generator = self._torch, self._generator
        whole = torch.from_numpy(np.ascontiguousarray(spectra.transpose(1, 0, 2)))[None]
        power, side = (part.to(self._device) for part in generator.statistics(whole))
        logits, self._states[phase] = generator.logits(power, side, generator.codes, self._states[phase])
        filled: Floats = torch.softmax(logits[0], dim=-1).transpose(1, 2).cpu().numpy()
        return filled

    def reset(self) -> None:
        """Forget everything heard."""
        self._turns.reset()
        self._states = [self._generator.initial_state(1) for _ in range(self._turns.phases)]
