"""Whether a run that goes on has the stems it began with.

A checkpoint keeps the codes of the stems by their place in the bank.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.bank import Bank
from vqss_engine.errors import VQSSError

LEVEL_TOLERANCE = 1e-3  # another machine may round a level otherwise


def fingerprint(bank: Bank) -> dict[str, Tensor]:
    """What tells a bank's stems from others, for a checkpoint: length, song and level of each.

    No paths and no dates, so that songs may be moved and copied.
    """
    songs = np.unique(bank.songs, return_inverse=True)[1]  # songs that were passed over do not count
    return {"lengths": _tensor(bank.lengths), "songs": _tensor(songs), "levels": _tensor(bank.rms)}


def check_stems(content: dict[str, Any], bank: Bank, path: Path) -> None:
    """Raise VQSSError where the checkpoint `content`, read from `path`, was made with other stems than the bank's.

    Checkpoints of before there were fingerprints are compared by the number of their stems alone.
    """
    before, codes = content.get("stems"), content["stem_codes"]
    if before is None:
        is_same = codes is None or len(codes) == len(bank)
    else:
        now = fingerprint(bank)
        is_same = all(torch.equal(before[key], now[key]) for key in ("lengths", "songs"))
        is_same = is_same and torch.allclose(before["levels"], now["levels"], rtol=LEVEL_TOLERANCE, atol=0.0)
    if not is_same:
        raise VQSSError(f"{path} was made with other songs; give those again, or begin a new run")


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(values))
