"""Chains of pedalboard's plug-ins and ours: in order, aligned, and the same streamed as in one shot."""

from __future__ import annotations

import numpy as np
import pytest
from pedalboard import BrickwallLimiter, Compressor, Gain, HighpassFilter, Limiter, Pedalboard, Resample, Reverb

from bridge.chain_stream import grouped
from bridge.pedalboard_bridge import PluginChain, VQSSeparator
from tests.streams import small_bundle
from tests.test_pedalboard_separator import music, streamed

BUNDLE = small_bundle()


def test_a_chain_is_its_parts_one_after_the_other() -> None:
    audio, separator = music(2, 20000), VQSSeparator(BUNDLE, solo=1)
    chain = HighpassFilter(200) | separator | Limiter(-40.0)
    expected = Limiter(-40.0)(separator(HighpassFilter(200)(audio, 44100), 44100), 44100)
    assert np.array_equal(chain(audio, 44100), expected)
    assert np.array_equal(PluginChain([[HighpassFilter(200), separator], Limiter(-40.0)])(audio, 44100), expected)


def test_neighbouring_native_plugins_become_one_board() -> None:
    separator = VQSSeparator(BUNDLE)
    chain = Gain() | (HighpassFilter(80) | separator) | Limiter() | Pedalboard([Reverb()])
    assert [type(plugin).__name__ for plugin in chain] == ["Gain", "HighpassFilter", "VQSSeparator", "Limiter",
                                                          "Pedalboard"]
    groups = grouped(chain.plugins)
    assert [type(group).__name__ for group in groups] == ["Pedalboard", "VQSSeparator", "Pedalboard"]
    assert [len(groups[0]), len(groups[2])] == [2, 2]


@pytest.mark.parametrize("block", [1, 33, 256, 4096, 9000])
def test_a_streamed_chain_equals_one_shot(block: int) -> None:
    chain = PluginChain([
        HighpassFilter(80), Compressor(-30, 4), VQSSeparator(BUNDLE, mute=[0]), BrickwallLimiter(-20), Resample(22050),
        Reverb(),
    ])  # fmt: skip
    audio = music(2, 2500 if block == 1 else 20000)
    expected = chain(audio, 44100)
    out = streamed(chain, audio, 44100, block)
    assert out.shape == expected.shape
    # pedalboard's own end of a signal is not exact: its Resample may come out a frame short.
    assert np.abs(out - expected)[:, :-200].max() < 1e-5


class Doubling(Gain):
    """A Python subclass: pedalboard would never call its `process`."""

    def process(self, audio: np.ndarray, *_: object, **__: object) -> np.ndarray:
        return 2.0 * audio


@pytest.mark.parametrize("samples", [0, 1, 2, 3])
def test_a_chain_takes_one_channel_of_any_length(samples: int) -> None:
    assert (HighpassFilter(80) | VQSSeparator(BUNDLE))(np.zeros(samples, np.float32), 44100).shape == (samples,)


@pytest.mark.parametrize("shape", [(2, 0), (1, 0), (0,)])
def test_a_stream_that_nothing_was_given_to_ends_empty(shape: tuple[int, ...]) -> None:
    nothing, separator = np.zeros(shape, np.float32), VQSSeparator(BUNDLE)
    assert separator.flush().shape == (2, 0)
    for chain in (separator | Gain(0), Gain(0) | separator, PluginChain([separator])):
        assert chain.process(nothing, 44100, reset=False).shape == shape
        assert chain.flush().shape == shape


def test_a_python_subclass_of_a_plugin_is_called() -> None:
    audio = music(2, 1000)
    assert np.array_equal(PluginChain([Doubling(), Gain(0)])(audio, 44100), 2 * audio)


@pytest.mark.parametrize("item", [None, 3, "Reverb", object(), Gain])
def test_what_is_no_plugin_is_refused(item: object) -> None:
    with pytest.raises(TypeError):
        PluginChain([Gain(), item])
    with pytest.raises(TypeError):
        VQSSeparator(BUNDLE) | item
