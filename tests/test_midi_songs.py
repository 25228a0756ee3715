"""Songs from MIDI files: what is written there is what is played, transposed and at another speed."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.arrange import HITS, arrange
from training.band import kind_of
from training.composer import notes_of
from training.midi import Line, MidiSong, midi_files, read_midi
from training.render import render_songs
from training.score import Note
from vqss_engine.errors import UsageError, VQSSError

RIFF, MELODY = (40, 47, 52), (60, 62, 64, 67, 64, 62, 60, 59)


def write_midi(path: Path, bars: int = 8) -> Path:
    """Drums, bass, power chords and a flute at 150 beats a minute, all from the first beat on."""
    file = mido.MidiFile(ticks_per_beat=480)
    tempo = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(150))])
    file.tracks.append(tempo)
    parts = ((9, 0, (36,), 480), (0, 33, (28,), 480), (1, 30, RIFF, 960), (2, 73, None, 480))
    for channel, program, chord, ticks in parts:
        track = mido.MidiTrack([mido.Message("program_change", channel=channel, program=program)])
        for place in range(bars * 1920 // ticks):
            keys = chord or (MELODY[place % len(MELODY)],)
            for velocity, wait in ((100, 0), (0, ticks)):
                for number, key in enumerate(keys):
                    time = 0 if number else wait
                    track.append(mido.Message("note_on", channel=channel, note=key, velocity=velocity, time=time))
        file.tracks.append(track)
    file.save(path)
    return path


def test_a_file_is_read_as_lines_of_notes(tmp_path: Path) -> None:
    song = read_midi(write_midi(tmp_path / "song.mid"))
    assert song.tempo == pytest.approx(150, abs=0.1) and song.seconds == pytest.approx(12.8, abs=0.1)
    (drums,) = (line for line in song.lines if line.drums)
    bass, chords, _ = (next(line for line in song.lines if line.program == program) for program in (33, 30, 73))
    assert len(song.lines) == 4 and {note.pitch for note in drums.notes} == {36}
    assert [note.start for note in bass.notes[:3]] == pytest.approx([0.0, 0.4, 0.8], abs=1e-3)
    assert {note.pitch for note in chords.notes} == set(RIFF) and chords.notes[0].length == pytest.approx(0.8, abs=1e-3)


def test_notes_keep_the_program_they_began_with_and_a_kit_is_one_line(tmp_path: Path) -> None:
    messages = [
        mido.Message("program_change", channel=0, program=0),
        mido.Message("note_on", channel=0, note=60, velocity=90),
        mido.Message("note_on", channel=9, note=36, velocity=90),
        mido.Message("program_change", channel=0, program=48, time=240),
        mido.Message("program_change", channel=9, program=25),
        mido.Message("note_off", channel=0, note=60, time=240),
        mido.Message("note_on", channel=9, note=38, velocity=90),
        mido.Message("note_on", channel=0, note=64, velocity=90, time=480),
        mido.MetaMessage("end_of_track", time=480),
    ]
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(mido.MidiTrack(messages))
    file.save(tmp_path / "a.mid")
    found = read_midi(tmp_path / "a.mid").lines
    lines = {(line.program, line.drums): [note.pitch for note in line.notes] for line in found}
    assert lines == {(0, False): [60], (48, False): [64], (0, True): [36, 38]}


@pytest.mark.parametrize("seed", range(8))
def test_hits_of_a_tick_are_played_at_any_speed(seed: int) -> None:
    hits = tuple(Note(0.5 * i, 0.001, 36.0, 0.8) for i in range(40))
    score = arrange(np.random.default_rng(seed), MidiSong("a.mid", 120.0, 20.0, (Line(0, True, hits),)), 6.0)
    assert len(notes_of(np.random.default_rng(1), score, "drums")) >= 10


def test_parts_are_cast_by_program_and_the_melody_may_be_sung(tmp_path: Path) -> None:
    song = read_midi(write_midi(tmp_path / "song.mid"))
    casts = [set(arrange(np.random.default_rng(seed), song, 6.0).parts) for seed in range(20)]
    band = {"drums", "bass", "power_guitar"}
    assert all(cast in (band | {"winds"}, band | {"vocals"}) for cast in casts)
    assert 8 <= sum("vocals" in cast for cast in casts) < 20


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), seconds=st.floats(2.0, 12.0), programs=st.lists(st.integers(0, 127), max_size=6))
def test_an_excerpt_keeps_intervals_and_order_and_ends_in_time(
    seed: int, seconds: float, programs: list[int]
) -> None:
    notes = tuple(Note(0.5 * i, 0.4, 60.0 + i % 5, 0.8) for i in range(60))
    hits = tuple(Note(0.5 * i, 0.1, float((36, 38, 42, 60)[i % 4]), 0.8) for i in range(60))
    lines = (*(Line(program, False, notes) for program in programs), Line(0, True, hits))
    score = arrange(np.random.default_rng(seed), MidiSong("a.mid", 120.0, 30.0, lines), seconds)
    for name in score.parts:
        played = notes_of(np.random.default_rng(1), score, name)
        assert all(0.0 <= note.start < seconds and note.length > 0 for note in played)
        assert all(a.start <= b.start for a, b in pairwise(played))
        if kind_of(name) == "drums":
            assert {note.piece for note in played} <= set(HITS.values())
        elif kind_of(name) != "percussion":
            shifts = {round(note.pitch - 60) for note in played}
            assert max(shifts) - min(shifts) <= 4 and abs(min(shifts)) <= 8


def test_rendered_songs_are_the_same_again_and_name_their_file(tmp_path: Path) -> None:
    pytest.importorskip("fluidsynth")
    folder = tmp_path / "midi"
    folder.mkdir()
    write_midi(folder / "riff.mid")
    (folder / "broken.mid").write_bytes(b"MThd, and nothing more")
    first, second = (render_songs(tmp_path / name, 2, 4.0, seed=3, jobs=1, midi_dir=folder) for name in ("a", "b"))
    for a, b in zip(first, second):
        content = json.loads((a / "song.json").read_text())
        assert content["arrangement"] == "riff.mid" and len(content["stems"]) >= 3
        assert sorted(path.name for path in a.iterdir()) == sorted(path.name for path in b.iterdir())
    with pytest.raises(UsageError, match="midi"):
        render_songs(tmp_path / "a", 2, 4.0, seed=3, jobs=1)


def test_what_is_no_midi_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VQSSError, match="no MIDI files"):
        midi_files(tmp_path)
    for content in (b"", b"RIFF1234", b"MThd\x00\x00\x00\x06\x00\x01\x00\x02\x01\xe0MTrk\x00\x00\xff\xff"):
        (tmp_path / "x.mid").write_bytes(content)
        with pytest.raises(VQSSError, match=r"x\.mid is no MIDI file"):
            read_midi(tmp_path / "x.mid")
