"""A drum bus: all drum clusters together through one compressor, in parallel with the rest of the song.

    python -m examples.drum_bus SONG OUT.wav [--drums 0,3,14] [--blend 0.5]

New York compression: the drums as they are, plus the same drums squashed hard. `|` makes one chain of separator and
pedalboard's plug-ins, and chains are streamed block by block, so the song may be of any length.
"""

from __future__ import annotations

import argparse

import numpy as np
from pedalboard import Compressor, Gain, HighpassFilter
from pedalboard.io import AudioFile

from bridge.pedalboard_bridge import PluginChain, VQSSeparator
from examples.karaoke import BLOCK_SAMPLES, clusters_of, new_file


def drum_bus(model: str | None, drums: list[int], blend: float) -> PluginChain:
    """The squashed drums alone."""
    squash = Compressor(threshold_db=-35, ratio=8, attack_ms=3, release_ms=120)
    makeup = Gain(12 + 20 * np.log10(max(blend, 1e-3)))
    return HighpassFilter(40) | VQSSeparator(model, solo=drums) | squash | makeup


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("song")
    parser.add_argument("out")
    parser.add_argument("--model", help="model bundle (default: the shipped one)")
    parser.add_argument("--drums", help="numbers of the drum clusters, as in 0,3,14")
    parser.add_argument("--blend", type=float, default=0.5, help="level of the squashed drums, 0 to 1 (default: 0.5)")
    options = parser.parse_args()

    with new_file(options.out), AudioFile(options.song) as song:
        drums = clusters_of(VQSSeparator(options.model), options.drums, "drums")
        bus = drum_bus(options.model, drums, options.blend)
        dry = np.zeros((song.num_channels, 0), np.float32)
        with AudioFile(options.out, "w", song.samplerate, song.num_channels, bit_depth=24) as out:
            while song.tell() < song.frames:
                block = song.read(BLOCK_SAMPLES)
                dry = np.concatenate([dry, block], axis=1)
                wet = bus.process(block, song.samplerate, reset=False)
                if song.tell() >= song.frames:
                    wet = np.concatenate([wet, bus.flush()], axis=1)
                # A stream comes back trimmed, aligned with what went in: its samples belong to the oldest dry ones.
                out.write(dry[:, : wet.shape[1]] + wet)
                dry = dry[:, wet.shape[1] :]


if __name__ == "__main__":
    main()
