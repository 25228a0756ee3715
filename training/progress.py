"""What a run says of itself while it learns: lines with rates and remaining time, and files that TensorBoard reads."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from vqss_engine.errors import VQSSError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)


class Progress:
    """Tells the steps it is given, those of a stage in a folder of their own: TensorBoard drops what a killed run told
    after its checkpoint by the number of the step, and every stage counts from 0.

    Raises VQSSError where TensorBoard's writer is missing.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise VQSSError("training needs tensorboard; install it with pip install 'vqss[training]'") from error
        self._open = SummaryWriter
        self._folder = folder / "events"
        self._writer: SummaryWriter | None = None

    def begin(self, name: str, step: int) -> None:
        """A stage begins, or goes on with this step; from there on rates are measured."""
        self.close()
        _let_come_first(self._folder / name)
        self._writer = self._open(str(self._folder / name), purge_step=step)
        self._clock, self._first = time.monotonic(), step

    def tell(self, name: str, step: int, steps: int, metrics: dict[str, float]) -> None:
        """Metrics of a step of so many, of the stage that has begun."""
        assert self._writer is not None
        for key, value in metrics.items():
            self._writer.add_scalar(f"{name}/{key}", value, step)
        rate = (step + 1 - self._first) / max(time.monotonic() - self._clock, 1e-9)
        shown = "  ".join(f"{key} {value:.2f}" for key, value in metrics.items())
        left_min = (steps - step - 1) / rate / 60
        log.info("%s %d/%d  %s  %.2f steps/s  %.0f min left", name, step, steps, shown, rate, left_min)

    def flush(self) -> None:
        """Write what was told to the disk."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """The same, as the last thing of a stage."""
        if self._writer is not None:
            self._writer.close()


def _let_come_first(folder: Path) -> None:
    """TensorBoard takes files in the order of their names, which begin with the second they were made in and go on with
    the number of the process: what a run told that was killed within this second, or by a clock that was ahead, would
    come after what is told from now on, and have it dropped.
    """
    told = [path.name for path in folder.glob("*tfevents*")]
    if told and max(told) > f"events.out.tfevents.{int(time.time()):010d}":
        for name in told:
            (folder / name).rename(folder / f"0.{name}")
