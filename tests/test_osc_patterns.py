"""Address patterns: what OSC 1.0 says they match, and no pattern that takes forever."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.osc_patterns import AddressIndex, PatternError, is_pattern, parse_part, part_matches
from vqss_engine.control import ControlSurface

SURFACE = ControlSurface(16)
INDEX = AddressIndex(parameter.path for parameter in SURFACE.parameters())
MUTES = tuple(f"/vqss/cluster/{k}/mute" for k in range(16))


def strips(name: str, *clusters: int) -> tuple[str, ...]:
    return tuple(f"/vqss/cluster/{k}/{name}" for k in clusters)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/vqss/cluster/*/mute", MUTES),
        ("/vqss/cluster/?/mute", MUTES[:10]),
        ("/vqss/cluster/1?/mute", MUTES[10:]),
        ("/vqss/cluster/[0-3]/mute", MUTES[:4]),
        ("/vqss/cluster/[!0-3]/mute", MUTES[4:10]),
        ("/vqss/cluster/{2,11}/mute", strips("mute", 2, 11)),
        ("/vqss/cluster/{2,3}/{pan,so*o}", strips("pan", 2, 3)),
        ("/vqss/cluster/7/{solo,p*}", strips("solo", 7)),
        ("/vqss/cluster/1[0-1]/s*o", strips("solo", 10, 11)),
        ("/vqss/*/mute", ("/vqss/main/mute",)),
        ("/*/byp?ss", ("/vqss/bypass",)),
        ("/vqss/cluster/*", ()),
        ("/vqss/*", ("/vqss/bypass", "/vqss/source")),
        ("/vqss/cluster/[16]/mute/*", ()),
    ],
)
def test_patterns_match_part_by_part(pattern: str, expected: tuple[str, ...]) -> None:
    assert is_pattern(pattern) and INDEX.find(pattern) == expected


def test_plain_addresses_are_no_patterns() -> None:
    assert not any(is_pattern(parameter.path) for parameter in SURFACE.parameters())


@pytest.mark.parametrize("pattern", ["/vqss/[a", "/vqss/{a,b"])
def test_open_brackets_are_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        INDEX.find(pattern)


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_stars_and_question_marks_are_those_of_regular_expressions(pattern: str, text: str) -> None:
    reference = "".join({"*": ".*", "?": "."}.get(character, character) for character in pattern)
    assert part_matches(parse_part(pattern), text) == bool(re.fullmatch(reference, text))


def test_patterns_that_would_stop_a_backtracking_matcher_end() -> None:
    text = "a" * 60
    for pattern in ("*a" * 40 + "b", "{a,aa,}" * 30 + "b", "*?" * 60 + "b"):
        assert not part_matches(parse_part(pattern), text)
