"""Karaoke with the room left on: the vocals go, their reverb stays.

    python -m examples.karaoke SONG OUT.wav [--vocals 3,11] [--play]

The rack replaces the vocal clusters by their own reverb alone, so the song keeps its space. The song is read and
written in blocks with pedalboard's AudioFile, and played, with --play, through its AudioStream.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pedalboard import Reverb
from pedalboard.io import AudioFile, AudioStream

from bridge.pedalboard_bridge import ClusterRack, VQSSeparator
from vqss_engine.errors import VQSSError

BLOCK_SAMPLES = 16384


@contextmanager
def new_file(name: str) -> Iterator[None]:
    """For the time in which a file is made that must not be there yet.

    An error is one line then, and leaves no half of a file.
    """
    done = False
    if os.path.lexists(name):
        raise SystemExit(f"'{name}' exists; choose another name, or move it away")
    try:
        yield
        done = True
    except (OSError, ValueError, RuntimeError, VQSSError) as error:
        raise SystemExit(" ".join(str(error).splitlines())) from error
    finally:
        if not done:
            Path(name).unlink(missing_ok=True)


def clusters_of(separator: VQSSeparator, numbers: str | None, word: str) -> list[int]:
    """The clusters that were asked for, else those that the model names so."""
    clusters = [int(number) for number in numbers.split(",")] if numbers else separator.named(word)
    if not clusters:
        raise SystemExit(f"the model names no cluster '{word}'; listen to the stems, then give their numbers")
    return clusters


def karaoke(separator: VQSSeparator, song: str) -> Iterator[np.ndarray]:
    """The processed song in blocks (C, n)."""
    separator.reset()
    with AudioFile(song) as audio:
        while audio.tell() < audio.frames:
            yield separator.process(audio.read(BLOCK_SAMPLES), audio.samplerate, reset=False)
    yield separator.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("song")
    parser.add_argument("out")
    parser.add_argument("--model", help="model bundle (default: the shipped one)")
    parser.add_argument("--vocals", help="numbers of the vocal clusters, as in 3,11")
    parser.add_argument("--play", action="store_true", help="play it too, at the speed of sound")
    options = parser.parse_args()

    with new_file(options.out):
        separator = VQSSeparator(options.model)
        vocals = clusters_of(separator, options.vocals, "vocals")
        separator.rack = ClusterRack({k: [Reverb(room_size=0.6, wet_level=0.3, dry_level=0.0)] for k in vocals})
        with AudioFile(options.song) as source:
            rate, channels = source.samplerate, source.num_channels
        player = AudioStream(output_device_name=AudioStream.default_output_device_name) if options.play else None
        with AudioFile(options.out, "w", rate, channels, bit_depth=24) as out:
            for block in karaoke(separator, options.song):
                out.write(block)
                if player is not None:
                    player.write(block, rate)


if __name__ == "__main__":
    main()
