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
    lines = _Lines()
    for message in messages:
        now += message.time
        lasting[tempo] += message.time
        if message.type == "set_tempo":
            tempo = mido.tempo2bpm(message.tempo)
        elif message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type in ("note_on", "note_off"):
            lines.end(message.channel, message.note, now)
            if message.type == "note_on" and message.velocity:
                lines.begin(message.channel, programs[message.channel], message.note, now, message.velocity / 127)
    return MidiSong(path.name, max(lasting, key=lambda t: lasting[t], default=TEMPO), now, lines.all(now))


class _Lines:
    """Gathers notes: a note belongs to the program that its channel had when it began, and a kit is one line."""

    def __init__(self) -> None:
        self._sounding: dict[tuple[int, int], tuple[int, float, float]] = {}
        self._notes: dict[tuple[int, int], list[Note]] = {}

    def begin(self, channel: int, program: int, key: int, now: float, velocity: float) -> None:
        self._sounding[channel, key] = (0 if channel == DRUM_CHANNEL else program, now, velocity)

    def end(self, channel: int, key: int, now: float) -> None:
        """End a note, if it sounds."""
        if (channel, key) in self._sounding:
            program, start, velocity = self._sounding.pop((channel, key))
            self._notes.setdefault((channel, program), []).append(Note(start, now - start, float(key), velocity))

    def all(self, now: float) -> tuple[Line, ...]:
        """What was gathered; what sounds still ends with the file."""
        for channel, key in list(self._sounding):
            self.end(channel, key, now)
        return tuple(Line(program, channel == DRUM_CHANNEL, tuple(sorted(notes, key=lambda n: n.start)))
                     for (channel, program), notes in self._notes.items())
