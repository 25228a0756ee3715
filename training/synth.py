"""Turns notes into sound: a General MIDI synthesizer (FluidSynth, offline) and a sampler over recorded notes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ctypes import c_int, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

from training.instruments import SAMPLE_RATE, Clip, SampleBank
from training.score import Note
from vqss_engine.errors import VQSSError

# Each is looked for under all its names; a song is played with one of those found.
SOUNDFONTS = (
    (
        "/usr/share/sounds/sf2/FluidR3_GM.sf2",
        "/usr/share/sounds/sf2/default-GM.sf2",
        "/usr/share/soundfonts/FluidR3_GM.sf2",
        "/usr/share/soundfonts/default.sf2",
    ),
    ("/usr/share/sounds/sf3/MuseScore_General.sf3", "/usr/share/soundfonts/MuseScore_General.sf3"),
)
# FluidSynth starts notes only every 64 samples; rendering in such steps keeps its timing the same in every run.
STEP = 64
DRUM_BANK = 128
DRUM_CHANNEL = 9


def find_soundfonts() -> list[Path]:
    """The soundfonts that $VQSS_SOUNDFONT lists, else the system's General MIDI. Raises VQSSError if there is none."""
    named = [Path(place) for place in os.environ.get("VQSS_SOUNDFONT", "").split(os.pathsep) if place]
    lost = [str(place) for place in named if not place.is_file()]
    if lost:
        raise VQSSError(f"there is no soundfont {lost[0]}; correct VQSS_SOUNDFONT or unset it")
    found = [next((place for place in map(Path, names) if place.is_file()), None) for names in SOUNDFONTS]
    fonts = named or [place for place in found if place is not None]
    if not fonts:
        raise VQSSError(
            "no General MIDI soundfont found; install fluid-soundfont-gm or set VQSS_SOUNDFONT to an .sf2 file"
        )
    return fonts


@contextmanager
def _libraries_hushed() -> Iterator[None]:
    """What libraries in C write on stderr meanwhile is dropped.

    FluidSynth 2.5 warns that sound cards could not be used, which nobody asked for, and libinstpatch that is under it
    breaks rules of GLib (both seen on Ubuntu 26.04); of a soundfont that cannot be read each of them tells in turn.
    """
    sys.stderr.flush()
    shown, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(shown, 2)
        os.close(shown)
        os.close(nowhere)


class GeneralMidi:
    """An offline FluidSynth with one soundfont, dry (no reverb, no chorus), float output. One per process."""

    def __init__(self, soundfont: Path | None = None) -> None:
        """Raises VQSSError without FluidSynth's library or a usable soundfont."""
        try:
            import fluidsynth
        except (ImportError, OSError) as error:
            raise VQSSError("FluidSynth is missing; install fluidsynth and the pyfluidsynth package") from error
        path = soundfont or find_soundfonts()[0]
        with _libraries_hushed():
            self._synth: Any = fluidsynth.Synth(gain=0.5, samplerate=float(SAMPLE_RATE), **{"synth.reverb.active": 0,
                                                "synth.chorus.active": 0, "synth.polyphony": 256,
                                                "synth.dynamic-sample-loading": 1})
            self._font = self._synth.sfload(str(path))
        if self._font < 0:
            cure = "correct VQSS_SOUNDFONT" if os.environ.get("VQSS_SOUNDFONT") else "install fluid-soundfont-gm again"
            raise VQSSError(f"cannot load the soundfont {path}; {cure}")
        # The float call has no dither, so the same notes always give the same samples.
        self._write: Callable[..., int] = fluidsynth.cfunc(
            "fluid_synth_write_float", c_int, ("synth", c_void_p, 1), ("len", c_int, 1), ("left", c_void_p, 1),
            ("loff", c_int, 1), ("lincr", c_int, 1), ("right", c_void_p, 1), ("roff", c_int, 1), ("rincr", c_int, 1))

    def render(self, notes: Sequence[Note], program: int, samples: int, *, drums: bool = False) -> np.ndarray:
        """Play notes on a program (a kit, with `drums`), the first of all where the soundfont lacks it.

        Returns (2, samples) float32.
        """
        channel, bank = (DRUM_CHANNEL, DRUM_BANK) if drums else (0, 0)
        self._synth.system_reset()
        if self._synth.program_select(channel, self._font, bank, program) != 0:
            self._synth.program_select(channel, self._font, bank, 0)
        out = np.zeros((2, samples + STEP), np.float32)
        place = 0
        for when, velocity, key in _events(notes, samples):
            self._advance(out, place, when)
            place = when
            if velocity:
                self._synth.noteon(channel, key, velocity)
            else:
                self._synth.noteoff(channel, key)
        self._advance(out, place, (samples + STEP) // STEP * STEP)
        self._synth.all_sounds_off(channel)
        return out[:, :samples]

    def close(self) -> None:
        """Free the synthesizer; it must not be used again."""
        self._synth.delete()

    def _advance(self, out: np.ndarray, start: int, stop: int) -> None:
        """Let the synthesizer write out[:, start:stop]."""
        if stop > start:
            left, right = (out[c].ctypes.data for c in (0, 1))
            self._write(self._synth.synth, stop - start, left, start, 1, right, start, 1)


def _events(notes: Sequence[Note], samples: int) -> list[tuple[int, int, int]]:
    """Sorted (sample, velocity or 0 for off, key), on the synthesizer's grid."""
    events = []
    for note in notes:
        key = int(np.clip(round(note.pitch), 0, 127))
        on = int(note.start * SAMPLE_RATE) // STEP * STEP
        off = int((note.start + note.length) * SAMPLE_RATE) // STEP * STEP
        events.append((on, max(1, int(note.velocity * 127)), key))
        events.append((max(off, on + STEP), 0, key))
    last = samples // STEP * STEP
    return sorted(e for e in events if e[0] <= last)


_current: list[GeneralMidi] = []


def general_midi() -> GeneralMidi:
    """This process's synthesizer, made on first use."""
    return _current[0] if _current else renew_general_midi()


def renew_general_midi(soundfont: Path | None = None) -> GeneralMidi:
    """Replace this process's synthesizer by a fresh one, which plays `soundfont` (or the first there is).

    FluidSynth's voices remember a little of what they played before, so that a song would depend on the songs before
    it; each begins with a fresh synthesizer. The old one goes after, for they share the loaded samples. Where a
    soundfont is compressed (.sf3), its decoder may round otherwise in another process: by one 16-bit step.
    """
    _current.append(GeneralMidi(soundfont))
    for old in _current[:-1]:
        old.close()
    del _current[:-1]
    return _current[0]


def repitch(audio: np.ndarray, semitones: float) -> np.ndarray:
    """Play (C, N) faster or slower so that it sounds `semitones` higher: pitch, formants and length change."""
    import soxr

    if abs(semitones) < 0.01 or audio.shape[1] < 16:
        return audio
    ratio = 2.0 ** (semitones / 12)
    return np.ascontiguousarray(soxr.resample(audio.T, ratio, 1.0, quality="MQ").T, dtype=np.float32)


def fade(audio: np.ndarray, attack: int, release: int) -> np.ndarray:
    """A copy of (C, N) with raised-cosine ends of at most half its length."""
    out = audio.astype(np.float32, copy=True)
    size = out.shape[1]
    for length, side in ((min(attack, size // 2), slice(None)), (min(release, size // 2), slice(None, None, -1))):
        if length > 0:
            curve = (0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / length)).astype(np.float32)
            out[:, side][:, :length] *= curve
    return out


def add_at(out: np.ndarray, audio: np.ndarray, start: int) -> None:
    """Add (C, M) into (2, N) from sample `start`; what sticks out is lost."""
    begin, end = max(start, 0), min(start + audio.shape[1], out.shape[1])
    if end > begin:
        out[:, begin:end] += audio[:, begin - start : end - start]


class Sampler:
    """Plays notes with the clips of one instrument: the nearest pitch, re-pitched; the nearest dynamic, round robin."""

    def __init__(self, bank: SampleBank, clips: Sequence[Clip], rng: np.random.Generator) -> None:
        self._bank, self._rng = bank, rng
        pitched = [(bank.pitch(clip), clip) for clip in clips]
        self._notes = [(pitch, clip) for pitch, clip in pitched if pitch is not None]
        self._cache: dict[tuple[Clip, float], np.ndarray] = {}

    @property
    def playable(self) -> bool:
        return len(self._notes) >= 2

    def render(self, notes: Sequence[Note], samples: int, release_s: float = 0.08) -> np.ndarray:
        """(2, samples) float32; notes out of the instrument's range are moved by octaves."""
        out = np.zeros((2, samples), np.float32)
        low, high = min(p for p, _ in self._notes) - 4, max(p for p, _ in self._notes) + 5
        for note in notes:
            pitch = note.pitch
            while pitch < low:
                pitch += 12
            while pitch > high and pitch - 12 >= low:
                pitch -= 12
            length = int((note.length + release_s) * SAMPLE_RATE)
            audio = fade(self._sound(pitch, note.velocity)[:, :length], 32, int(release_s * SAMPLE_RATE))
            add_at(out, audio * np.float32(note.velocity**1.2), int(note.start * SAMPLE_RATE))
        return out

    def _sound(self, pitch: float, velocity: float) -> np.ndarray:
        near = min(abs(p - pitch) for p, _ in self._notes)
        choices = [(p, c) for p, c in self._notes if abs(p - pitch) <= near + 0.5]
        gap = min(abs(c.loudness - velocity) for _, c in choices)
        choices = [(p, c) for p, c in choices if abs(c.loudness - velocity) <= gap + 0.05]
        own, clip = choices[int(self._rng.integers(len(choices)))]
        key = (clip, round(pitch - own, 2))
        if key not in self._cache:
            audio = self._bank.audio(clip)[:, : 5 * SAMPLE_RATE]
            self._cache[key] = repitch(audio / max(float(np.abs(audio).max(initial=0)), 1e-4), pitch - own)
        return self._cache[key]
