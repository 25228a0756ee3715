"""Parameters refuse what they must, keep what they may, and the taper is a smooth one-to-one scale."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqss_engine.control import ControlSurface, ParameterError, db_to_fader, db_to_linear, fader_to_db

SURFACE = ControlSurface()
NUMBERS = [p for p in SURFACE.parameters() if p.kind in ("float", "int") and len(p.arguments) == 1]
ANYTHING = st.one_of(
    st.floats(), st.integers(), st.booleans(), st.text(), st.none(), st.binary(), st.lists(st.floats(), max_size=3)
)


@given(st.sampled_from(SURFACE.parameters()), ANYTHING)
def test_a_value_is_either_refused_or_allowed_and_stable(parameter, value) -> None:  # type: ignore[no-untyped-def]
    try:
        taken = parameter.check(value)
    except ParameterError as error:
        assert parameter.path in str(error) and "\n" not in str(error) and len(str(error)) < 400
        return
    assert parameter.check(taken) == taken
    for number in taken if isinstance(taken, tuple) else (taken,):
        if isinstance(number, float | int):
            assert math.isfinite(number)
            assert (parameter.minimum or 0) <= number <= (1 if parameter.maximum is None else parameter.maximum)
        else:
            assert number.isprintable()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", None, [], 10**400])
@pytest.mark.parametrize("parameter", NUMBERS, ids=lambda p: p.path)
def test_numbers_refuse_what_is_no_finite_number(parameter, value) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ParameterError):
        parameter.check(value)


@given(st.sampled_from([p for p in NUMBERS if p.kind == "float"]), st.floats(0.0, 1.0))
def test_a_number_survives_the_rounding_of_the_wire(parameter, part) -> None:  # type: ignore[no-untyped-def]
    value = parameter.minimum + part * (parameter.maximum - parameter.minimum)
    (rounded,) = struct.unpack("f", struct.pack("f", value))
    assert parameter.check(rounded) == pytest.approx(value, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0, True, False])
def test_switches_take_numbers_and_booleans(value: object) -> None:
    taken = SURFACE.parameter("/vqss/bypass").check(value)
    assert isinstance(taken, bool) and taken == value


@pytest.mark.parametrize("value", [2, -1, 0.5, "on", None])
def test_switches_refuse_the_rest(value: object) -> None:
    with pytest.raises(ParameterError):
        SURFACE.parameter("/vqss/bypass").check(value)


@pytest.mark.parametrize("value", ["red", "#12345", "#12345g", "", "#1234567"])
def test_colours_have_a_form(value: str) -> None:
    with pytest.raises(ParameterError):
        SURFACE.parameter("/vqss/cluster/0/color").check(value)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("/vqss/cluster/0/gain", "-6 dB", -6.0),
        ("/vqss/cluster/0/gain", "-6dB", -6.0),
        ("/vqss/cluster/0/gain", " 3.5 ", 3.5),
        ("/vqss/cluster/0/mute", "on", True),
        ("/vqss/cluster/0/mute", "0", False),
        ("/vqss/cluster/0/group", "5", 5),
        ("/vqss/cluster/0/name", "lead vocal", "lead vocal"),
        ("/vqss/source", "曲　名\u00a0👩‍🎤.wav", "曲　名\u00a0👩‍🎤.wav"),
        ("/vqss/transport/loop", "2, 7.5", (2.0, 7.5)),
    ],
)
def test_text_from_a_command_line(path: str, text: str, value: object) -> None:
    assert SURFACE.parameter(path).parse(text) == value


@pytest.mark.parametrize("text", ["a\nb", "\x00", "\u2028", "\x7f", "\udcff"])
def test_a_text_is_one_line_that_can_be_sent(text: str) -> None:
    with pytest.raises(ParameterError):
        SURFACE.parameter("/vqss/cluster/0/name").parse(text)


@pytest.mark.parametrize("text", ["", "loud", "nan", "-inf", "13", "1 2"])
def test_bad_text_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        SURFACE.parameter("/vqss/cluster/0/gain").parse(text)


@given(st.floats(0.0, 1.0))
def test_the_taper_is_invertible(fader: float) -> None:
    gain_db = fader_to_db(fader)
    assert abs(fader_to_db(db_to_fader(gain_db)) - gain_db) < 0.01
    assert abs(db_to_fader(gain_db) - fader) < 1e-9


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_taper_rises(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert fader_to_db(low) <= fader_to_db(high)
    assert high - low < 1e-9 or fader_to_db(low) < fader_to_db(high)


def test_the_taper_has_its_fixed_points() -> None:
    assert (fader_to_db(0.0), fader_to_db(0.75), fader_to_db(1.0)) == (-70.0, 0.0, 12.0)
    assert (db_to_fader(-70.0), db_to_fader(0.0), db_to_fader(12.0)) == (0.0, 0.75, 1.0)
    assert db_to_linear(-70.0) == 0.0 and db_to_linear(0.0) == 1.0
    assert db_to_linear(-69.9) == pytest.approx(10 ** (-69.9 / 20))
