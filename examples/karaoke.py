"""Karaoke with the room left on: the vocals go, their reverb stays.

    python -m examples.karaoke SONG OUT.wav [--vocals 3,11] [--play]

The rack replaces the vocal clusters by their own reverb alone, so the song keeps its space. The song is read and
written in blocks with pedalboard's AudioFile, and played, with --play, through its AudioStream.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from pedalboard import Reverb
from pedalboard.io import AudioFile, AudioStream

from bridge.pedalboard_bridge import ClusterRack, VQSSeparator

BLOCK_SAMPLES = 16384


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
