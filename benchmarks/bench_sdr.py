"""What speed costs in quality: class SDR of the engine beside the same network run by torch in float32.

The reference masks whole spectrograms with torch, one pass for each phase of the stream, and overlaps the frames in
float64 with scipy; nothing of the compiled step, its vector code or its transforms is in it. Songs are those of the
folder that $VQSS_MULTITRACKS names: one folder a song, one file a class.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray

from benchmarks.rows import Row, row
from training.evaluate import separate
from training.multitracks import Multitrack, class_of, find_multitracks, read_song
from training.scoring import SongScore, best_map, class_sdr, with_average
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import StreamConfig
from vqss_engine.generator import Generator
from vqss_engine.offline import OfflineSeparator
from vqss_engine.stft import analysis_spectrogram, asymmetric_windows

Floats = NDArray[np.float32]

SONGS_PER_SECOND = 0.5
"""How many songs a second of the run's length stands for."""

LONGEST_S = 8.0


def songs_here() -> list[Multitrack]:
    """The multitracks, none where they are not at hand."""
    folder = os.environ.get("VQSS_MULTITRACKS", "")
    return find_multitracks(Path(folder)) if folder else []


@torch.no_grad()
def reference(generator: Generator, mix: Floats, stream: StreamConfig) -> Floats:
    """All clusters (K, C, N) of a mix (C, N), by torch and scipy."""
    config, hop, synthesis = generator.config, stream.hop, stream.synthesis
    samples = mix.shape[1]
    padded = np.pad(mix, ((0, 0), (0, synthesis + -(samples + synthesis) % hop)))
    spectrum = analysis_spectrogram(padded, config.window, hop, synthesis)  # (C, T, F)
    every, step = stream.mask_hops, config.train_hop // hop
    masks = np.empty((config.clusters, len(range(0, spectrum.shape[1], every)), config.mask_bins), np.float32)
    for phase in range(step // every):
        frames = np.ascontiguousarray(spectrum[None, :, phase * every :: step])
        masks[:, phase :: step // every] = generator(torch.from_numpy(frames))[0].numpy()
    wide = np.repeat(np.repeat(masks, every, axis=1)[:, : spectrum.shape[1]], np.diff(config.mask_edges), axis=-1)
    short = asymmetric_windows(config.window, hop, synthesis)[1].astype(np.float64)
    out = np.zeros((config.clusters, len(mix), spectrum.shape[1] * hop + synthesis))
    for k, mask in enumerate(wide):
        pieces = scipy.fft.irfft(mask * spectrum.astype(np.complex128), config.window)[..., -synthesis:] * short
        for t in range(spectrum.shape[1]):
            out[k, :, t * hop : t * hop + synthesis] += pieces[:, t]
    late = synthesis - hop  # of a frame's first sample behind the block that completed it
    return out[:, :, late : late + samples].astype(np.float32)


def score(song: str, labels: tuple[str, ...], clusters: Floats, sources: Floats) -> SongScore:
    """Inner products of clusters (K, C, N) and sources (S, C, N)."""
    both = np.concatenate([clusters, sources]).reshape(len(clusters) + len(sources), -1).astype(np.float64)
    return SongScore(song, labels, both @ both.T, np.zeros(0))


def run(seconds: float = 10.0) -> list[Row]:
    """Rows in dB; none where there are no songs."""
    songs = songs_here()
    if not songs:
        return []
    bundle = ModelBundle.load()
    generator, stream = Generator.of(bundle), StreamConfig.named("default")
    separators: dict[int, OfflineSeparator] = {}
    ours, theirs, largest = list[SongScore](), list[SongScore](), 0.0
    for song in songs[:: max(1, round(len(songs) / max(2.0, seconds * SONGS_PER_SECOND)))]:
        stems = read_song(song, bundle.config.sample_rate)
        names = tuple(class_of(name) for name, _ in stems)
        sources = np.stack([audio for _, audio in stems])[..., : round(LONGEST_S * bundle.config.sample_rate)]
        mix = sources.sum(0)
        if len(mix) not in separators:
            separators[len(mix)] = OfflineSeparator(bundle, stream, len(mix))
        separator = separators[len(mix)]
        clusters, expected = separate(separator, mix), reference(generator, mix, stream)
        largest = max(largest, float(np.abs(clusters - expected).max()))
        ours.append(score(song.folder.name, names, clusters, sources))
        theirs.append(score(song.folder.name, names, expected, sources))
    mapping = best_map(theirs, sorted({name for song_score in theirs for name in song_score.classes}))
    found, wanted = (with_average(class_sdr(scores, mapping))["average"] for scores in (ours, theirs))
    return [
        row("class SDR of the engine", [found], "dB", note=f"{len(ours)} songs"),
        row("class SDR of the network by torch in float32", [wanted], "dB"),
        row("difference in SDR", [abs(found - wanted)], "dB"),
        row("difference of a sample, largest", [largest], "of 1.0"),
    ]
