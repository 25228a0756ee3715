"""Batches are the same wherever they are mixed: on a graphics card, in Triton's interpreter, on the CPU."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training_songs import RATE, small_config, write_songs
from training.bank import build_bank
from training.data import MixSampler

pytest.importorskip("triton", reason="the kernels of graphics cards need triton")
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("coded", [True, False])
def test_a_batch_is_the_same_wherever_it_is_mixed(tmp_path: Path, coded: bool) -> None:
    config = small_config(tmp_path, write_songs(tmp_path / "songs"), "data.wide=0.7")
    bank = build_bank(config.data.songs, tmp_path, RATE)
    codes = np.arange(len(bank)) % 2 if coded else None
    samples = torch.from_numpy(np.array(bank.samples)).to(DEVICE)
    data = replace(config.data, clip_s=0.07)  # the interpreter is slow
    host = MixSampler(bank, data, config.model, 3, codes).batch(2, 2)
    device = MixSampler(bank, data, config.model, 3, codes, samples).batch(2, 2).to(torch.device("cpu"))
    assert torch.equal(host.slot_codes, device.slot_codes) and torch.equal(host.present, device.present)
    names = [name for name, value in vars(host).items() if value is not None]
    assert ("query" in names) is not coded
    for name in names:
        expected, found = getattr(host, name).double(), getattr(device, name).double()
        tolerance = 0.02 if name == "side" else 1e-4  # of a share of nearly nothing little is certain
        assert float((found - expected).abs().max()) <= tolerance * float(expected.abs().max()) + 1e-12
