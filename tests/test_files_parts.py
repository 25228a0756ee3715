"""The parts that file separation is made of, each by itself."""

from __future__ import annotations

import sys
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from bridge.aligned_hops import AlignedHops
from bridge.audio_files import AudioReader, AudioWriter
from bridge.batch import plan_folders
from bridge.bench_signal import bench_signal
from bridge.coding import SUBTYPES, Coding
from bridge.plain_wav import make_plain
from bridge.resample import StreamingResampler
from bridge.stem_meter import StemMeter
from bridge.stem_stream import SharedResidual, StemStream
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import PROFILES, StreamConfig
from vqss_engine.errors import UsageError, VQSSError
from vqss_engine.offline import OfflineSeparator

RATES_HZ = (8_000, 22_050, 48_000, 96_000, 192_000)


@pytest.mark.parametrize("rate", RATES_HZ)
def test_resampling_there_and_back_keeps_an_impulse_in_its_place(rate: int) -> None:
    there, back = StreamingResampler(1, rate, 44_100), StreamingResampler(1, 44_100, rate)
    song = np.zeros((1, rate), np.float32)
    song[0, rate // 3] = 1.0
    parts = [back.process(there.process(song[:, start : start + 999])) for start in range(0, rate, 999)]
    result = np.concatenate([*parts, back.process(there.flush()), back.flush()], axis=1)
    assert abs(result.shape[1] - rate) <= 1
    assert int(np.abs(result).argmax()) == rate // 3


def test_equal_rates_pass_untouched() -> None:
    block = bench_signal(0.1, 44_100)
    assert StreamingResampler(2, 44_100, 44_100).process(block) is block


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("samples", [1, 255, 256, 5_000])
def test_hops_of_any_blocks_give_aligned_stems_that_sum_to_the_signal(profile: str, samples: int) -> None:
    bundle = ModelBundle.load()
    separator = OfflineSeparator(bundle, StreamConfig.named(profile), 2)
    hops = AlignedHops((2,), separator.hop, separator.latency_samples, separator.process)
    signal = bench_signal(samples / 44_100, 44_100)
    for size in (samples, 77):
        separator.reset()
        hops.reset(separator.latency_samples)
        parts = [hops.process(signal[:, start : start + size]) for start in range(0, samples, size)]
        stems = np.concatenate([*parts, hops.flush()], axis=-1)
        assert stems.shape == (bundle.config.clusters, 2, samples)
        assert np.abs(stems.sum(axis=0) - signal).max() <= 1e-5


@pytest.mark.parametrize("rate", [22_050, 48_000])
def test_stems_at_other_rates_do_not_depend_on_the_blocks_they_come_in(rate: int) -> None:
    signal = bench_signal(1.3, rate)
    whole: np.ndarray | None = None
    for size in (signal.shape[1], 16_384, 1_000, 77):
        stream = StemStream(OfflineSeparator(ModelBundle.load(), StreamConfig.named("default"), 2), 44_100, rate)
        pairs = [stream.process(signal[:, start : start + size]) for start in range(0, signal.shape[1], size)]
        stems = np.concatenate([stems for _, stems in (*pairs, stream.flush())], axis=-1)
        whole = stems if whole is None else whole
        assert stems.shape[-1] == signal.shape[1] and np.abs(stems - whole).max() < 1e-6


@given(st.lists(st.integers(1, 700), min_size=1, max_size=6), st.integers(0, 2**31))
def test_shared_residual_completes_the_sum_and_leaves_silent_stems_silent(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    residual = SharedResidual(4, 2, 8_000)
    for size in sizes:
        mix = rng.standard_normal((2, size)).astype(np.float32)
        stems = rng.standard_normal((4, 2, size)).astype(np.float32)
        residual.apply(mix, stems)
        assert np.abs(stems.sum(axis=0) - mix).max() < 1e-5
    residual = SharedResidual(4, 1, 8_000)
    stems = np.zeros((4, 1, 16_000), np.float32)
    stems[2] = 1.0
    residual.apply(np.full((1, 16_000), 1.5, np.float32), stems)
    assert np.abs(stems[0, 0, -100:]).max() < 1e-6 and stems[2, 0, -1] == pytest.approx(1.5)


def test_meter_counts_a_cluster_active_by_its_share_of_some_second() -> None:
    meter = StemMeter(4, 1, 1_000)
    stems = np.zeros((4, 1, 3_000), np.float32)
    stems[0] = stems[3] = 0.25
    stems[1, 0, 1_000:2_000] = 0.5 * 10 ** (-39 / 20)
    stems[2] = 0.5 * 10 ** (-41 / 20)
    mix = stems.sum(axis=0)
    mix[0, 7] += 0.001
    for start in range(0, 3_000, 700):
        meter.process(mix[:, start : start + 700], stems[..., start : start + 700])
    meter.finish()
    assert meter.active.tolist() == [True, True, False, True]
    assert meter.null_dbfs == pytest.approx(-60.0, abs=0.01)
    assert meter.peak_dbfs[0] == pytest.approx(-12.04, abs=0.01)
    assert meter.share == pytest.approx(np.square(stems).sum((1, 2)) / np.square(mix).sum(), rel=1e-4)
    assert meter.share[0] == pytest.approx(0.25, abs=0.01)  # half the amplitude of the mix


def test_meter_calls_nothing_active_in_digital_dust() -> None:
    meter = StemMeter(2, 1, 100)
    stems = np.full((2, 1, 150), 1e-6, np.float32)
    meter.process(stems.sum(axis=0), stems)
    meter.finish()
    assert not meter.active.any()


@pytest.mark.parametrize(
    ("frames", "subtype", "begun"),
    [
        (1_000, "FLOAT", b"RIFF"), (2**32 // 8 - 2**20, "FLOAT", b"RIFF"), (2**32 // 8, "FLOAT", b"RF64"),
        *((None, subtype, b"RF64") for subtype in SUBTYPES["wav"]),
    ],
)  # fmt: skip
def test_wavs_that_may_get_long_are_rf64_until_they_end(
    frames: int | None, subtype: str, begun: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "long.wav"
    writer = AudioWriter(path, 44_100, 2, Coding.named("wav", subtype), frames)
    assert path.read_bytes()[:4] == begun
    block = bench_signal(0.1, 44_100)
    writer.write(block)
    writer.close()
    header = path.read_bytes()
    assert header[:4] == b"RIFF" and int.from_bytes(header[4:8], "little") == len(header) - 8
    atol = 0.0 if subtype == "FLOAT" else 1e-4
    np.testing.assert_allclose(soundfile.read(path, dtype="float32")[0], block.T, atol=atol, rtol=0)


def test_what_32_bits_do_not_hold_stays_rf64(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros((100, 2), np.float32), 44_100, "FLOAT", format="RF64")
    whole = bytearray(path.read_bytes())
    whole[20:28] = (2**32).to_bytes(8, "little")       # what ds64 says of the size of all
    path.write_bytes(whole)
    make_plain(path)
    assert path.read_bytes() == bytes(whole)


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3"])
def test_the_reader_gives_blocks_of_what_was_written(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"song.{extension}"
    block = bench_signal(0.5, 44_100)
    soundfile.write(path, block.T, 44_100)
    with AudioReader(path) as reader:
        parts = list(reader.blocks(1_000))
    assert {part.dtype for part in parts} == {np.dtype(np.float32)}
    assert max(part.shape[1] for part in parts) <= 1_000
    assert np.concatenate(parts, axis=1).shape == block.shape


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is a folder that nobody may write to")
def test_a_file_that_may_not_be_made_is_no_full_disk() -> None:
    with pytest.raises(VQSSError, match="cannot write to '/proc'"):
        AudioWriter(Path("/proc/take.wav"), 44_100, 2, Coding.named("wav"))


def test_pedalboard_decodes_where_soundfile_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "song.wav"
    block = bench_signal(0.2, 48_000)
    soundfile.write(path, block.T, 48_000, subtype="FLOAT")

    def refuse(name: object) -> None:
        raise soundfile.LibsndfileError(1)

    monkeypatch.setattr(soundfile, "SoundFile", refuse)
    with AudioReader(path) as reader:
        assert (reader.sample_rate, reader.channels, reader.frames) == (48_000, 2, block.shape[1])
        assert np.array_equal(np.concatenate(list(reader.blocks(1_000)), axis=1), block)


def test_songs_of_the_same_name_get_folders_that_tell_them_apart(tmp_path: Path) -> None:
    songs = [Path("a/mix.flac"), Path("b/mix.flac"), Path("c/other.wav")]
    folders = [folder.relative_to(tmp_path).as_posix() for _, folder in plan_folders(songs, tmp_path)]
    assert folders == ["a_mix", "b_mix", "other"]
    with pytest.raises(UsageError, match="given 2 times"):
        plan_folders([Path("a/mix.flac"), Path("a/../a/mix.flac")], tmp_path)


@pytest.mark.parametrize("wanted", [
    {"s.mp3": "s_mp3", "s.flac": "s_flac", "other.wav": "other"},
    {"s.mp3": "s_mp3", "s": "s"},
    {"a/s.mp3": "a_s_mp3", "a/s.flac": "a_s_flac", "b/s.mp3": "b_s"},
    {"x/a/s.mp3": "x_a_s_mp3", "y/a/s.mp3": "y_a_s_mp3"},
    {"s.mp3": "", "s.flac": "s_flac", "s_mp3": ""},
    {"a/mix.wav": "", "b/mix.wav": "b_mix", "a_mix.wav": "", "x/a_mix_wav.mp3": ""},
    {"a_b/c.wav": "", "a/b_c.wav": "", "a/b/c.wav": "", "c.wav": "", "b_c.wav": "", "a_b_c.wav": ""},
])  # fmt: skip
def test_no_two_songs_share_a_folder_in_whatever_order_they_come(wanted: dict[str, str], tmp_path: Path) -> None:
    songs = [tmp_path / name for name in wanted]
    planned = {frozenset(plan_folders(order, tmp_path)) for order in permutations(songs)}
    assert len(planned) == 1
    folders = dict(*planned)
    assert len(set(folders.values())) == len(songs) and {folder.parent for folder in folders.values()} == {tmp_path}
    for name, folder in wanted.items():
        assert folder in ("", folders[tmp_path / name].name)


def test_a_name_of_dots_leads_to_no_other_folder(tmp_path: Path) -> None:
    for name in ("...wav", "..wav", "....wav", ".wav"):
        ((_, folder),) = plan_folders([Path(name)], tmp_path)
        assert folder.resolve().parent == tmp_path.resolve(), name
    folders = [folder.name for _, folder in plan_folders([Path("a/...wav"), Path("b/...wav"), Path("..wav")], tmp_path)]
    assert folders == ["a_...wav", "b_...wav", "..wav"]
