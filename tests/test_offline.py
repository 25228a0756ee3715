"""Whole stretches on several threads give exactly what a stream gives hop by hop, and files wait for no one long."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import small_bundle

from bridge.bench_signal import bench_signal
from bridge.cli import main
from bridge.overlap import WorkBehind, read_ahead
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import PROFILES, ModelConfig, StreamConfig
from vqss_engine.offline import OfflineSeparator
from vqss_engine.separator import StreamingSeparator
from vqss_engine.torch_masks import TorchMasks

ODD = ModelConfig(
    clusters=5, width=20, layers=2, recurrent_width=23, band_hidden=17, channel_hidden=33, head_width=19
)  # fmt: skip
BUNDLES = {"small": small_bundle(), "odd sizes": ModelBundle.random(ODD, 1)}


def streamed(bundle: ModelBundle, profile: str, signal: np.ndarray) -> np.ndarray:
    """All stems (K, C, N), one hop at a time."""
    stream = StreamConfig.named(profile)
    separator = StreamingSeparator(bundle, stream, signal.shape[0])
    stems = np.zeros((separator.clusters, signal.shape[0], stream.hop), np.float32)
    wanted, parts = np.ones(separator.clusters, np.bool_), []
    for start in range(0, signal.shape[1], stream.hop):
        separator.analyse(np.ascontiguousarray(signal[:, start : start + stream.hop]))
        parts.append(separator.stems(wanted, stems).copy())
    return np.concatenate(parts, axis=-1)


@settings(max_examples=12)
@given(
    st.sampled_from(sorted(BUNDLES)), st.sampled_from(sorted(PROFILES)), st.integers(1, 2), st.integers(1, 3),
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
)  # fmt: skip
def test_any_chunks_on_any_threads_equal_the_stream_bit_for_bit(
    name: str, profile: str, channels: int, threads: int, sizes: list[int]
) -> None:
    bundle, stream = BUNDLES[name], StreamConfig.named(profile)
    signal = bench_signal(2.0, 44_100)[:channels, : sum(sizes) * stream.hop]
    offline = OfflineSeparator(bundle, stream, channels, threads, chunk_hops=16)
    for _ in range(2):  # the second time after a reset
        ends = np.cumsum([0, *sizes[: signal.shape[1] // stream.hop]]) * stream.hop
        parts = [offline.process(signal[:, i:j]) for i, j in pairwise(ends)]
        stems = np.concatenate(parts, axis=-1)
        assert np.array_equal(stems, streamed(bundle, profile, signal[:, : ends[-1]]))
        offline.reset()


def test_torch_on_a_device_gives_the_same_stems() -> None:
    bundle, stream = BUNDLES["small"], StreamConfig.named("default")
    signal = bench_signal(1.0, 44_100)[:, : 130 * stream.hop]
    masks = TorchMasks(bundle, stream, "cpu")
    by_torch = OfflineSeparator(bundle, stream, 2, 2, masks)
    size = 51 * stream.hop
    for _ in range(2):
        parts = [by_torch.process(signal[:, i : i + size]) for i in range(0, signal.shape[1], size)]
        assert np.abs(np.concatenate(parts, axis=-1) - streamed(bundle, "default", signal)).max() <= 1e-5
        by_torch.reset()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_one_line(
    device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    if torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available():
        pytest.skip(f"this machine has {device}")
    song = tmp_path / "song.wav"
    soundfile.write(song, bench_signal(0.1, 44_100).T, 44_100)
    assert main(["separate", str(song), "-o", str(tmp_path / "out"), "--device", device]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"vqss: torch finds no {device} device") and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


def counted(count: int, made: list[int]) -> Iterator[int]:
    for number in range(count):
        made.append(number)
        yield number


@given(st.integers(0, 30), st.integers(1, 5), st.integers(1, 5))
def test_work_ahead_and_behind_keeps_order_and_holds_few_items(count: int, ahead: int, behind: int) -> None:
    made: list[int] = []
    done: list[int] = []
    with read_ahead(counted(count, made), ahead) as items, WorkBehind(done.append, behind) as work:
        for taken, item in enumerate(items, 1):
            assert len(made) <= taken + ahead
            work.put(item)
            assert taken - len(done) <= behind + 1
    assert done == made == list(range(count))


def test_errors_ahead_and_behind_arrive_where_the_items_would() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("cut off")

    done: list[int] = []
    with pytest.raises(OSError, match="cut off"), read_ahead(broken()) as items, WorkBehind(done.append) as work:
        for item in items:
            work.put(item)

    def refuse(item: int) -> None:
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"), WorkBehind(refuse, 1) as behind:
        for item in range(5):
            behind.put(item)
    with pytest.raises(ValueError, match="item 7"), WorkBehind(refuse) as behind:
        behind.put(7)
