"""Several songs in one call, in worker processes: what becomes of errors there."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from bridge.bench_signal import bench_signal
from bridge.cli import main
from bridge.rack_file import RackError
from vqss_engine.control import ParameterError, UnknownAddress
from vqss_engine.errors import UsageError, VQSSError


@pytest.mark.parametrize(
    "error",
    [
        VQSSError("what; mend"), UsageError("what; mend"), RackError("main[0]", "is no plug-in"),
        ParameterError("/vqss/bypass", [1, "a"], "0 or 1"), UnknownAddress("/vqss/nothing"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_an_error_comes_whole_from_another_process(error: VQSSError) -> None:
    other = pickle.loads(pickle.dumps(error))
    assert (type(other), str(other), vars(other)) == (type(error), str(error), vars(error))


def test_a_rack_that_one_song_refuses_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, rate in (("high", 192_000), ("fine", 44_100)):
        soundfile.write(tmp_path / f"{name}.wav", bench_signal(0.3, rate).T, rate)
    chain = [{"plugin": "MP3Compressor", "vbr_quality": 5}]
    (tmp_path / "rack.json").write_text(json.dumps({"format": 1, "clusters": {"3": chain}}))
    songs = [str(tmp_path / "high.wav"), str(tmp_path / "fine.wav")]
    options = ["-o", str(tmp_path / "out"), "--rack", str(tmp_path / "rack.json"), "--jobs", "2", "--json"]
    assert main(["separate", *songs, *options]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [entry["song"] for entry in report["songs"]] == ["fine.wav"]
    assert [entry["song"] for entry in report["failed"]] == songs[:1]
    assert "rack entry clusters.3[0]" in report["failed"][0]["error"]


def test_of_two_runs_into_one_folder_the_second_replaces_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", bench_signal(0.3, 44_100).T, 44_100)
    command = [sys.executable, "-m", "bridge", "separate", str(tmp_path / "song.wav"), "-o", str(tmp_path / "out")]
    runs = [subprocess.Popen([*command, "--clusters", k], stderr=subprocess.PIPE, text=True) for k in ("2", "5")]
    said = [run.communicate(timeout=120)[1] for run in runs]
    first, second = sorted((0, 1), key=lambda number: runs[number].returncode)
    assert [runs[first].returncode, runs[second].returncode] == [0, 1]
    assert "pass --overwrite" in said[second]
    files = {path.name for path in (tmp_path / "out" / "song").iterdir()}
    assert len(files) == 2 and any(name.startswith(f"cluster_0{(2, 5)[first]}") for name in files)
