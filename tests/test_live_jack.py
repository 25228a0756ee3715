"""`vqss live` in a JACK graph: named ports, exact sound while freewheeling, a server that dies and comes back."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest

from bridge.files import FileJob, separate_file
from tests.jack_server import JackServer, LiveProcess, tape
from tests.live_runs import heard, song_file
from tests.streams import largest_step, small_bundle, worst_dbfs
from vqss_engine.bundle import ModelBundle

pytestmark = [pytest.mark.jack, pytest.mark.timeout(400)]

HOP, PHASES = 256, 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelBundle, Path]:
    path = tmp_path_factory.mktemp("model") / "small"
    bundle = small_bundle()
    bundle.save(path)
    return bundle, path


def separated(signal_: np.ndarray, bundle: ModelBundle, folder: Path) -> np.ndarray:
    """(K, C, N) as `vqss separate` writes them."""
    folder.mkdir()
    separate_file(song_file(folder, signal_), folder / "stems", bundle, FileJob(clusters="all"))
    return np.stack([heard(path) for path in sorted((folder / "stems").glob("cluster_*.wav"))])


def test_all_ports_carry_what_separate_writes(
    song: np.ndarray, tmp_path: Path, model: tuple[ModelBundle, Path]
) -> None:
    bundle, path = model
    # A second of silence first: the model's memory of what was before is then the same, live and on disk.
    part = np.pad(song[:, :44032] * np.float32(0.5), ((0, 0), (44032, 4096)))
    clusters = [f"vqss:cluster_{k:02d}_{side}" for k in range(bundle.config.clusters) for side in "LR"]
    with JackServer() as server, LiveProcess(server, "--model", str(path), "--outputs", "multi") as live:
        live.wait_for("running")
        found = tape(server, tmp_path, part, ["vqss:in_L", "vqss:in_R"], ["vqss:main_L", "vqss:main_R", *clusters])
        code, out = live.end()
    assert code == 0
    report = json.loads(out)
    latency = round((report["latency_ms"]["total"] - report["latency_ms"]["device"]) * 44.1)
    main, tracks, played = found[:2], found[2:-2].reshape(-1, 2, found.shape[1]), found[-2:]
    frames = part.shape[1] - latency - int(np.flatnonzero(played[0])[0]) + int(np.flatnonzero(part[0])[0])
    given, main, tracks = played[:, :frames], main[:, latency:][:, :frames], tracks[:, :, latency:][:, :, :frames]
    assert worst_dbfs(main - given) < -100.0
    assert worst_dbfs(tracks.sum(axis=0) - given) < -100.0
    # The model takes turns with several memories; which is first depends on when the song began.
    differences = []
    for phase in range(PHASES):
        late = np.pad(given, ((0, 0), (phase * HOP, 0)))
        stems = separated(late, bundle, tmp_path / f"phase{phase}")[:, :, phase * HOP :]
        differences.append(float(np.abs(stems - tracks).max()))
    assert min(differences) < 1e-5, differences


def test_one_run_survives_all_that_a_server_does(tmp_path: Path, model: tuple[ModelBundle, Path]) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 100 * np.arange(60 * 44100) / 44100)
    sine = np.tile(tone, (2, 1)).astype(np.float32)
    record = tmp_path / "take.wav"
    arguments = ("--model", str(model[1]), "--source", str(song_file(tmp_path, sine)), "--record", str(record))
    with JackServer() as server, LiveProcess(server, *arguments) as live:

        def comes_back(text: str, said: int) -> int:
            return live.wait_for("load", live.wait_for("connected to", live.wait_for(text, said)))

        said = live.wait_for("load", live.wait_for("running"))
        server.tool("jack_bufsize", "512")
        said = live.wait_for("load", live.wait_for("blocks of 512", said))
        server.signal(signal.SIGSTOP)       # a computer falls asleep
        said = live.wait_for("device lost", live.wait_for("was lost", said))
        server.signal(signal.SIGCONT)
        said = comes_back("blocks of 512", said)
        server.kill()
        said = live.wait_for("no JACK server", live.wait_for("was lost", said))
        server.block = 128
        server.start()
        said = comes_back("blocks of 128", said)
        server.end()
        said = live.wait_for("was lost", said)
        server.rate_hz = 48_000
        server.start()
        comes_back("at 48000 Hz", said)
        code, out = live.end(signal.SIGTERM)
    report = json.loads(out)
    assert (report["sample_rate"], report["block"]) == (48_000, 128)
    assert code == 1        # the run goes on at another rate, and the recording is not all of it
    assert report["reconnects"] >= 4
    assert "the recording ends here" in "".join(live.lines)
    take = heard(record)
    assert take.shape[1] > 44100
    assert largest_step(take) < 1.02 * largest_step(sine)


def test_a_server_may_change_its_block_again_and_again_under_many_ports() -> None:
    """As many as the shipped model has with `multi`, and what others have connected to them stays connected."""
    with JackServer(outputs=40) as server, LiveProcess(server, "--outputs", "multi") as live:
        said = live.wait_for("load", live.wait_for("running"))
        server.connect("vqss:cluster_03_L", "system:playback_40")
        for block in (512, 256, 512, 256):
            server.tool("jack_bufsize", str(block))
            said = live.wait_for("load", live.wait_for(f"blocks of {block}", said))
        assert "system:playback_40" in server.tool("jack_lsp", "-c", "vqss:cluster_03_L")
        code, out = live.end()
    assert code == 0 and json.loads(out)["reconnects"] == 4


def test_a_client_that_leaves_with_many_ports_does_not_jam_the_server() -> None:
    with JackServer(outputs=40) as server:
        for _ in range(4):
            with LiveProcess(server, "--outputs", "multi") as live:
                live.wait_for("load", live.wait_for("running"))
                code, _ = live.end()
            ports = server.tool("jack_lsp")
            assert code == 0 and "system:playback_40" in ports and "vqss:" not in ports


def test_a_server_killed_under_portaudio_is_left_and_found_again(model: tuple[ModelBundle, Path]) -> None:
    with JackServer() as server:
        server.with_portaudio()
        arguments = ("--input", "system", "--output", "system", "--model", str(model[1]))
        with LiveProcess(server, *arguments) as live:
            said = live.wait_for("running")
            server.kill()
            said = live.wait_for("was lost", said)
            live.wait_for("device lost", said)
            server.block = 512
            server.start()
            said = live.wait_for("connected to", said)
            live.wait_for("running", said)
            code, out = live.end(signal.SIGTERM)
    assert code == 0
    report = json.loads(out)
    assert report["reconnects"] >= 1
    assert report["block"] == 512


@pytest.mark.parametrize("fault", ["dead", "asleep"])
def test_a_run_can_end_while_the_server_does_not_answer(fault: str, model: tuple[ModelBundle, Path]) -> None:
    with JackServer() as server, LiveProcess(server, "--model", str(model[1])) as live:
        said = live.wait_for("running")
        if fault == "dead":
            server.kill()
        else:
            server.signal(signal.SIGSTOP)
        live.wait_for("was lost", said)
        code, out = live.end()
        if fault == "asleep":
            server.signal(signal.SIGCONT)
        assert code == 0
        assert json.loads(out)["device"] == "JACK"


def refused(server: JackServer, *arguments: str) -> str:
    """What a run says that cannot begin."""
    with LiveProcess(server, *arguments) as live:
        code, out = live.result()
    assert code == 1 and not out
    return "".join(live.lines)


def test_what_does_not_fit_is_refused_in_one_line(model: tuple[ModelBundle, Path]) -> None:
    bundle = ("--model", str(model[1]))
    with JackServer() as server:
        assert "44100 Hz, not 48000" in refused(server, *bundle, "--input", "jack", "--samplerate", "48000")
        assert "blocks are 256" in refused(server, *bundle, "--input", "jack", "--blocksize", "64")
    assert "no JACK server is running" in refused(server, *bundle, "--output", "jack")


def test_what_portaudio_does_not_have_is_refused_in_one_line(model: tuple[ModelBundle, Path]) -> None:
    bundle = ("--model", str(model[1]))
    with JackServer() as server:
        server.with_portaudio()
        few = refused(server, *bundle, "--input", "system", "--output", "system", "--outputs", "multi")
        assert "has 2 output channels, and 10 are needed" in few
        assert "no output device 'nowhere'" in refused(server, *bundle, "--output", "nowhere")


@pytest.mark.parametrize(
    ("device", "rate_hz", "block", "cable"),
    [("jack", 96_000, 1024, ("vqss:main_L", "vqss:in_L")), ("system", 44_100, 256, ("vqss:out_0", "vqss:in_0"))],
    ids=["jack", "portaudio"],
)
def test_the_latency_declared_is_the_one_measured(
    device: str, rate_hz: int, block: int, cable: tuple[str, str], model: tuple[ModelBundle, Path]
) -> None:
    with JackServer(rate_hz=rate_hz, block=block) as server:
        if device == "system":
            server.with_portaudio()
        arguments = ("--input", device, "--output", device, "--model", str(model[1]), "--measure-latency")
        with LiveProcess(server, *arguments) as live:
            live.wait_for("sending a test sound")
            server.connect(*cable)
            code, out = live.result()
    assert code == 0, live.lines
    report = json.loads(out)
    assert abs(report["difference_ms"]) <= report["block_ms"] + 0.001
