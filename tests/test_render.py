"""Songs: the same for the same seed, playable as they are, resumable, and made of what the score says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from training import synth
from training.augment import bus
from training.bank import decode_mono
from training.composer import compose, notes_of
from training.genres import PARTS
from training.instruments import SAMPLE_RATE, SampleBank
from training.kits import STEMS, Kit
from training.pitch import best_transposition, detect_pitch, pitch_in_name
from training.render import make_song, render_songs
from training.voices import cut_phrase
from vqss_engine.errors import UsageError, VQSSError

SECONDS = 4.0
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture
def soundfont(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skips where General MIDI cannot be played; one that is not compressed, whose decoding never rounds otherwise."""
    pytest.importorskip("fluidsynth")
    try:
        fonts = [font for font in synth.find_soundfonts() if font.suffix != ".sf3"]
    except VQSSError as error:
        pytest.skip(str(error))
    if not fonts:
        pytest.skip("only compressed soundfonts here")
    monkeypatch.setenv("VQSS_SOUNDFONT", str(fonts[0]))


def tone(pitch: float, seconds: float = 0.6) -> np.ndarray:
    """A plucked note with eight harmonics, (N,) float64."""
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    waves = [np.sin(2 * np.pi * hertz * k * times) / k for k in range(1, 9) if hertz * k < 18000]
    return np.asarray(0.3 * np.sum(waves, axis=0) * np.exp(-2 * times))


@pytest.fixture
def samples_dir(tmp_path: Path) -> Path:
    """A small library: a bass whose file names are an octave low, and numbered snares."""
    bass = tmp_path / "library" / "samples" / "karoryfer-fashionbass" / "bass"
    snare = tmp_path / "library" / "samples" / "sonic-pi" / "drums" / "snare"
    for folder in (bass, snare):
        folder.mkdir(parents=True)
    for octave in (1, 2):
        for number, letter in enumerate("cdefgab"):
            pitch = 12 * (octave + 2) + (0, 2, 4, 5, 7, 9, 11)[number]
            soundfile.write(bass / f"{letter}{octave}_f.wav", tone(pitch), SAMPLE_RATE)
    noise = np.random.default_rng(0)
    for number in range(40):
        burst = noise.standard_normal(4000) * np.exp(-np.arange(4000) / 800) * 0.3
        soundfile.write(snare / f"snare{number}.wav", burst, SAMPLE_RATE)
    return tmp_path / "library"


def read(folder: Path) -> dict[str, np.ndarray]:
    return {p.name: soundfile.read(p, always_2d=True)[0] for p in sorted(folder.glob("*.flac"))}


def test_a_drum_kit_is_one_stem_or_its_pieces_as_asked(soundfont: None) -> None:
    whole, pieces = (
        {s.name for index in range(4) for s in make_song(3, index, SECONDS, None, share)[1]} for share in (1.0, 0.0)
    )
    assert "drums" in whole and not whole & set(STEMS)
    assert "drums" not in pieces and pieces & set(STEMS)


def test_a_seed_gives_the_same_song_whatever_was_rendered_before(soundfont: None) -> None:
    _, first = make_song(3, 0, SECONDS, None)
    _, other = make_song(3, 1, SECONDS, None)
    _, again = make_song(3, 0, SECONDS, None)
    assert [s.name for s in first] == [s.name for s in again]
    assert all(np.array_equal(a.audio, b.audio) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].audio, other[0].audio)


def test_songs_on_disk_are_whole_and_do_not_clip(soundfont: None, tmp_path: Path, samples_dir: Path) -> None:
    reports: list[tuple[int, int]] = []
    folders = render_songs(tmp_path / "songs", 3, SECONDS, samples_dir, 7, jobs=1,
                           progress=lambda done, total: reports.append((done, total)))
    assert reports == [(1, 3), (2, 3), (3, 3)]
    for folder in folders:
        listed = [s["file"] for s in json.loads((folder / "song.json").read_text())["stems"]]
        stems = read(folder)
        assert sorted(listed) == sorted(stems) and 3 <= len(stems) <= 10
        assert {len(a) for a in stems.values()} == {int(SECONDS * SAMPLE_RATE)}
        assert all(0.001 < np.abs(a).max() <= 0.901 for a in stems.values())
        assert np.abs(sum(a for a in stems.values())).max() <= 1.0
    assert sorted(p.name for p in (tmp_path / "songs").iterdir()) == [f.name for f in folders]


def test_songs_in_opus_are_the_same_songs_far_smaller(soundfont: None, tmp_path: Path) -> None:
    lossless, small = (
        render_songs(tmp_path / kind, 1, SECONDS, seed=4, jobs=1, stem_format=kind)[0] for kind in ("flac", "opus")
    )
    exact, coded = sorted(lossless.glob("*.flac")), sorted(small.glob("*.opus"))
    assert [path.stem for path in exact] == [path.stem for path in coded]
    assert sum(p.stat().st_size for p in coded) < sum(p.stat().st_size for p in exact) / 8
    for one, other in zip(exact, coded, strict=True):
        wanted, heard = decode_mono(one, SAMPLE_RATE), decode_mono(other, SAMPLE_RATE)
        assert abs(len(wanted) - len(heard)) <= 2
        powers = [np.abs(np.fft.rfft(audio[: len(wanted) - 2])) ** 2 for audio in (wanted, heard)]
        octaves = (np.geomspace(40, 15000, 10) * SECONDS).astype(int)
        levels = [10 * np.log10(np.add.reduceat(power, octaves)[:-1] + 1e-3) for power in powers]
        loud = levels[0] > levels[0].max() - 15
        assert np.abs(levels[0] - levels[1])[loud].max() < 4


def test_a_stopped_run_goes_on_and_processes_do_not_matter(soundfont: None, tmp_path: Path) -> None:
    whole = render_songs(tmp_path / "whole", 3, SECONDS, seed=1, jobs=2)
    (tmp_path / "stopped" / f".{whole[1].name}.part").mkdir(parents=True)
    (tmp_path / "stopped" / f".{whole[1].name}.part" / "00_kick.flac").write_bytes(b"half")
    render_songs(tmp_path / "stopped", 1, SECONDS, seed=1, jobs=1)
    before = (tmp_path / "stopped" / whole[0].name / "song.json").stat().st_mtime_ns
    resumed = render_songs(tmp_path / "stopped", 3, SECONDS, seed=1, jobs=1)
    assert (resumed[0] / "song.json").stat().st_mtime_ns == before
    assert len(list((tmp_path / "stopped").iterdir())) == 3
    for one, other in zip(whole, resumed, strict=True):
        left, right = read(one), read(other)
        assert left.keys() == right.keys() and all(np.array_equal(left[k], right[k]) for k in left)


def test_a_folder_of_somebody_elses_is_kept(soundfont: None, tmp_path: Path) -> None:
    take = tmp_path / "song_0_00000" / "my own take.wav"
    take.parent.mkdir()
    take.write_bytes(b"music")
    with pytest.raises(VQSSError, match="no song of ours"):
        render_songs(tmp_path, 1, SECONDS, jobs=1)
    assert take.read_bytes() == b"music" and [path.name for path in tmp_path.iterdir()] == ["song_0_00000"]


def test_songs_that_are_there_are_not_passed_off_as_others(soundfont: None, tmp_path: Path, samples_dir: Path) -> None:
    def again(**changes: object) -> list[Path]:
        asked = {"out_dir": tmp_path / "songs", "songs": 1, "seconds": SECONDS, "samples_dir": samples_dir, "jobs": 1}
        return render_songs(**{**asked, "split": "train", **changes})  # type: ignore[arg-type]

    (folder,) = again()
    for change in ({"split": "test"}, {"seconds": 5.0}, {"whole_kits": 0.8}, {"samples_dir": None}):
        with pytest.raises(UsageError, match=rf"{folder.name} is there with .*; choose another -o or delete it"):
            again(songs=2, **change)
    assert [path.name for path in (tmp_path / "songs").iterdir()] == [folder.name]
    song = json.loads((folder / "song.json").read_text())
    older = {key: value for key, value in song.items() if key not in ("whole_kits", "samples")}
    (folder / "song.json").write_text(json.dumps(older))
    assert again(whole_kits=0.8) == [folder]


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VQSS_SOUNDFONT", raising=False)
    monkeypatch.setattr(synth, "SOUNDFONTS", ((str(tmp_path / "none.sf2"),),))
    with pytest.raises(VQSSError, match="fluid-soundfont-gm"):
        render_songs(tmp_path / "songs", 1)
    monkeypatch.setenv("VQSS_SOUNDFONT", str(tmp_path / "lost.sf2"))
    with pytest.raises(VQSSError, match=r"no soundfont .*lost\.sf2"):
        render_songs(tmp_path / "songs", 1)
    with pytest.raises(UsageError):
        render_songs(tmp_path / "songs", 0)
    with pytest.raises(UsageError, match="seed is -1; choose"):
        render_songs(tmp_path / "songs", 1, seed=-1)
    with pytest.raises(VQSSError, match="no samples"):
        SampleBank(tmp_path)
    assert not (tmp_path / "songs").exists()


@settings(max_examples=60, deadline=None)
@given(seeds, st.floats(3, 40))
def test_every_part_plays_inside_the_song_and_melodies_keep_the_key(seed: int, seconds: float) -> None:
    rng = np.random.default_rng(seed)
    score = compose(rng, seconds)
    assert len(score.parts) >= 3
    for name in score.parts:
        notes = notes_of(rng, score, name)
        assert notes and all(0 <= n.start < seconds and n.length > 0 and 0 < n.velocity <= 1 for n in notes)
        if PARTS[name].patterns == ("lead",):
            assert {int(n.pitch) % 12 for n in notes} <= set(score.classes())


@settings(max_examples=40, deadline=None)
@given(st.floats(30, 84))
def test_a_note_is_heard_at_its_pitch(pitch: float) -> None:
    heard = detect_pitch(tone(pitch)[None], SAMPLE_RATE)
    assert heard is not None and abs(heard - pitch) < 0.15


def test_noise_has_no_pitch_and_names_tell_theirs() -> None:
    assert detect_pitch(np.random.default_rng(1).standard_normal((1, 40000)), SAMPLE_RATE) is None
    named = {"027-Ds1-F": 27, "bb2_f_rr1": 46, "asharp0": 22, "note060-do": 60, "FF_A0": 21, "eb3mp": 51}
    assert {name: pitch_in_name(name) for name in named} == named
    assert pitch_in_name("snare_vl3_rr1") is None


@given(st.integers(-5, 5), st.integers(0, 11))
def test_a_scale_moves_into_its_key_by_the_shortest_way(shift: int, key: int) -> None:
    scale = [(key + step) % 12 for step in (0, 2, 4, 5, 7, 9, 11)]
    profile = np.zeros(12)
    profile[[(c - shift) % 12 for c in scale]] = 1 / 7
    assert best_transposition(profile, scale) == shift


def test_octaves_in_names_are_checked_by_ear_and_splits_do_not_overlap(samples_dir: Path) -> None:
    banks = {split: SampleBank(samples_dir, split) for split in ("train", "test", "all")}
    bass = next(c for c in banks["all"].clips("bass") if c.name == "a1_f")
    assert banks["all"].pitch(bass) == 45
    for kind in ("drums", "bass"):
        names = {split: {c.name for c in bank.clips(kind)} for split, bank in banks.items()}
        assert names["train"] | names["test"] == names["all"] and not names["train"] & names["test"] and names["test"]
    notes = {split: {c for clips in bank.families("bass").values() for c in clips} for split, bank in banks.items()}
    assert notes["train"] and not notes["train"] & notes["test"]


def test_a_kit_of_any_library_is_played_and_missing_voices_are_general_midi(soundfont: None, samples_dir: Path) -> None:
    for kind in ("kick", "snare"):
        folder = samples_dir / "samples" / "my-kit" / kind
        folder.mkdir(parents=True)
        soundfile.write(folder / "hit.wav", 0.5 * np.exp(-np.arange(9000) / 2000), SAMPLE_RATE)
    bank = SampleBank(samples_dir)
    kits = {Kit(np.random.default_rng(seed), bank, "acoustic").library for seed in range(20)}
    assert kits == {"", "my-kit"}
    sung = [stem.source for seed in range(3) for stem in make_song(seed, 0, SECONDS, bank)[1] if stem.name == "vocals"]
    assert sung and set(sung) == {"gm"}


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_the_bus_has_one_gain_for_all_stems(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stems = rng.standard_normal((3, 2, 20000)).astype(np.float32) * rng.uniform(0.01, 0.5)
    out = bus(rng, stems)
    gains = out / stems
    assert np.allclose(gains, gains[:1, :1], rtol=1e-3)
    assert gains.max() <= 1.001 and gains.min() > 0


@given(seeds, st.integers(1, 60_000), st.integers(-3_000, 3_000))
def test_a_phrase_is_cut_from_a_clip_of_any_length(seed: int, wanted: int, longer: int) -> None:
    rng = np.random.default_rng(seed)
    audio = rng.standard_normal((1, max(1, wanted + longer)))
    phrase = cut_phrase(rng, audio, wanted / SAMPLE_RATE)
    assert 0 < phrase.shape[1] <= audio.shape[1]
