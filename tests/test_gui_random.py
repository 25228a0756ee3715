"""Random user actions leave no exception, and window and surface in agreement."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.gui_actions import play
from tests.gui_racks import rack_services
from tests.gui_windows import window_on
from tests.streams import small_engine


@pytest.mark.parametrize("seed", [1, 2])
def test_random_actions_leave_window_and_surface_in_agreement(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: failures.append(error))
    engine = small_engine()
    surface = engine.surface
    host, services = rack_services(engine, tmp_path)
    with window_on(surface, tmp_path, services) as window:
        changed = play(window, surface, 600, seed, host.poll)
    assert not failures
    assert len(changed) > 18        # the actions did reach the mixer
    assert not surface.telemetry.snapshot().errors
