"""Make room for the singer: the guitar clusters duck whenever the vocal clusters sound.

    python -m examples.duck_guitar SONG OUT.wav [--guitar 5] [--vocals 3,11] [--depth -6]

A side-chain between two instruments of a finished mix. Only the guitar is touched; what is not ducked stays sample for
sample what it was.
"""

from __future__ import annotations

import argparse

import numpy as np
from pedalboard.io import AudioFile

from bridge.pedalboard_bridge import VQSSeparator
from examples.karaoke import clusters_of, new_file

ATTACK_S, RELEASE_S, STEP_S = 0.02, 0.25, 0.005
THRESHOLD = 10 ** (-36 / 20)


def ducking_gain(key: np.ndarray, sample_rate: float, depth_db: float) -> np.ndarray:
    """A gain (N,) that falls to `depth_db` while `key` (C, N) is louder than -36 dBFS, without a step."""
    step = max(1, round(STEP_S * sample_rate))
    starts = range(0, key.shape[1], step)
    level, gain_db, curve = 0.0, 0.0, []
    for start in starts:
        level = float(np.sqrt(np.mean(np.square(key[:, start : start + step]))))
        target = depth_db if level > THRESHOLD else 0.0
        seconds = ATTACK_S if target < gain_db else RELEASE_S
        gain_db += (target - gain_db) * min(1.0, STEP_S / seconds)
        curve.append(gain_db)
    curve_db = np.interp(np.arange(key.shape[1]), [start + step for start in starts], curve)
    return (10 ** (curve_db / 20)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("song")
    parser.add_argument("out")
    parser.add_argument("--model", help="model bundle (default: the shipped one)")
    parser.add_argument("--guitar", help="numbers of the guitar clusters, as in 5,8")
    parser.add_argument("--vocals", help="numbers of the vocal clusters, as in 3,11")
    parser.add_argument("--depth", type=float, default=-6.0, help="how far to duck, in dB (default: -6)")
    options = parser.parse_args()

    with new_file(options.out):
        with AudioFile(options.song) as song:
            mix, rate = song.read(song.frames), song.samplerate
        separator = VQSSeparator(options.model)
        separator.solo = clusters_of(separator, options.vocals, "vocals")
        vocals = separator(mix, rate)
        separator.solo = clusters_of(separator, options.guitar, "guitar")
        guitar = separator(mix, rate)
        out = mix + (ducking_gain(vocals, rate, options.depth) - 1) * guitar
        with AudioFile(options.out, "w", rate, out.shape[0], bit_depth=24) as file:
            file.write(out)


if __name__ == "__main__":
    main()
