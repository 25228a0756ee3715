"""A rack on files: its effects are in the stems and the mixdown, in step with the song."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.cli import main
from bridge.files import FileJob, Separation, separate_file
from bridge.rack_file import parse_rack
from tests.streams import small_bundle, worst_dbfs
from tests.test_pedalboard_separator import music
from vqss_engine.errors import UsageError, VQSSError

BUNDLE = small_bundle()
IDENTITY = [{"plugin": "Gain", "gain_db": 0.0}, {"plugin": "BrickwallLimiter", "ceiling_db": 0.0}]


def separated(folder: Path, rack: dict[str, object] | None, audio: np.ndarray, rate: int, **job: object) -> Separation:
    soundfile.write(folder / "song.wav", audio.T, rate, subtype="FLOAT")
    settings = FileJob(clusters="all", mixdown=True, rack=None if rack is None else parse_rack(rack), **job)  # type: ignore[arg-type]
    return separate_file(folder / "song.wav", folder / "out", BUNDLE, settings)


def read(done: Separation, name: str) -> np.ndarray:
    return soundfile.read(done.folder / name, dtype="float32", always_2d=True)[0].T


@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize("shape", [(2, 30000), (1, 700), (1, 1)])
def test_an_identity_rack_changes_no_file(tmp_path: Path, shape: tuple[int, int], rate: int) -> None:
    clusters = {"0": IDENTITY, "2": IDENTITY[:1], "3": IDENTITY * 2}
    audio = music(*shape)
    done = separated(tmp_path, {"format": 1, "clusters": clusters, "main": IDENTITY}, audio, rate)
    stems = [read(done, cluster["file"]) for cluster in done.manifest["clusters"]]
    assert worst_dbfs(np.sum(stems, axis=0) - audio) < -100 and stems[0].shape == audio.shape
    assert worst_dbfs(read(done, "mixdown.wav") - audio) < -100
    assert done.manifest["effects"][1] == {
        "entry": "clusters.0[1]", "plugin": "BrickwallLimiter", "latency_samples": int(0.005 * rate)
    }  # fmt: skip


def test_effects_are_in_their_stem_and_in_the_mixdown(tmp_path: Path) -> None:
    audio = music(2, 20000)
    rack = {"format": 1, "clusters": {"1": [{"plugin": "Gain", "gain_db": -6.0}]}, "main": [{"plugin": "Invert"}]}
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    done = separated(tmp_path / "with", rack, audio, 44100, settings=(("/vqss/cluster/1/fx/0/gain_db", "-20"),))
    plain = separated(tmp_path / "without", None, audio, 44100)
    assert worst_dbfs(read(done, "cluster_01.wav") - 0.1 * read(plain, "cluster_01.wav")) < -100
    assert worst_dbfs(read(done, "cluster_02.wav") - read(plain, "cluster_02.wav")) < -100
    stems = [read(done, f"cluster_0{k}.wav") for k in range(4)]
    assert worst_dbfs(read(done, "mixdown.wav") + np.sum(stems, axis=0)) < -100


def test_a_bypassed_chain_and_a_wrong_setting(tmp_path: Path) -> None:
    audio, rack = music(2, 9000), {"format": 1, "main": [{"plugin": "Invert"}]}
    done = separated(tmp_path, rack, audio, 44100, settings=(("/vqss/main/fx/bypass", "on"),))
    assert worst_dbfs(read(done, "mixdown.wav") - audio) < -100
    with pytest.raises(UsageError, match="fx/1/x"):
        separated(tmp_path, rack, audio, 44100, settings=(("/vqss/main/fx/1/x", "1"),), overwrite=True)


def test_a_rack_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    rack = {"format": 1, "clusters": {"4": [{"plugin": "Gain"}]}}
    with pytest.raises(VQSSError, match=r"clusters\.4\[0\]"):
        separated(tmp_path, rack, music(2, 900), 44100)
    assert not (tmp_path / "out").exists()


def test_the_command_names_the_entry_before_any_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rack = tmp_path / "rack.json"
    rack.write_text(json.dumps({"format": 1, "main": [{"plugin": "Gain"}, {"plugin": "Reverbb"}]}))
    assert main(["separate", "absent.wav", "-o", str(tmp_path / "out"), "--rack", str(rack)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("vqss: ") and "main[1]" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
