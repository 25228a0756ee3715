"""Which code the query encoder and the codebook give to audio: for the histogram and the partition score."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from training.config import clip_frames
from training.query_encoder import QueryEncoder
from vqss_engine.bundle import ModelBundle
from vqss_engine.config import ModelConfig
from vqss_engine.errors import VQSSError
from vqss_engine.stft import analysis_spectrogram

Floats = NDArray[np.float32]

CLIP_S = 3.0
SILENT_BELOW_PEAK = 0.03  # a clip this much softer than the stem's loudest is not asked about


def load_encoder(bundle: ModelBundle) -> QueryEncoder:
    """The bundle's query encoder, ready to run; raises VQSSError if the bundle has none, or one of another model."""
    if not bundle.query_weights:
        raise VQSSError(f"the bundle '{bundle.name}' has no query encoder; export it again from a checkpoint")
    encoder = QueryEncoder(bundle.config)
    try:
        encoder.load_state_dict({name: torch.from_numpy(value) for name, value in bundle.query_weights.items()})
    except RuntimeError as error:
        raise VQSSError(f"the query encoder of '{bundle.name}' does not fit its model; export it again") from error
    return encoder.eval()


def clip_powers(audio: Floats, config: ModelConfig) -> Floats:
    """Powers (Q, T, M) of the 3-second clips of a stem (C, N) in which it plays; its end, where it plays in none."""
    frames = clip_frames(CLIP_S, config)
    mono = audio.mean(0, keepdims=True)
    mono = np.pad(mono, ((0, 0), (0, max(0, frames * config.train_hop - mono.shape[1]))))
    hop = config.train_synthesis // 2
    every = config.train_hop // hop
    spectrum = analysis_spectrogram(mono, config.window, hop, config.train_synthesis)
    power = np.square(np.abs(spectrum[0, every - 1 :: every]))  # frames of the trained hop
    gathered = np.add.reduceat(power, config.mask_edges[:-1], axis=1).astype(np.float32)
    count = len(gathered) // frames
    clips = gathered[: count * frames].reshape(count, frames, -1)
    loudness = np.sqrt(clips.sum(axis=(1, 2)))
    sounding = clips[loudness > SILENT_BELOW_PEAK * max(float(loudness.max()), 1e-9)]
    return sounding if len(sounding) else gathered[None, -frames:]


@torch.no_grad()
def clip_codes(encoder: QueryEncoder, bundle: ModelBundle, audio: Floats) -> NDArray[np.int64]:
    """Code of each sounding 3-second clip of a stem (C, N)."""
    z = encoder(torch.from_numpy(clip_powers(audio, bundle.config)))
    nearest: NDArray[np.int64] = (z @ torch.from_numpy(bundle.weights["codes"]).T).argmax(-1).numpy()
    return nearest
