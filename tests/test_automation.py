"""What moved in the mixer is written down, and replayed from the same samples on: twice the same, bit for bit."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.automation import Automation, Take, read_take, write_take
from bridge.cli import main
from bridge.live_session import LiveSession
from bridge.pedalboard_bridge import ClusterRack, RackHost
from tests.live_runs import RATE, heard, play, song_file
from tests.streams import noise, small_bundle, small_engine
from vqss_engine.control import Argument, ControlSurface, Parameter
from vqss_engine.errors import VQSSError

SECONDS = 2.0
GAIN, MUTE, RATIO = "/vqss/cluster/1/gain", "/vqss/cluster/2/mute", "/vqss/cluster/3/fx/0/ratio"
MOVES = {40: {GAIN: -30.0}, 41: {GAIN: -12.0, MUTE: 1}, 120: {RATIO: 20.0}, 200: {MUTE: 0, "/vqss/main/gain": -3.0}}


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return song_file(tmp_path_factory.mktemp("song"), noise(small_engine(), 400, level=0.3))


Moves = dict[int, dict[str, float]]


def run(song: Path, folder: Path, take: Path | None, target: Path | None, moves: Moves) -> np.ndarray:
    """What is heard while `moves` (chunk -> settings) are made by hand, `take` is replayed and `target` written."""
    folder.mkdir()
    engine = small_engine()
    RackHost(engine).install(ClusterRack.from_dict(
        {"format": 1, "clusters": {"3": [{"plugin": "Compressor", "threshold_db": -50}]}}
    ))  # fmt: skip
    automation = Automation(engine.surface, read_take(take) if take else None, target)
    automation.begin()
    chunks = iter(range(10**6))
    out = play(song, folder, SECONDS, engine=engine, automation=automation,
               before_chunk=lambda: engine.surface.set_many(moves.get(next(chunks), {})))[1][0]  # fmt: skip
    automation.close()
    assert engine.telemetry.error_count == 0
    return out


def test_a_performance_and_its_replays_are_the_same_bit_for_bit(song: Path, tmp_path: Path) -> None:
    performed = run(song, tmp_path / "performed", None, tmp_path / "take.json", MOVES)
    still = run(song, tmp_path / "still", None, None, {})
    assert np.abs(performed - still).max() > 0.01
    replays = [run(song, tmp_path / f"{n}", tmp_path / "take.json", None, {}) for n in range(2)]
    assert np.array_equal(replays[0], performed) and np.array_equal(replays[1], performed)


def test_what_is_written_can_be_read_and_written_over_a_replay(song: Path, tmp_path: Path) -> None:
    run(song, tmp_path / "first", None, tmp_path / "take.json", MOVES)
    take = read_take(tmp_path / "take.json")
    assert take.start[GAIN] == 0.0 and take.start[RATIO] == 1.0 and "/vqss/source" not in take.start
    assert [(round(second * RATE / 256), path) for second, path, _ in take.changes] == [
        (chunk, path) for chunk, values in MOVES.items() for path in values
    ]
    run(song, tmp_path / "second", tmp_path / "take.json", tmp_path / "both.json", {300: {GAIN: 3.0}})
    both = read_take(tmp_path / "both.json")
    assert both.changes[: len(take.changes)] == take.changes and both.changes[-1][1:] == (GAIN, 3.0)


def test_the_folder_of_a_take_is_made_at_once(tmp_path: Path) -> None:
    automation = Automation(ControlSurface(4), None, tmp_path / "new" / "take.json")
    automation.begin()
    assert (tmp_path / "new").is_dir()
    automation.reach(0, 256, RATE)
    automation.close()
    assert read_take(tmp_path / "new" / "take.json").changes == ()
    (tmp_path / "file").touch()
    with pytest.raises(VQSSError, match="is a file; choose another folder"):
        Automation(ControlSurface(4), None, tmp_path / "file" / "take.json")


def test_a_file_that_appears_during_the_run_stays(tmp_path: Path) -> None:
    automation = Automation(ControlSurface(4), None, tmp_path / "take.json")
    automation.begin()
    automation.reach(0, 256, RATE)
    (tmp_path / "take.json").write_text("mine")
    with pytest.raises(VQSSError, match=r"kept as .*take-2\.json"):
        automation.close()
    automation.close()
    assert (tmp_path / "take.json").read_text() == "mine" and read_take(tmp_path / "take-2.json").changes == ()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="a folder in which nobody can make a file is /proc")
def test_a_folder_that_takes_no_file_is_told_at_once() -> None:
    with pytest.raises(VQSSError, match=r"cannot write to '/proc'"):
        Automation(ControlSurface(4), None, Path("/proc/take.json"))


def test_an_automation_that_cannot_be_written_is_kept_elsewhere_and_swallows_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small_bundle().save(tmp_path / "small")
    folder, temporary = tmp_path / "takes", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    run_session = LiveSession.run

    def run_and_remove(session: LiveSession) -> dict[str, object]:
        report = run_session(session)
        folder.rmdir()
        return report

    monkeypatch.setattr(LiveSession, "run", run_and_remove)
    command = ["live", "--input", "none", "--output", "none", "--freewheel", "--seconds", "0.1", "--osc", "none",
               "--json", "--model", tmp_path / "small", "--write-automation", folder / "take.json"]  # fmt: skip
    assert main(list(map(str, command))) == 1
    said = capsys.readouterr()
    assert "cannot write the automation" in said.err and "hops" in json.loads(said.out)
    assert f"kept as '{temporary / 'take.json'}'" in said.err and read_take(temporary / "take.json").changes == ()


def test_a_run_that_fails_at_its_start_leaves_no_automation(tmp_path: Path) -> None:
    small_bundle().save(tmp_path / "small")
    (tmp_path / "file").touch()
    command = ["live", "--input", "none", "--output", "none", "--freewheel", "--seconds", "0.1", "--osc", "none",
               "--model", tmp_path / "small", "--write-automation", tmp_path / "take.json"]  # fmt: skip
    assert main(list(map(str, [*command, "--record", tmp_path / "file" / "x.wav"]))) == 1
    assert not (tmp_path / "take.json").exists()
    assert main(list(map(str, command))) == 0
    assert read_take(tmp_path / "take.json").changes == ()


def test_seconds_go_on_where_the_device_comes_back_at_another_rate(tmp_path: Path) -> None:
    surface = ControlSurface(4)
    automation = Automation(surface, None, tmp_path / "take.json")
    automation.begin()
    automation.reach(44100 * 10 - 256, 256, 44100)
    automation.reach(0, 256, 48000)
    surface.set(GAIN, -3.0)
    automation.close()
    assert read_take(tmp_path / "take.json").changes == ((pytest.approx(10 + 256 / 48000), GAIN, -3.0),)


def test_what_the_mixer_has_no_more_does_not_hold_up_the_rest_of_a_chunk() -> None:
    surface = ControlSurface(4)
    drive = Parameter("/vqss/cluster/0/fx/0/drive", (Argument("drive", "float", 0, 1),), 0.5, "an effect's")
    surface.register([drive])
    automation = Automation(surface, Take({}, ((0.0, drive.path, 0.9), (0.0, MUTE, True), (0.0, GAIN, -20.0))))
    automation.begin()
    surface.unregister([drive.path])
    automation.reach(0, 256, RATE)
    assert (surface.get(MUTE), surface.get(GAIN)) == (True, -20.0)
    assert [drive.path in error for error in surface.levels().errors] == [True]


def test_the_command_replays_a_take_without_a_device(song: Path, tmp_path: Path) -> None:
    write_take(tmp_path / "take.json", Take({MUTE: True}, ((0.5, GAIN, -70.0), (1.0, MUTE, False))))
    small_bundle().save(tmp_path / "small")
    outs = []
    for name in ("a.wav", "b.wav"):
        command = ["live", "--input", "none", "--output", "none", "--freewheel", "--seconds", "2", "--osc", "none",
                   "--json", "--model", tmp_path / "small", "--source", song, "--record", tmp_path / name,
                   "--automation", tmp_path / "take.json"]  # fmt: skip
        assert main(list(map(str, command))) == 0
        outs.append((tmp_path / name).read_bytes())
    assert outs[0] == outs[1]
    assert heard(tmp_path / "a.wav").shape == (2, 2 * RATE)


values = st.floats(-70.0, 12.0, width=32) | st.booleans() | st.integers(-1, 15)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from([GAIN, MUTE, "/vqss/näme"]), values), max_size=20))
def test_a_take_survives_its_file(changes: list[tuple[float, str, float]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path, take = Path(folder) / "take.json", Take({GAIN: -1.5, MUTE: True}, tuple(changes))
        write_take(path, take)
        assert read_take(path) == take and [each.name for each in Path(folder).iterdir()] == ["take.json"]


@pytest.mark.parametrize("text", [
    "", "[]", "{}", '{"format": 2, "start": {}, "changes": []}', '{"format": 1, "start": [], "changes": []}',
    '{"format": 1, "start": {}, "changes": [[0]]}', '{"format": 1, "start": {}, "changes": [[-1, "/a", 0]]}',
    '{"format": 1, "start": {}, "changes": [[NaN, "/a", 0]]}', "[" * 100_000, "\udcff",
])  # fmt: skip
def test_what_is_no_take_is_one_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "take.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(VQSSError) as caught:
        read_take(tmp_path / "take.json")
    assert "take.json" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [(0.0, RATIO, 2.0), (0.0, GAIN, 99.0), (0.0, GAIN, "loud"), (0.0, "/vqss/x", 1)])
def test_a_take_that_does_not_fit_the_mixer_is_one_error(change: tuple[float, str, object], tmp_path: Path) -> None:
    surface = ControlSurface(4)
    with pytest.raises(VQSSError, match="does not fit"):
        Automation(surface, Take({}, (change,)))  # type: ignore[arg-type]
    taken = tmp_path / "taken.json"
    taken.write_text(json.dumps({}))
    with pytest.raises(VQSSError, match="exists"):
        Automation(surface, None, taken)
