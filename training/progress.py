"""What a run says of itself while it learns: lines with rates and remaining time, and a file that TensorBoard reads."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from vqss_engine.errors import VQSSError

log = logging.getLogger(__name__)


class Progress:
    """Tells the steps it is given. Raises VQSSError where TensorBoard's writer is missing."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise VQSSError("training needs tensorboard; install it with pip install 'vqss[training]'") from error
        self._writer = SummaryWriter(str(folder / "events"))
        self.begin(0)

    def begin(self, step: int) -> None:
        """From this step on rates are measured."""
        self._clock, self._first = time.monotonic(), step

    def tell(self, name: str, step: int, steps: int, metrics: dict[str, float]) -> None:
        """Metrics of a step of so many."""
        for key, value in metrics.items():
            self._writer.add_scalar(f"{name}/{key}", value, step)
        rate = (step + 1 - self._first) / max(time.monotonic() - self._clock, 1e-9)
        shown = "  ".join(f"{key} {value:.2f}" for key, value in metrics.items())
        left_min = (steps - step - 1) / rate / 60
        log.info("%s %d/%d  %s  %.2f steps/s  %.0f min left", name, step, steps, shown, rate, left_min)

    def flush(self) -> None:
        """Write what was told to the disk."""
        self._writer.flush()
