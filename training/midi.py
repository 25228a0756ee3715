"""MIDI files as lines of notes: what each channel plays with each program."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from training.score import Note
from training.synth import DRUM_CHANNEL
from vqss_engine.errors import VQSSError

SUFFIXES = {".mid", ".midi"}
TEMPO = 120.0  # of a file that names none
DAMAGED = (OSError, EOFError, ValueError, TypeError, LookupError)  # what mido raises for it


@dataclass(frozen=True)
class Line:
    """The notes of a channel with one General MIDI program; with `drums`, pitches are the keys of a kit."""

    program: int
    drums: bool
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class MidiSong:
    """A file's lines; tempo in beats a minute."""

    name: str
    tempo: float
    seconds: float
    lines: tuple[Line, ...]


def midi_files(folder: Path) -> list[Path]:
    """All MIDI files below a folder, sorted; raises VQSSError where there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise VQSSError(f"there are no MIDI files (.mid) in {folder}; name a folder that holds some")
    return found


def read_midi(path: Path) -> MidiSong:
    """The notes of a file, its tempo the one that it has longest; raises VQSSError where it cannot be read."""
    import mido

    try:
        messages = list(mido.MidiFile(path, clip=True))
    except DAMAGED as error:
        reason = str(error) or type(error).__name__
        raise VQSSError(f"{path} is no MIDI file that can be read ({reason}); remove or replace it") from error
    now, tempo = 0.0, TEMPO
    lasting: dict[float, float] = defaultdict(float)
    programs: dict[int, int] = defaultdict(int)
    sounding: dict[tuple[int, int], tuple[float, float]] = {}
    lines: dict[tuple[int, int], list[Note]] = {}
    for message in messages:
        now += message.time
        lasting[tempo] += message.time
        if message.type == "set_tempo":
            tempo = mido.tempo2bpm(message.tempo)
        elif message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type in ("note_on", "note_off"):
            key = (message.channel, message.note)
            if key in sounding:
                start, velocity = sounding.pop(key)
                line = lines.setdefault((message.channel, programs[message.channel]), [])
                line.append(Note(start, max(now - start, 0.01), float(message.note), velocity))
            if message.type == "note_on" and message.velocity:
                sounding[key] = (now, message.velocity / 127)
    found = tuple(Line(program, channel == DRUM_CHANNEL, tuple(sorted(notes, key=lambda n: n.start)))
                  for (channel, program), notes in lines.items())
    return MidiSong(path.name, max(lasting, key=lambda t: lasting[t], default=TEMPO), now, found)
