"""Songs are found in every layout that is in use, and what is wrong with one is told by name."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.training_songs import RATE, tone
from training.bank import build_bank, song_folders
from training.class_names import instrument_of, is_known
from training.evaluate import Scorer, run_evaluation
from training.multitracks import Multitrack, class_of, find_multitracks, read_song
from training.robust import VARIANTS
from vqss_engine.bundle import ModelBundle
from vqss_engine.errors import VQSSError


def write(path: Path, frequency_hz: float, seconds: float = 1.2, rate: int = RATE, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = tone(frequency_hz, seconds)[:: RATE // rate]
    soundfile.write(path, np.repeat(audio[:, None], channels, axis=1), rate)


def musdb(root: Path) -> Path:
    for split, song in (("train", "A - One"), ("test", "B - Two")):
        for number, name in enumerate(("mixture", "vocals", "drums", "bass", "other")):
            write(root / split / song / f"{name}.wav", 100 * (number + 1), channels=2)
    return root


def moisesdb(root: Path) -> Path:
    song = root / "0f7c-uuid"
    for number, name in enumerate(("vocals/a1.wav", "vocals/a2.wav", "bass/b1.wav", "percussion/c1.wav")):
        write(song / name, 100 * (number + 1), channels=2)
    (song / "data.json").write_text('{"song": "x", "stems": []}')
    return root


def slakh(root: Path) -> Path:
    track = root / "train" / "Track00001"
    write(track / "mix.flac", 50)
    for number in range(3):
        write(track / "stems" / f"S{number:02d}.flac", 100 * (number + 1))
    (track / "MIDI").mkdir()
    (track / "metadata.yaml").write_text(
        "UUID: 1a\nstems:\n"
        + "".join(
            f"  S{n:02d}:\n    audio_rendered: true\n    inst_class: {c}\n    program_num: 1\n"
            for n, c in enumerate(("Piano", "'Bass'", "Drums"))
        )
    )
    return root


def plain(root: Path) -> Path:
    write(root / "My Song" / "Kick In.wav", 60, rate=22050)
    write(root / "My Song" / "gtr — лево 左.flac", 300, seconds=2.0)
    write(root / "My Song" / "03_whatever.OGG", 500, seconds=1.5, channels=2)
    (root / "My Song" / "notes.txt").write_text("no audio")
    return root


LAYOUTS = {
    musdb: {"A - One": ["bass", "drums", "other", "vocals"], "B - Two": ["bass", "drums", "other", "vocals"]},
    moisesdb: {"0f7c-uuid": ["bass", "percussion", "vocals", "vocals"]},
    slakh: {"Track00001": ["bass", "drums", "piano"]},
    plain: {"My Song": ["gtr — лево 左", "kick in", "whatever"]},
}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_songs_and_their_classes_are_found(layout: object, tmp_path: Path) -> None:
    root, expected = layout(tmp_path / "data"), LAYOUTS[layout]  # type: ignore[operator, index]
    songs = find_multitracks(root)
    assert {song.folder.name: sorted(class_of(name) for name, _ in song.stems) for song in songs} == expected
    for song in songs:
        stems = read_song(song, RATE)
        assert len({audio.shape for _, audio in stems}) == 1 and stems[0][1].shape[0] == 2
    bank = build_bank((str(root),), tmp_path / "cache", RATE)
    assert len(bank) == sum(map(len, expected.values()))
    assert len(set(bank.songs.tolist())) == len(expected)


def test_a_folder_that_is_a_song_itself_is_one(tmp_path: Path) -> None:
    folder = plain(tmp_path) / "My Song"
    assert [song for song, _ in song_folders((str(folder),))] == [folder]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_one_song_alone_is_found_as_it_is_among_others(layout: object, tmp_path: Path) -> None:
    root, expected = layout(tmp_path / "data"), LAYOUTS[layout]  # type: ignore[operator, index]
    for song in find_multitracks(root):
        (alone,) = find_multitracks(song.folder)
        assert (alone.folder, sorted(class_of(name) for name, _ in alone.stems)) == (
            song.folder, expected[song.folder.name],
        )  # fmt: skip


def test_a_song_that_is_named_twice_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = musdb(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    roots = (str(root), f"{root}/", "data", str(root / "train" / "A - One"))
    assert [len(files) for _, files in song_folders(roots)] == [4, 4]
    assert [len(files) for _, files in song_folders(tuple(reversed(roots)))] == [4, 4]


def test_linked_songs_are_found_once_and_hidden_ones_never(tmp_path: Path) -> None:
    song = plain(tmp_path / "elsewhere") / "My Song"
    root = tmp_path / "songs"
    write(root / ".song.partial" / "a.wav", 100)
    (root / "link").symlink_to(song)
    (root / "loop").symlink_to(root)
    (found,) = song_folders((str(root),))
    assert found[0].name == "link" and len(found[1]) == 3


def test_lengths_and_rates_are_made_equal(tmp_path: Path) -> None:
    (song,) = find_multitracks(plain(tmp_path))
    stems = dict(read_song(song, RATE))
    longest = stems["gtr — лево 左"]
    assert longest.shape == (2, 2 * RATE)
    kick = stems["Kick In"][0]
    spectrum = np.abs(np.fft.rfft(kick[:RATE]))
    assert abs(int(spectrum.argmax()) - 60) <= 1 and not kick[round(1.3 * RATE) :].any()


def test_bad_songs_are_named_and_left_out_of_the_scores(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    songs = musdb(tmp_path / "songs")
    write(songs / "lonely" / "vocals.wav", 100)
    write(songs / "broken" / "vocals.wav", 100)
    (songs / "broken" / "bass.wav").write_bytes(b"RIFF nonsense")
    for name in ("vocals", "bass"):
        (songs / "quiet").mkdir(exist_ok=True)
        soundfile.write(songs / "quiet" / f"{name}.wav", np.zeros(RATE), RATE)
        (songs / "numberless").mkdir(exist_ok=True)
        soundfile.write(songs / "numberless" / f"{name}.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
        (songs / "cancelled").mkdir(exist_ok=True)
        sign = 1 if name == "bass" else -1
        soundfile.write(songs / "cancelled" / f"{name}.wav", sign * tone(200, 1.2), RATE, subtype="FLOAT")
        write(songs / "surround" / f"{name}.wav", 100, channels=6)
    ModelBundle.random().save(tmp_path / "bundle")
    with caplog.at_level(logging.WARNING):
        result = run_evaluation(songs, tmp_path / "bundle", robust=True)
    assert (result["songs"], result["skipped"]) == (2, 6)
    for name in ("lonely", "broken", "quiet", "numberless", "cancelled", "surround"):
        assert name in caplog.text
    assert set(result["robust"]) == {"plain", *VARIANTS}
    for variant in ("plus_20_db", "minus_20_db"):
        assert abs(result["robust"][variant]["difference_db"]) < 1e-3


def test_no_scorable_song_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "lonely" / "vocals.wav", 100)
    with pytest.raises(VQSSError, match="two classes"):
        run_evaluation(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(VQSSError, match="no song folders"):
        find_multitracks(tmp_path / "empty")


def test_the_limited_stems_sum_to_the_limited_mix() -> None:
    """Within full scale, with the loudest moments pressed and the proportions of the stems kept."""
    rng = np.random.default_rng(0)
    sources = (rng.standard_normal((3, 2, RATE)) * np.linspace(0.02, 0.5, RATE)).astype(np.float32)
    limited = VARIANTS["limited"](sources, RATE)
    scale = np.abs(sources.sum(0)).max() * 10 ** (-12 / 20)
    assert np.abs(limited.sum(0)).max() <= scale * 1.001
    heard = np.abs(sources[:2]) > 1e-3
    gain = limited[:2][heard] / sources[:2][heard]
    assert 0.2 < gain.min() < 0.4 and gain.max() == pytest.approx(1.0, abs=1e-4)
    assert np.allclose(limited[0] * sources[1], limited[1] * sources[0], atol=1e-6)


NAMES = {
    "Kick In": "kick", "03_KickOut": "kick", "bass drum": "kick", "SnareTop": "snare", "hi-hat": "hihat",
    "Tom 2": "toms", "OH_L": "overheads", "Ride": "cymbals", "Shaker": "percussion", "drum_kit": "drums",
    "Bass DI": "bass", "synth_bass": "bass", "LeadVox": "vocals", "Gtr 1": "guitar", "distorted_guitar": "guitar",
    "Piano": "piano", "Chromatic Percussion": "mallets", "01": "other",
    "e-piano": "keys", "keys_clav": "keys", "strings_violins": "strings", "winds_horns": "brass", "Sax": "winds",
    "pad": "synth", "other": "other", "Zither": "zither", "override": "override",
    "03_Gesänge": "gesänge", "Flöte 2": "flöte",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_instruments_are_read_from_names(name: str) -> None:
    assert instrument_of(name) == NAMES[name]


def test_a_song_knows_its_classes(tmp_path: Path) -> None:
    song = Multitrack(tmp_path, (("bass", tmp_path / "a.wav"), ("bass", tmp_path / "b.wav")))
    assert song.classes == {"bass"}


def test_the_scores_tell_instruments_by_names_as_they_are_written(tmp_path: Path) -> None:
    for name, hz in (("03_KickIn", 60), ("BassDI", 110), ("Zither", 700)):
        write(tmp_path / "songs" / "one" / f"{name}.wav", hz)
    ModelBundle.random().save(tmp_path / "bundle")
    (song,) = find_multitracks(tmp_path / "songs")
    result = Scorer(ModelBundle.load(tmp_path / "bundle"), None).score(song)
    assert sorted(result.instruments) == ["bass", "kick", "zither"]
    assert sorted(result.labels) == ["bassdi", "kickin", "zither"]
    assert [is_known(name) for name in ("bass", "zither", "other")] == [True, False, False]
