"""Two thousand random user actions leave no exception, and window and surface in agreement."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.gui_actions import play
from tests.gui_windows import window_on
from vqss_engine.control import ControlSurface


@pytest.mark.parametrize("seed", [1, 2])
def test_random_actions_leave_window_and_surface_in_agreement(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: failures.append(error))
    surface = ControlSurface(6)
    with window_on(surface, tmp_path) as window:
        changed = play(window, surface, 1000, seed)
    assert not failures
    assert len(changed) > 25        # the actions did reach the mixer
    assert not surface.telemetry.snapshot().errors
