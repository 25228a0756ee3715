"""The peers' models, with the weights they begin training with: how fast they are does not depend on what they learnt.

Only the models are loaded. What their packages import for reading files, playing and training is not installed, and
stands here as modules whose every name says so once it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Call = Callable[[Floats], Any]

NOT_NEEDED = (
    "torchaudio", "torchaudio.transforms", "torchaudio.functional", "torchcodec", "torchcodec.encoders", "librosa",
    "sounddevice",
)  # fmt: skip
STEMS = ["drums", "bass", "other", "vocals"]
RELEASED_HTDEMUCS = {"bottom_channels": 512, "dconv_mode": 3, "segment": 7.8}
"""What the published htdemucs was built with where it differs from the class's defaults: 42.0 M parameters."""


def _absent(name: str) -> ModuleType:
    def attribute(wanted: str) -> Any:
        if wanted.startswith("__"):
            raise AttributeError(wanted)

        def called(*_: Any, **__: Any) -> None:
            raise RuntimeError(f"{name}.{wanted} is not installed: only the model is measured")

        return called

    module = ModuleType(name)
    module.__getattr__ = attribute  # type: ignore[method-assign]
    return module


def _stand_in() -> None:
    for name in NOT_NEEDED:
        if name not in sys.modules:
            sys.modules[name] = _absent(name)
            parent, _, child = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], child, sys.modules[name])


def _without_init(package: str) -> None:
    """Make the modules of a package importable without its own first module, which would bring its trainer."""
    found = find_spec(package)
    if found is None or found.submodule_search_locations is None:
        raise ModuleNotFoundError(f"No module named '{package}'")
    bare = ModuleType(package)
    bare.__path__ = list(found.submodule_search_locations)
    sys.modules[package] = bare


def hs_tasnet_stream(small: bool) -> tuple[Call, int]:
    """Its own streaming function, and the samples of a hop: (2, hop) float32 in, (4, 2, hop) out."""
    _stand_in()
    if "hs_tasnet" not in sys.modules:
        _without_init("hs_tasnet")
    from hs_tasnet.hs_tasnet import HSTasNet

    model = HSTasNet(small=small)
    return model.init_stateful_transform_fn(), int(model.overlap_len)


def demucs_file() -> Call:
    """Its own `apply_model` in segments that overlap by a quarter, no random shifts: (2, N) float32 to (1, 4, 2, N)."""
    import torch
    from demucs.apply import apply_model
    from demucs.htdemucs import HTDemucs

    model = HTDemucs(STEMS, **RELEASED_HTDEMUCS).eval()
    return lambda song: apply_model(model, torch.from_numpy(song)[None], shifts=0)


def openunmix_file() -> Call:
    """umxl with its default filter, one round: (2, N) float32 to (1, 4, 2, N)."""
    import torch

    _stand_in()
    import openunmix

    separator = openunmix.umxl(pretrained=False).eval()

    def separate(song: Floats) -> Any:
        with torch.inference_mode():
            return separator(torch.from_numpy(song)[None])

    return separate
