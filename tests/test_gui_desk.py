"""The desk makes a new window where the engine comes back with another number of clusters; the old one goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6 import sip

from bridge.osc_client import RemoteControl
from bridge.osc_server import OscServer
from gui.app import Desk
from gui.services import Services
from tests.gui_windows import PATIENCE_S, application, settle, wait_until
from tests.osc_peers import serve
from vqss_engine.control import ControlSurface


def test_an_engine_with_more_clusters_gets_a_window_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    application()
    with serve(ControlSurface(3)) as server:
        remote = RemoteControl("127.0.0.1", server.port)
        remote.connect(PATIENCE_S)
        desk = Desk(remote, Services())
        old = desk.window
        old.show()
    try:
        surface = ControlSurface(5)
        with OscServer(surface, port=server.port):
            wait_until(lambda: desk.window is not old)
            settle()
            wait_until(lambda: sip.isdeleted(old))
            assert len(desk.window.row.strips) == 5 and desk.window.isVisible()
            surface.set("/vqss/cluster/4/gain", -6.0)
            wait_until(lambda: desk.window.row.strips[4].fader.current == -6.0)
    finally:
        remote.close()
        desk.window.close()
        desk.window.deleteLater()
        settle()
