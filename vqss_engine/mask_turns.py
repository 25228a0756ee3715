"""Which frames of a stream the network runs on, and in which of its recurrent states; its masks serve in between."""

from __future__ import annotations

import numpy as np

from vqss_engine.compiled import njit
from vqss_engine.config import ModelConfig
from vqss_engine.errors import VQSSError


class MaskTurns:
    """Counts the frames of a stream with this hop: the network runs on every `mask_hops`-th, from the first one on.

    Where it runs more often than the model was trained to, it keeps `phases` recurrent states and uses them in turn.
    Raises VQSSError where the masks do not divide the trained hop.
    """

    def __init__(self, config: ModelConfig, stream_hop: int, mask_hops: int) -> None:
        self.phases, remainder = divmod(config.train_hop, stream_hop * mask_hops)
        if remainder or not self.phases:
            raise VQSSError(
                f"{mask_hops} hops of {stream_hop} do not divide the model's {config.train_hop};"
                " choose another --latency"
            )
        self.mask_hops = mask_hops
        self._phase = self._age = 0

    @property
    def held(self) -> int:
        """For how many more frames the last masks serve; 0 where the network runs on the next."""
        return -self._age % self.mask_hops

    def take(self, frames: int) -> tuple[int, int, int]:
        """Move on by so many frames; returns the first of them that the network runs on, how often it runs, and the
        phase of the first time."""
        first, phase = self.held, self._phase
        runs = len(range(first, frames, self.mask_hops))
        self._phase, self._age = (phase + runs) % self.phases, (self._age + frames) % self.mask_hops
        return first, runs, phase

    def reset(self) -> None:
        """Begin with the first frame again."""
        self._phase = self._age = 0


@njit(cache=True, nogil=True, error_model="numpy")
def hold_masks(masks: np.ndarray, first: int, step: int, hops: int) -> None:
    """Repeat the masks at `first`, `first + step`, ... for the hops, so many in all, that they serve."""
    for start in range(first, len(masks), step):
        for later in range(start + 1, min(start + hops, len(masks))):
            masks[later] = masks[start]
