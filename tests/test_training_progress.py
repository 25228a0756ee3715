"""What TensorBoard shows of a run that was killed and goes on: every step once, the last that was told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training_songs import curves
from training.progress import Progress

KILLED, GOES_ON = {0: 1.0, 3: 2.0, 6: 3.0}, {3: 4.0, 6: 5.0}


def tell(run: Path, told: dict[int, float]) -> None:
    """What one process tells of the stage."""
    progress = Progress(run)
    progress.begin("partition", min(told))
    for step, snr_db in told.items():
        progress.tell("partition", step, 9, {"snr_db": snr_db})
    progress.close()


@pytest.mark.parametrize("later_s", [-3600, 0, 3600])
def test_what_is_told_last_is_shown_whenever_the_killed_run_was_told(later_s: int, tmp_path: Path) -> None:
    for told in (KILLED, KILLED, GOES_ON):
        for path in (tmp_path / "events" / "partition").glob("events*"):
            made_s = path.name.split(".")[3]  # in the same second the number of the process decides, here the highest
            path.rename(path.with_name(path.name.replace(f"{made_s}.", f"{int(made_s) + later_s}.~", 1)))
        tell(tmp_path, told)
    assert dict(curves(tmp_path)["partition/snr_db"]) == {0: 1.0} | GOES_ON
    assert len(curves(tmp_path)["partition/snr_db"]) == 3
