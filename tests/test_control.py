"""The control surface: what is set is what the engine sees, and listeners hear of real changes only."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from vqss_engine.control import (
    ControlSurface,
    FxPlace,
    Parameter,
    ParameterError,
    UnknownAddress,
    bypass_path,
    chain_path,
    place_of,
)
from vqss_engine.parameters import Argument

GAIN, FADER, MUTE = "/vqss/cluster/3/gain", "/vqss/cluster/3/fader", "/vqss/cluster/3/mute"


def listen(surface: ControlSurface) -> list[tuple[str, object, object]]:
    heard: list[tuple[str, object, object]] = []
    surface.subscribe(lambda path, value, origin: heard.append((path, value, origin)))
    return heard


def test_every_field_of_the_state_follows_its_parameter() -> None:
    surface = ControlSurface(4)
    surface.set_many(
        {
            "/vqss/cluster/1/gain": -6,
            "/vqss/cluster/1/mute": 1,
            "/vqss/cluster/2/solo": True,
            "/vqss/cluster/3/pan": 0.25,
            "/vqss/cluster/0/group": 2,
            "/vqss/main/gain": 3.0,
            "/vqss/main/mute": 1.0,
            "/vqss/main/limiter": 1,
            "/vqss/bypass": 1,
        }
    )
    state = surface.state
    assert state.gain == (0.0, -6.0, 0.0, 0.0)
    assert state.mute == (False, True, False, False)
    assert state.solo == (False, False, True, False)
    assert state.pan == (0.0, 0.0, 0.0, 0.25)
    assert state.group == (2, -1, -1, -1)
    assert (state.main_gain, state.main_mute, state.limiter, state.bypass) == (3.0, True, True, True)


def test_listeners_hear_of_real_changes_with_their_origin() -> None:
    surface = ControlSurface()
    heard = listen(surface)
    surface.set(MUTE, 1, origin="desk")
    surface.set(MUTE, True, origin="tablet")
    surface.set(MUTE, 0)
    assert heard == [(MUTE, True, "desk"), (MUTE, False, None)]


def test_every_seek_is_heard_and_the_position_is_where_the_song_is() -> None:
    surface, path = ControlSurface(4), "/vqss/transport/position"
    heard = listen(surface)
    for _ in range(2):
        surface.set(path, 0.0, "me")
    surface.telemetry.position_s = 12.5
    assert heard == [(path, 0.0, "me")] * 2 and surface.get(path) == surface.values()[path] == 12.5


def test_gain_and_fader_are_two_views_of_one_value() -> None:
    surface = ControlSurface()
    heard = listen(surface)
    surface.set(FADER, 0.5, origin="a")
    assert surface.get(GAIN) == pytest.approx(-12.0)
    surface.set(GAIN, 0.0, origin="b")
    assert surface.get(FADER) == 0.75
    assert [(path, origin) for path, _, origin in heard] == [
        (GAIN, "a"),
        (FADER, "a"),
        (GAIN, "b"),
        (FADER, "b"),
    ]


def test_set_many_is_all_or_nothing() -> None:
    surface = ControlSurface()
    heard, before = listen(surface), surface.state
    with pytest.raises(ParameterError):
        surface.set_many({GAIN: -3.0, "/vqss/cluster/99/gain": 0.0})
    with pytest.raises(ParameterError):
        surface.set_many({MUTE: 1, GAIN: 12.5})
    assert surface.state is before and not heard


def test_a_state_once_read_never_changes() -> None:
    surface = ControlSurface()
    state = surface.state
    surface.set(GAIN, -20.0)
    assert state.gain[3] == 0.0 and surface.state.gain[3] == -20.0
    with pytest.raises(AttributeError):
        state.main_gain = 1.0  # type: ignore[misc]


def test_an_error_names_address_value_and_range() -> None:
    with pytest.raises(ParameterError) as refused:
        ControlSurface().set(GAIN, 40.0)
    assert refused.value.address == GAIN and refused.value.value == 40.0
    for part in (GAIN, "40.0", "-70", "12", "dB"):
        assert part in str(refused.value)


def test_unknown_addresses_are_refused_in_one_short_line() -> None:
    for path in ("/vqss/cluster/16/gain", "/nothing", "x" * 10_000, "/a\nb"):
        with pytest.raises(UnknownAddress) as refused:
            ControlSurface().get(path)
        assert len(str(refused.value)) < 200 and "\n" not in str(refused.value)


def test_listeners_may_write_fail_and_leave() -> None:
    surface = ControlSurface()

    def broken(path: str, value: object, origin: object) -> None:
        raise RuntimeError("listener")

    def follower(path: str, value: object, origin: object) -> None:
        if path == MUTE:
            surface.set("/vqss/main/mute", value, origin="follower")

    surface.subscribe(broken)
    leave = surface.subscribe(follower)
    heard = listen(surface)
    surface.set(MUTE, 1)
    assert heard == [(MUTE, True, None), ("/vqss/main/mute", True, "follower")]
    assert surface.levels().error_count == 2 and "listener" in surface.levels().errors[0]
    leave()
    surface.set(MUTE, 0)
    assert surface.get("/vqss/main/mute") is True


def test_the_last_change_heard_is_the_value_that_stands() -> None:
    surface = ControlSurface()
    heard = listen(surface)

    def write(start: int) -> None:
        for step in range(300):
            surface.set(GAIN, -((start + step) % 60))

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 7, 31)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gains = [value for path, value, _ in heard if path == GAIN]
    assert gains[-1] == surface.get(GAIN) == surface.state.gain[3]


def test_a_guard_can_refuse() -> None:
    surface = ControlSurface()

    def inside(value: object) -> None:
        if ".." in str(value):
            raise ParameterError("/vqss/source", value, "a file in the music folder")

    surface.guard("/vqss/source", inside)
    with pytest.raises(ParameterError):
        surface.set("/vqss/source", "../secret.wav")
    assert surface.set("/vqss/source", "song.wav") == "song.wav"


def test_effects_come_and_go_with_their_watcher() -> None:
    surface = ControlSurface(2)
    path = "/vqss/cluster/1/fx/0/threshold_db"
    effect = Parameter(path, (Argument("threshold", "float", -60.0, 0.0, "dB"),), -20.0, "threshold")
    watched: list[object] = []
    known: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    surface.subscribe_vocabulary(lambda added, removed: known.append((added, removed)))
    surface.register([effect], lambda path, value, origin: watched.append(value))
    with pytest.raises(ParameterError):
        surface.register([effect])
    surface.set(path, -30)
    surface.set("/vqss/cluster/1/gain", -3)
    surface.unregister([path, "/vqss/cluster/1/gain"])
    assert watched == [-30.0] and known == [((path,), ()), ((), (path,))]
    assert path not in surface and "/vqss/cluster/1/gain" in surface


def test_actions_check_their_arguments_and_answer() -> None:
    surface = ControlSurface()
    surface.on_action("/vqss/subscribe", lambda port, levels, spectra, origin: (port, levels, spectra, origin))
    assert surface.act("/vqss/subscribe", 9001, origin="tablet") == (9001, 20.0, 0.0, "tablet")
    for wrong in ((70000,), (1, 61.0), (1, 2, 3, 4), ("port",), (float("nan"),)):
        with pytest.raises(ParameterError):
            surface.act("/vqss/subscribe", *wrong)
    with pytest.raises(ParameterError):
        surface.act("/vqss/ping")  # nobody answers it here
    with pytest.raises(UnknownAddress):
        surface.act("/vqss/nothing")


def test_names_and_colours_come_from_the_model() -> None:
    surface = ControlSurface(3, names=["bass", ""], colors=["#010203"])
    assert surface.get("/vqss/cluster/0/name") == "bass" and surface.get("/vqss/cluster/1/name") == ""
    colors = [surface.get(f"/vqss/cluster/{k}/color") for k in range(3)]
    assert colors[0] == "#010203" and len(set(colors)) == 3
    for k in range(3):
        surface.parameter(f"/vqss/cluster/{k}/color").check(colors[k])


def test_every_parameter_describes_itself() -> None:
    surface = ControlSurface()
    values = surface.values()
    assert list(values) == [parameter.path for parameter in surface.parameters()]
    strip = ["gain", "fader", "mute", "solo", "pan", "name", "color", "group"]
    single = ["main/gain", "main/fader", "main/mute", "main/limiter", "bypass", "source"]
    transport = [f"transport/{name}" for name in ("play", "position", "loop")]
    paths = [f"cluster/{k}/{name}" for k in range(16) for name in strip] + single + transport
    assert sorted(values) == sorted(f"/vqss/{path}" for path in paths)
    for entry in (*surface.parameters(), *surface.actions(), *surface.feeds()):
        assert entry.path.startswith("/vqss/") and entry.description and entry.access
        assert "{" not in entry.path and "None" not in entry.range_text
    for parameter in surface.parameters():
        assert parameter.check(values[parameter.path]) == values[parameter.path] == parameter.default
        assert parameter.text(parameter.default) or parameter.kind == "string"


def test_telemetry_snapshots_are_dbfs_and_keep_still() -> None:
    surface = ControlSurface(2)
    surface.telemetry.rms_power[1] = 0.25
    surface.telemetry.peak_power[2] = float("nan")
    snapshot = surface.levels()
    surface.telemetry.rms_power[1] = 1.0
    assert snapshot.rms_dbfs == pytest.approx((-120.0, 10 * np.log10(0.25), -120.0), abs=1e-5)
    assert snapshot.peak_dbfs == (-120.0, -120.0, -120.0)


def test_control_loads_nothing_heavy() -> None:
    code = (
        "import sys, vqss_engine.control, vqss_engine.presets;"
        "print([m for m in ('torch', 'numba', 'numpy', 'PyQt6') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("key", [0, 15, "main"])
def test_addresses_of_effects_lead_back_to_what_they_are_of(key: int | str) -> None:
    assert place_of(f"{chain_path(key)}/2/gain_db") == FxPlace(str(key), 2, "gain_db")
    assert place_of(bypass_path(key)) == FxPlace(str(key), None, "bypass")
    assert place_of(f"/vqss/cluster/{key}/gain") is None
