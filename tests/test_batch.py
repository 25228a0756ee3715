"""Several songs in one call, in worker processes: what becomes of errors there."""

from __future__ import annotations

import json
import pickle
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
