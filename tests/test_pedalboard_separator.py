"""VQSSeparator keeps pedalboard's habits: any layout, rate and block size, with latency compensated."""

from __future__ import annotations

import numpy as np
import pedalboard
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.pedalboard_bridge import VQSSeparator
from tests.streams import small_bundle, worst_dbfs
from vqss_engine.errors import VQSSError

BUNDLE = small_bundle()
SOLOED = {"solo": [1, 2], "gains_db": {2: -6.0}}


def music(channels: int, samples: int) -> np.ndarray:
    rng = np.random.default_rng(samples)
    return (0.1 * rng.standard_normal((channels, samples))).astype(np.float32)


def streamed(plugin: object, audio: np.ndarray, rate: int, block: int) -> np.ndarray:
    """`audio` through `process` in blocks, and the rest."""
    plugin.reset()
    starts = range(0, audio.shape[1], block)
    parts = [plugin.process(audio[:, at : at + block], rate, reset=False) for at in starts]
    return np.concatenate([*parts, plugin.flush()], axis=1)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize(
    "shape", [(2, 9000), (1, 9000), (9000,), (9000, 2), (2, 3), (2, 2), (2, 1), (1, 2), (1, 1), (2, 0)]
)
def test_with_all_faders_at_unity_the_output_is_the_input(shape: tuple[int, ...], rate: int) -> None:
    audio = music(1, int(np.prod(shape))).reshape(shape)
    out = VQSSeparator(BUNDLE)(audio, rate)
    assert out.shape == shape and out.dtype == np.float32
    assert not audio.size or worst_dbfs(out - audio) < -120


@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize("block", [1, 33, 256, 4096])
def test_a_stream_equals_one_shot(block: int, rate: int) -> None:
    audio = music(2, 3000 if block == 1 else 20000)
    separator = VQSSeparator(BUNDLE, **SOLOED, rack={1: [pedalboard.BrickwallLimiter(-30.0)]})
    expected = separator(audio, rate)
    assert np.abs(streamed(separator, audio, rate, block) - expected).max() < 1e-5
    assert worst_dbfs(expected - audio) > -60


@settings(max_examples=15)
@given(st.lists(st.integers(0, 3000), max_size=12), st.sampled_from([11025, 44100, 88200]), st.integers(1, 2))
def test_blocks_of_any_length_make_one_stream(blocks: list[int], rate: int, channels: int) -> None:
    separator = VQSSeparator(BUNDLE, mute=0)
    audio, at, held, parts = music(channels, sum(blocks)), 0, 0, []
    for block in blocks:
        parts.append(separator.process(audio[:, at : at + block], rate, reset=False))
        at += block
        held = max(held, at - sum(part.shape[1] for part in parts))
    assert held <= separator.latency_samples
    if blocks:
        out = np.concatenate([*parts, separator.flush()], axis=1)
        assert out.shape == audio.shape
        assert not audio.size or np.abs(out - separator(audio, rate)).max() < 1e-5


def test_an_impulse_stays_in_its_place_at_any_rate() -> None:
    for rate in (16000, 44100, 48000):
        audio = np.zeros((2, 6000), np.float32)
        audio[:, 3000] = 1.0
        separator = VQSSeparator(BUNDLE, gains_db=np.full(4, -6.0), rack={0: [pedalboard.BrickwallLimiter(0.0)]})
        assert np.abs(separator(audio, rate)).argmax(axis=1).tolist() == [3000, 3000]


@pytest.mark.parametrize("rate", [44100, 48000])
def test_what_is_soloed_is_that_stem(rate: int) -> None:
    audio = music(2, 12000)
    stems = VQSSeparator(BUNDLE).stems(audio, rate)
    assert stems.shape == (4, 2, 12000) and worst_dbfs(stems.sum(axis=0) - audio) < -110
    soloed = VQSSeparator(BUNDLE, solo=2)(audio, rate)
    # Off the model's rate the little above its band is shared among the clusters by slightly different means.
    assert worst_dbfs(soloed - stems[2]) < (-110 if rate == 44100 else -30)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000, 192000])
def test_what_is_muted_is_silent_from_the_first_sample_to_the_last(rate: int) -> None:
    by_clusters, by_main = VQSSeparator(BUNDLE, mute=range(4)), VQSSeparator(BUNDLE)
    by_main.surface.set("/vqss/main/mute", True)
    for samples in (1, 2, 5, 300, *range(6000, 6012)):      # the conversions round the lengths in different ways
        audio = music(1, samples)
        for separator in (by_clusters, by_main):
            out = separator(audio, rate)
            assert out.shape == audio.shape and worst_dbfs(out) < -120, (samples, worst_dbfs(out))


@pytest.mark.parametrize("rate", [48000, 96000])
def test_a_stream_that_is_muted_on_the_way_ends_silent_and_as_a_whole(rate: int) -> None:
    separator, audio = VQSSeparator(BUNDLE), music(2, 40_001)
    first = separator.process(audio[:, :20_000], rate, reset=False)
    separator.mute = range(4)
    out = np.concatenate([first, separator.process(audio[:, 20_000:], rate, reset=False), separator.flush()], axis=1)
    assert out.shape == audio.shape
    assert worst_dbfs(out[:, :10_000] - audio[:, :10_000]) < -120 and worst_dbfs(out[:, 30_000:]) < -120
    assert np.abs(streamed(separator, audio, rate, 777) - separator(audio, rate)).max() < 1e-5


@pytest.mark.parametrize("shape", [(3, 100), (3, 3), (2, 3, 4), ()])
def test_an_impossible_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(VQSSError):
        VQSSeparator(BUNDLE)(np.zeros(shape, np.float32), 44100)


def test_a_signal_that_is_too_short_to_tell_has_channels_first() -> None:
    assert VQSSeparator(BUNDLE).stems(music(2, 1), 44100).shape == (4, 2, 1)


def test_a_stream_keeps_its_layout() -> None:
    separator = VQSSeparator(BUNDLE)
    separator.process(music(2, 100).T, 44100, reset=False)
    assert separator.process(music(2, 2), 44100, reset=False).ndim == 2
    with pytest.raises(VQSSError, match="keep to one layout"):
        separator.process(music(2, 100), 44100, reset=False)


def test_a_stream_keeps_its_rate_and_loses_nothing_where_another_is_refused() -> None:
    separator, audio = VQSSeparator(BUNDLE), music(2, 5000)
    first = separator.process(audio, 44100, reset=False)
    with pytest.raises(VQSSError, match="sample rate changed within a stream"):
        separator.process(audio, 48000, reset=False)
    assert worst_dbfs(np.concatenate([first, separator.flush()], axis=1) - audio) < -100
    assert separator.process(audio, 48000, reset=False).shape[1] > 0     # the next stream


@pytest.mark.parametrize(
    "options",
    [{"solo": 4}, {"mute": [-1]}, {"gains_db": [0.0]}, {"gains_db": {0: 40.0}}, {"rack": {7: []}}, {"rack": "no.json"}],
)
def test_impossible_settings_are_one_error(options: dict[str, object]) -> None:
    with pytest.raises(VQSSError):
        VQSSeparator(BUNDLE, **options).latency_samples  # noqa: B018


def test_a_rack_is_changed_between_streams_only_and_refused_whole() -> None:
    separator = VQSSeparator(BUNDLE, rack={1: [pedalboard.Gain(-6.0)]})
    separator.process(music(2, 1000), 44100, reset=False)
    with pytest.raises(VQSSError, match="within a stream"):
        separator.rack = None
    separator.flush()
    with pytest.raises(VQSSError, match=r"clusters\.1\[0\]"):
        separator.rack = {1: [pedalboard.PitchShift(2.0)]}
    with pytest.raises(VQSSError, match="no cluster 4"):
        separator.rack = {4: [pedalboard.Gain(-6.0)]}


def test_a_rack_that_is_refused_leaves_the_old_one_as_it_was() -> None:
    audio, gain, bypass = music(2, 3000), pedalboard.Gain(-6.0), "/vqss/cluster/1/fx/bypass"
    separator = VQSSeparator(BUNDLE, solo=1, rack={1: [gain]})
    heard, rack, addresses = separator(audio, 44100), separator.rack, set(separator.surface.values())
    for refused in ({4: [gain]}, {1: [gain, pedalboard.PitchShift(2.0)]}):
        with pytest.raises(VQSSError):
            separator.rack = refused
        assert separator.rack is rack and set(separator.surface.values()) == addresses
        assert [latency.plugin for latency in separator.latencies] == ["Gain"]
        assert np.array_equal(separator(audio, 44100), heard)
    separator.surface.set(bypass, True)
    with pytest.raises(VQSSError):
        separator.rack = {4: [gain]}
    assert worst_dbfs(0.5012 * separator(audio, 44100) - heard) < -80 and separator.surface.get(bypass)


class StereoGain:
    """An effect for two channels only."""

    def process(self, audio: np.ndarray, sample_rate: float, buffer_size: int, reset: bool) -> np.ndarray:
        if audio.shape[0] != 2:
            raise ValueError("two channels only")
        return audio * np.float32(0.5)


def test_effects_can_be_passed_by_after_a_call_that_they_refuse() -> None:
    separator, audio = VQSSeparator(BUNDLE, rack={"main": [StereoGain()]}), music(2, 3000)
    assert worst_dbfs(separator(audio, 44100) - 0.5 * audio) < -100
    with pytest.raises(VQSSError, match="two channels only"):
        separator(audio[:1], 44100)
    separator.surface.set("/vqss/main/fx/bypass", True)
    assert worst_dbfs(separator(audio, 44100) - audio) < -100


@pytest.mark.parametrize("rate", [0, 7999, 44100.5, float("nan"), 1e6])
def test_impossible_rates_are_one_error(rate: float) -> None:
    with pytest.raises(VQSSError, match="sample rate"):
        VQSSeparator(BUNDLE)(music(2, 100), rate)


def test_whole_numbers_are_no_audio() -> None:
    with pytest.raises(TypeError, match="float32"):
        VQSSeparator(BUNDLE)(np.zeros((2, 100), np.int16), 44100)


def test_a_native_pedalboard_refuses_it_and_says_where_it_belongs() -> None:
    with pytest.raises(TypeError, match="PluginChain"):
        pedalboard.Pedalboard([VQSSeparator(BUNDLE)])
    with pytest.raises(TypeError, match="PluginChain"):
        pedalboard.Pedalboard([pedalboard.Gain()]).append(VQSSeparator(BUNDLE))
