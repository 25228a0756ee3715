"""The Pd patch of docs/daw drives the server and hears from it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.osc_peers import serve, wait_until
from vqss_engine.control import ControlSurface

PATCH = Path(__file__).resolve().parent.parent / "docs" / "daw" / "vqss.pd"


@pytest.mark.skipif(not shutil.which("pd"), reason="Pd (puredata-core) is not installed")
def test_a_slider_in_pd_moves_a_fader_and_changes_come_back() -> None:
    surface = ControlSurface()
    with serve(surface) as server:
        send = f"vqss-connect connect 127.0.0.1 {server.port}; vqss-fader-3 0.5"
        command = ["pd", "-nogui", "-noaudio", "-stderr", "-send", send, str(PATCH)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as pd:
            assert pd.stderr
            wait_until(lambda: surface.get("/vqss/cluster/3/gain") == -12.0 and len(server.subscribers) == 1)
            surface.set("/vqss/cluster/4/mute", 1)
            while pd.stderr.readline().split() != ["vqss:", "vqss", "cluster", "4", "mute", "1"]:
                assert pd.poll() is None
            pd.terminate()
    assert not surface.levels().errors
