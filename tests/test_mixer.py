"""Mute, solo, groups and pan as weights, and ramps that arrive without a jump."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqss_engine.mixer import LinearRamp, Mixer, ramp_hops, strip_weights
from vqss_engine.state import MixerState

K = 4


def weights(channels: int = 2, **changes: object) -> np.ndarray:
    state = replace(MixerState.default(K), **changes)  # type: ignore[arg-type]
    return strip_weights(state, np.empty((K, channels), np.float32))


def only(*on: int) -> tuple[bool, ...]:
    return tuple(k in on for k in range(K))


def test_all_faders_at_unity_is_exactly_one() -> None:
    assert np.array_equal(weights(), np.ones((K, 2)))


def test_gain_is_db_and_the_lowest_is_silence() -> None:
    assert weights(gain=(-6.0, -70.0, 12.0, 0.0))[:, 0] == pytest.approx([10**-0.3, 0.0, 10**0.6, 1.0])


def test_solo_silences_the_others_and_mute_wins() -> None:
    assert weights(solo=only(1, 2))[:, 0].tolist() == [0, 1, 1, 0]
    assert weights(solo=only(1, 2), mute=only(2, 3))[:, 0].tolist() == [0, 1, 0, 0]
    assert not weights(solo=only(1), mute=only(1)).any()


def test_pan_is_balance() -> None:
    assert weights(pan=(-1.0, -0.5, 0.25, 1.0)).tolist() == [[1, 0], [1, 0.5], [0.75, 1], [0, 1]]
    assert np.array_equal(weights(channels=1, pan=(-1.0, -0.5, 0.25, 1.0)), np.ones((K, 1)))


def test_a_joined_cluster_follows_the_strip_whole() -> None:
    joined = (2, -1, -1, -1)
    own = dict(group=joined, gain=(-20.0, 0.0, -6.0, 0.0), pan=(1.0, 0.0, -0.5, 0.0))
    moved = weights(**own)
    assert np.array_equal(moved[0], moved[2])
    assert not weights(group=joined, mute=only(2))[[0, 2]].any()
    assert weights(group=joined, mute=only(0))[:, 0].tolist() == [1, 1, 1, 1]
    assert weights(group=joined, solo=only(2))[:, 0].tolist() == [1, 0, 1, 0]
    assert weights(group=joined, solo=only(0))[:, 0].tolist() == [1, 1, 1, 1]


def test_joins_lead_on_and_circles_lead_home() -> None:
    state = replace(MixerState.default(K), group=(1, 2, -1, 3))
    assert [state.strip(k) for k in range(K)] == [2, 2, 2, 3]
    circle = replace(MixerState.default(K), group=(1, 2, 0, 0))
    assert [circle.strip(k) for k in range(3)] == [0, 1, 2]


@given(st.lists(st.integers(-1, K - 1), min_size=K, max_size=K))
def test_any_joins_end_somewhere(group: list[int]) -> None:
    state = replace(MixerState.default(K), group=tuple(group))
    assert all(0 <= state.strip(k) < K for k in range(K))


@given(st.lists(st.tuples(st.floats(0, 4, width=32), st.integers(1, 9)), min_size=1, max_size=6), st.integers(1, 8))
def test_a_ramp_never_steps_more_than_its_share_and_arrives(moves: list[tuple[float, int]], hops: int) -> None:
    ramp, aimed, share = LinearRamp((1,), hops, 1.0), 1.0, 0.0
    for target, wait in moves:
        share = share if target == aimed else abs(target - float(ramp.end[0])) / hops
        aimed = target
        ramp.aim(np.array([target], np.float32))
        for _ in range(wait):
            before = float(ramp.end[0])
            ramp.advance()
            assert ramp.start[0] == before
            assert abs(float(ramp.end[0]) - before) <= share + 1e-5
        if wait >= hops:
            assert ramp.end[0] == np.float32(target) and not (wait > hops and ramp.moving)


def test_the_mixer_starts_where_it_is_told_and_then_ramps() -> None:
    mixer, start = Mixer(K, 2, 256, 44100.0), replace(MixerState.default(K), mute=only(0), main_mute=True)
    mixer.advance(start)
    assert mixer.strips.end[0, 0] == 0.0 and mixer.main.end[0] == 0.0
    moved, seen = MixerState.default(K), []
    for _ in range(ramp_hops(256, 44100.0)):
        mixer.advance(moved)
        seen.append(mixer.strips.end[0, 0])
    assert seen == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert seen[-1] == 1.0 and mixer.main.end[0] == 1.0
