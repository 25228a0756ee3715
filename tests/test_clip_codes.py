"""Every stem that sounds has a code, wherever in the song it sounds."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from training.codes import clip_codes, load_encoder
from vqss_engine.bundle import ModelBundle

RATE = 44100


@settings(max_examples=12, deadline=None)
@example(5.0, 1.0)
@given(st.floats(0.2, 8.0), st.floats(0.0, 1.0))
def test_a_stem_that_sounds_for_a_moment_has_a_code(seconds: float, place: float) -> None:
    bundle = ModelBundle.load(None)
    audio = np.zeros((2, int(seconds * RATE)), np.float32)
    hit = np.sin(np.arange(4000) / 20) * np.exp(-np.arange(4000) / 900)
    start = int(place * max(0, audio.shape[1] - 4000))
    audio[:, start : start + 4000] = hit.astype(np.float32)[: audio.shape[1] - start]
    codes = clip_codes(load_encoder(bundle), bundle, audio)
    assert len(codes) >= 1 and set(codes) <= set(range(bundle.config.clusters))
