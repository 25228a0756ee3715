"""ALSA writes nothing on stderr once a stream through PortAudio was opened."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NULL_CARD = 'pcm.!default { type plug slave { pcm "null" rate 48000 } }\n'
SCRIPT = """
import ctypes, sys
from bridge.audio_host import PortAudioDevice
from bridge.exchange import Exchange

if sys.argv[1] == "stream":
    device = PortAudioDevice("default", "default", 2, 48000, 256)
    device.start(Exchange(2, 2, 48000))
    device.close()
assert ctypes.CDLL("libasound.so.2").snd_pcm_open(ctypes.byref(ctypes.c_void_p()), b"no_such_card", 0, 0) < 0
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is Linux's")
def test_alsa_is_silent_once_a_stream_was_opened(tmp_path: Path) -> None:
    try:
        ctypes.CDLL("libasound.so.2")
    except OSError as error:
        pytest.skip(str(error))
    (tmp_path / ".asoundrc").write_text(NULL_CARD)

    def said(how: str) -> str:
        run = subprocess.run([sys.executable, "-c", SCRIPT, how], cwd=ROOT, env={**os.environ, "HOME": str(tmp_path)},
                             capture_output=True, text=True, timeout=60)  # fmt: skip
        assert run.returncode == 0, run.stderr
        return run.stderr

    assert "Unknown PCM no_such_card" in said("no stream")
    assert said("stream") == ""
