"""PortAudio without a sound card: ALSA's null and file plug-ins as devices, which run as fast as they are served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.streams import small_bundle

SYSTEM = Path("/usr/share/alsa/alsa.conf")
PLUGINS = """
<{system}>
pcm.vqss_in {{ type plug slave.pcm "null" hint {{ show on }} }}
pcm.vqss_out {{ type file file "{out}" format "raw" slave.pcm "null" hint {{ show on }} }}
"""

pytestmark = pytest.mark.skipif(not SYSTEM.exists(), reason="no ALSA here")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where ALSA has the two devices; skips where PortAudio does not come with ALSA."""
    path = tmp_path / "asound.conf"
    path.write_text(PLUGINS.format(system=SYSTEM, out=tmp_path / "out.raw"), "utf-8")
    found = {**os.environ, "ALSA_CONFIG_PATH": str(path), "JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": "nowhere"}
    if "vqss_out" not in vqss(found, "devices").stdout:
        pytest.skip("PortAudio does not list ALSA's plug-ins here")
    return found


def vqss(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bridge", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)


@pytest.mark.parametrize(
    ("options", "rate_hz", "block"),
    [
        (("--input", "vqss_in", "--output", "vqss_out", "--outputs", "multi", "--samplerate", "48000",
          "--blocksize", "100"), 48_000, 100),
        (("--input", "vqss_in", "--inputs", "1", "--output", "none"), 44_100, None),
    ],
    ids=["two devices", "input alone"],
)  # fmt: skip
def test_devices_run(
    options: tuple[str, ...], rate_hz: int, block: int | None, tmp_path: Path, environment: dict[str, str]
) -> None:
    small_bundle().save(tmp_path / "small")
    more = ("--model", str(tmp_path / "small"), "--osc", "none", "--seconds", "1", "--json")
    done = vqss(environment, "live", *options, *more)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["sample_rate"] == rate_hz and report["block"] == (block or report["block"]) > 0
    assert report["hops"] > 0 and report["reconnects"] == 0
    assert 0.0 < report["latency_ms"]["total"] < 1000.0
    if block:
        assert report["device"] == "vqss_out / vqss_in"
        assert (tmp_path / "out.raw").stat().st_size > 0
