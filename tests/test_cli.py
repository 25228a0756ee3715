"""`vqss` from the outside: what it prints, where, with which exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.bench_signal import bench_signal
from bridge.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parent.parent
VQSS = [sys.executable, "-m", "bridge"]


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "Ein schönes Lied 歌.wav"
    path.parent.mkdir()
    soundfile.write(path, bench_signal(0.4, 44_100).T, 44_100, subtype="FLOAT")
    return path


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr, with nothing on stdout."""
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("vqss: ") and err.count("\n") == 1, (out, err)
    return err


def test_separate_prints_a_summary_of_what_it_wrote(
    song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["separate", str(song), "-o", str(tmp_path / "out"), "--mixdown", "--figure"]) == 0
    out, err = capsys.readouterr()
    assert err == ""  # no bar where stderr is no terminal
    folder = tmp_path / "out" / song.stem
    stems = sorted(path.name for path in folder.glob("cluster_*.wav"))
    assert stems and all(name in out for name in stems) and "× real time" in out
    assert {"manifest.json", "mixdown.wav", "spectrograms.png"} <= {path.name for path in folder.iterdir()}


def test_separate_json_is_one_object(song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["separate", str(song), "-o", str(tmp_path / "out"), "--json", "--clusters", "0,3"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["failed"] == [] and len(report["songs"]) == 1
    manifest = json.loads((tmp_path / "out" / song.stem / "manifest.json").read_text("utf-8"))
    assert report["songs"][0] == {"folder": str(tmp_path / "out" / song.stem), **manifest}


def test_without_o_output_goes_to_vqss_out(song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["separate", str(song), "--clusters", "1"]) == 0
    assert (tmp_path / "vqss-out" / song.stem / "cluster_01.wav").exists() or list(
        (tmp_path / "vqss-out" / song.stem).glob("cluster_01_*.wav")
    )
    assert [path.name for path in song.parent.iterdir()] == [song.name]


@pytest.mark.parametrize("name", ["bad.wav", "headless.raw", pytest.param("x" * 300, id="a name that is too long")])
def test_one_bad_song_does_not_stop_the_others(
    name: str, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / name
    if len(name) < 300:
        bad.write_text("not audio")
    assert main(["separate", str(bad), str(song), "-o", str(tmp_path / "out"), "--json"]) == 1
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert [entry["song"] for entry in report["songs"]] == [song.name]
    assert [entry["song"] for entry in report["failed"]] == [str(bad)]
    assert err.count("\n") == 1 and str(bad) in err


def test_jobs_give_the_same_stems_as_one_after_the_other(song: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.wav"
    soundfile.write(other, bench_signal(0.3, 44_100).T, 44_100, subtype="FLOAT")
    bad = tmp_path / "bad.wav"
    bad.write_text("not audio")
    for jobs, good in (("1", 0), ("2", 0)):
        out = str(tmp_path / jobs)
        assert main(["separate", str(song), str(other), "-o", out, "--jobs", jobs, "--clusters", "2"]) == good
    for folder in (song.stem, other.stem):
        (first,), (second,) = ((tmp_path / jobs / folder).glob("cluster_02*") for jobs in ("1", "2"))
        assert np.array_equal(soundfile.read(first)[0], soundfile.read(second)[0])
    assert main(["separate", str(bad), str(other), "-o", str(tmp_path / "3"), "--jobs", "2"]) == 1
    assert [path.name for path in (tmp_path / "3").iterdir()] == ["other"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "no command"), (["sepaarte"], "did you mean 'separate'"), (["--frobnicate"], "--frobnicate"),
        (["separate"], "SONG"), (["separate", "x", "--format", "aiff"], "aiff"),
        (["separate", "x", "--clusters", "drums"], "drums"), (["separate", "x", "--jobs", "0"], "'0'"),
        (["separate", "x", "-o", ""], "-o"), (["listen-page", "x", "-o", ""], "-o"),
        (["separate", "x", "--format", "ogg", "--subtype", "FLOAT"], "ogg cannot hold FLOAT"),
        (["separate", "x", "--latency", "zero"], "zero"), (["separate", "x", "--set", "gain"], "PATH=VALUE"),
        (["separate", "x", "--set", "/vqss/cluster/99/gain=0"], "/vqss/cluster/99/gain"),
        (["separate", "x", "--set", "cluster/1/gain=loud"], "loud"),
        (["separate", "x", "--set", "transport/position=30"], "/vqss/transport/position"),
        (["separate", "x", "--set", "source=y.wav"], "/vqss/source"),
        (["separate", "x", "--clusters", "99"], "cluster 99"),
        (["figure", "x"], "-o"), (["figure", "x", "-o", "picture.jpg"], ".png"), (["info", "--foo"], "--foo"),
        (["export", "x"], "--onnx"), (["evaluate"], "DIR"),
        (["export", "x", "--onnx", "model.txt"], ".onnx"), (["evaluate", "x", "--figure", "histogram.jpg"], ".png"),
        (["bench", "--seconds", "-1"], "-1"), (["render"], "-o"), (["train"], "CONFIG"),
        (["render", "-o", "songs", "--seed", "-1"], "'-1' is not a whole number from 0 on"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line_and_exit_2(
    argv: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("x", np.zeros(10), 44_100, format="WAV")
    assert main(argv) == 2
    assert words in complaint(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_debug_adds_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(tmp_path / "nothing"), "--debug"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err and err.splitlines()[-1].startswith("vqss: ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert f"vqss {command}" in capsys.readouterr().out


def test_help_lists_every_command_and_version_prints_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(f"\n  {name}" in out for name in COMMANDS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("vqss ")


def test_info_describes_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["latency"]["default"]["samples"] <= 512 and facts["latency"]["low"]["samples"] <= 256
    assert [cluster["index"] for cluster in facts["clusters"]] == list(range(16))
    assert facts["provenance"] and facts["parameters"] > 10_000
    assert main(["info"]) == 0
    shown = capsys.readouterr().out
    assert facts["sha256"] in shown
    empty = [key.replace("_", " ") for key, value in facts["provenance"].items() if not value]
    assert empty and not any(line.startswith(key) for line in shown.splitlines() for key in empty)


def test_devices_are_listed_or_the_want_of_portaudio_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["devices", "--json"])
    if code == 0:
        assert isinstance(json.loads(capsys.readouterr().out)["devices"], list)
    else:
        assert code == 1 and "PortAudio" in complaint(capsys)


def test_figure_draws_a_picture(song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "picture.png"
    assert main(["figure", str(song), "-o", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(["figure", str(song), "-o", str(picture)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "picture.png"]


def test_a_reader_that_goes_away_causes_no_traceback() -> None:
    child = subprocess.Popen([*VQSS, "info", "--json"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout and child.stderr
    child.stdout.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    child.wait(60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_behind_the_output_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        child = subprocess.run([*VQSS, "info", "--json"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert child.returncode == 1 and child.stderr.count(b"\n") == 1 and b"free some space" in child.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no file names that are not text")
def test_names_that_are_no_text(song: Path, tmp_path: Path) -> None:
    odd = os.path.join(os.fsencode(tmp_path), b"line\nbreak \xff.wav")
    os.rename(song, odd)
    command = [*map(os.fsencode, VQSS), b"separate", odd, b"-o", os.fsencode(tmp_path / "out"), b"--figure", b"--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert json.loads(run.stdout)["songs"][0]["song"] == "line\nbreak \ufffd.wav"
    assert (tmp_path / "out" / os.fsdecode(b"line\nbreak \xff") / "spectrograms.png").exists()
    again = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert again.returncode == 1 and again.stderr.count(b"\n") == 1


def test_export_replaces_nothing_but_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "music").mkdir()
    song = tmp_path / "music" / "song.onnx"
    song.write_text("precious")
    for options in (["-o", str(tmp_path / "music"), "--overwrite"], ["--onnx", str(song)]):
        assert main(["export", "x", *options]) == 1
        assert "exists" in complaint(capsys)
    assert song.read_text() == "precious"


def test_export_never_replaces_a_training_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "mine"
    run.mkdir()
    for name in ("config.json", "checkpoint.pt"):
        (run / name).write_text("{}")
    assert main(["export", str(run / "checkpoint.pt"), "-o", str(run), "--overwrite"]) == 1
    assert "something else" in complaint(capsys)
    assert (run / "checkpoint.pt").exists()


@pytest.mark.parametrize(
    ("number", "code", "to", "jobs"),
    [
        (signal.SIGINT, 130, "process", "1"), (signal.SIGTERM, 143, "group", "1"), (signal.SIGHUP, 129, "process", "1"),
        (signal.SIGINT, 130, "group", "2"), (signal.SIGTERM, 143, "process", "2"), (signal.SIGTERM, 143, "group", "2"),
        (signal.SIGHUP, 129, "group", "2"),
    ],
)  # fmt: skip
def test_a_stopped_run_leaves_nothing_behind(number: int, code: int, to: str, jobs: str, tmp_path: Path) -> None:
    songs = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path in songs:
        soundfile.write(path, np.tile(bench_signal(4.0, 44_100).T, (60, 1)), 44_100)
    out = tmp_path / "deep" / "out"
    command = [*VQSS, "separate", *map(str, songs), "-o", str(out), "--jobs", jobs]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}

    def listen() -> None:
        """As from a terminal: what runs in the background or by nohup, this test perhaps, is born deaf to it."""
        signal.signal(number, signal.SIG_DFL)

    child = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, env=environment, preexec_fn=listen, start_new_session=True
    )
    assert child.stderr
    while child.poll() is None and len(list(out.glob(".*.partial-*/cluster_00*"))) < int(jobs):
        time.sleep(0.05)
    assert child.poll() is None, child.stderr.read()
    child.send_signal(number)
    if to == "group":  # too, as `timeout` does
        os.killpg(child.pid, number)
    err = child.stderr.read().decode()
    child.stderr.close()
    assert child.wait(60) == code
    assert number == signal.SIGHUP or "Traceback" not in err  # no terminal is there any more to show it
    assert not (tmp_path / "deep").exists()


def test_memory_does_not_grow_with_the_song(tmp_path: Path) -> None:
    peaks = []
    for seconds in (5, 35):
        song = tmp_path / f"{seconds}.wav"
        soundfile.write(song, np.tile(bench_signal(5.0, 44_100)[0], seconds // 5), 44_100)
        command = [*VQSS, "separate", str(song), "-o", str(tmp_path), "--json", "--format", "flac"]
        report = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
        peaks.append(report["songs"][0]["peak_rss_mb"])
    # Thirty more seconds of sixteen stems would be 85 MB.
    assert peaks[1] - peaks[0] < 20.0
