"""`vqss live` from the command line, with no device at all."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from pythonosc.osc_message import OscMessage

from bridge.cli import main
from bridge.clock_device import ClockDevice
from bridge.hop_times import HopTimes
from bridge.live_source import SongPlayer
from bridge.live_stream import LiveStream
from bridge.osc_client import RemoteControl
from bridge.osc_sockets import free_port
from tests.live_runs import RATE, heard, song_file
from tests.osc_peers import message, wait_until
from tests.streams import small_bundle, small_engine

CLOCK = ["live", "--input", "none", "--output", "none"]
NO_DEVICE = [*CLOCK, "--osc", "none"]
STARTING_S = 100.0
"""On a bare and busy machine, which compiles the kernels first; another takes two seconds."""

LATENCIES = ("algorithmic", "inserts", "buffers", "device")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "small"
    small_bundle().save(path)
    return str(path)


def test_the_report_has_all_its_fields(
    song: np.ndarray, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, record = song_file(tmp_path, song[:, :RATE]), tmp_path / "take.wav"
    options = ["--model", model, "--source", str(path), "--record", str(record), "--seconds", "1", "--json"]
    assert main([*NO_DEVICE, *options, "--outputs", "multi"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {"seconds", "hops", "misses", "xruns", "fallbacks", "reconnects"} <= set(report)
    assert set(report["hop_ms"]) == {"p50", "p95", "p99", "max"}
    latency = report["latency_ms"]
    assert latency["total"] == pytest.approx(sum(latency[name] for name in LATENCIES), abs=0.01)
    assert latency["algorithmic"] == pytest.approx(512 / 44.1, abs=0.01)
    assert 0 < report["hops"] <= RATE // 256
    names = [record.name, *(f"take_cluster_{k:02d}.wav" for k in range(4))]
    assert sorted(path.name for path in tmp_path.glob("take*")) == sorted(names)
    assert not list(tmp_path.glob(".*"))


def test_a_song_below_the_music_folder_is_played(
    song: np.ndarray, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And not one of the same name in the folder itself."""
    album = tmp_path / "album"
    album.mkdir()
    path, other = song_file(album, song[:, :RATE]), song_file(tmp_path, np.zeros((2, RATE), np.float32))
    assert path.name == other.name
    options = ["--model", model, "--source", str(path), "--music", str(tmp_path), "--record", str(tmp_path / "t.wav")]
    assert main([*NO_DEVICE, *options, "--freewheel", "--seconds", "1"]) == 0
    assert np.abs(heard(tmp_path / "t.wav")).max() > 0.1
    assert "no file" not in capsys.readouterr().err


def onset(audio: np.ndarray) -> int:
    """The first frame in which something sounds."""
    return int(np.argmax(np.abs(audio).max(axis=0) > 1e-4))


def test_a_mixdown_ends_with_its_song(song: np.ndarray, tmp_path: Path, model: str) -> None:
    """And holds all of it, delayed as live sound is."""
    path, record = song_file(tmp_path, song[:, :RATE]), tmp_path / "mixdown.wav"
    assert main([*NO_DEVICE, "--model", model, "--source", str(path), "--record", str(record), "--freewheel"]) == 0
    written = heard(record)
    first = onset(written) - onset(song)
    assert written.shape[1] == 2 * RATE and 0 < first < 1024
    assert np.abs(written[:, first : first + RATE] - song[:, :RATE]).max() < 1e-5
    assert np.abs(written[:, first + RATE + 512 :]).max() < 1e-5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_with_the_report(model: str, number: signal.Signals) -> None:
    port = free_port()
    command = [sys.executable, "-m", "bridge", *CLOCK, f"--osc=127.0.0.1:{port}", "--model", model, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as live:
        assert live.stdout is not None
        try:
            wait_for_hops(port)
            live.send_signal(number)
            report = json.loads(live.stdout.read())
        except BaseException:
            live.kill()
            raise
    assert live.returncode == 0
    assert report["hops"] > 0


def test_who_is_answered_by_a_run_that_starts_can_stop_its_song(model: str) -> None:
    address = ("127.0.0.1", free_port())
    command = [sys.executable, "-m", "bridge", *CLOCK, f"--osc={address[0]}:{address[1]}", "--model", model]
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire,
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as live,
    ):
        wire.settimeout(0.01)
        wire.connect(address)
        answers: list[str] = []

        def ask() -> bool:
            with suppress(OSError):     # nobody there yet, or no answer yet
                for path in ("/vqss/transport/stop", "/vqss/ping"):
                    wire.send(message(path).dgram)
                while True:
                    answers.append(OscMessage(wire.recv(65535)).address)
            return "/vqss/pong" in answers

        try:
            wait_until(ask, STARTING_S)
        finally:
            live.kill()
    assert set(answers) == {"/vqss/pong"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_before_the_sound_begins_is_one_line(
    model: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    pipe = tmp_path / "preset.json"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "bridge", *NO_DEVICE, "--model", model, "--preset", str(pipe), "--json"]

    def listen() -> None:
        """As from a terminal: what runs in the background, this test perhaps, is born deaf to it."""
        signal.signal(number, signal.SIG_DFL)

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, preexec_fn=listen) as live:
        writer = os.open(pipe, os.O_WRONLY)  # once it reads the preset
        live.send_signal(number)
        out, err = live.communicate(timeout=STARTING_S)
        os.close(writer)
    assert live.returncode == code
    assert out == "" and err == "vqss: stopped; unfinished output was removed\n"


def test_a_child_ends_with_its_parents_pipe(model: str) -> None:
    command = [sys.executable, "-m", "bridge", *NO_DEVICE, "--model", model, "--json", "--end-with-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as live:
        assert live.stdin is not None and live.stdout is not None and live.stderr is not None
        assert live.stderr.readline()  # it runs
        live.stdin.close()
        report = json.loads(live.stdout.read())
        live.stderr.read()
    assert live.returncode == 0 and "hops" in report


def wait_for_hops(port: int) -> None:
    """Wait until spectra arrive: ten a second come of 17 hops each, which are more than those to warm up with."""
    remote = RemoteControl("127.0.0.1", port)
    remote.telemetry.spectra_per_s = 10.0
    remote.start()
    try:
        wait_until(lambda: remote.telemetry.spectra[1], STARTING_S)
    finally:
        remote.close()


def test_a_thousand_starts_leave_no_thread_behind() -> None:
    import threading

    engine = small_engine()
    engine.warm_up()
    before = threading.active_count()
    song = SongPlayer(engine.telemetry.report, lambda: None)
    for _ in range(1000):
        device = ClockDevice(RATE, 256, free=True, limit=256)
        stream = LiveStream(device, engine, HopTimes(), song)
        stream.start()
        stream.close()
    song.close()
    assert threading.active_count() <= before


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--blocksize", "7"], 2, "16 to 8192"),
        (["--samplerate", "8000"], 2, "32000 to 192000"),
        (["--source", "nowhere.wav"], 1, "no file 'nowhere.wav'"),
        (["--measure-latency"], 2, "joined by a cable"),
        (["--record", "take.mp4", "--seconds", "1"], 2, ".wav, .flac or .ogg"),
        (["--source", __file__, "--music", "/proc"], 2, "lies outside --music '/proc'"),
        (["--set", "/vqss/cluster/99/gain=0"], 2, "/vqss/cluster/99/gain"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    options: list[str], code: int, text: str, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*NO_DEVICE, "--model", model, *options]) == code
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1
