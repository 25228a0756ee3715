"""The recurrence's kernel for graphics cards, or without one in Triton's interpreter (pip install triton)."""


import pytest
import torch
from torch import Tensor

from vqss_engine.scan import _doubling_scan

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
pytest.importorskip("triton", reason="the kernels of graphics cards need triton")


def scanned(by_kernel: bool) -> list[Tensor]:
    from vqss_engine.device_scan import device_scan

    chance = torch.Generator().manual_seed(1)
    shapes = ((2, 9, 150), (2, 9, 150), (2, 150))
    a, b, start = (torch.rand(shape, generator=chance).to(DEVICE).requires_grad_() for shape in shapes)
    out = (device_scan if by_kernel else _doubling_scan)(a, b, start)
    (out * torch.linspace(-1, 1, out.numel(), device=DEVICE).view(out.shape)).sum().backward()
    assert a.grad is not None and b.grad is not None and start.grad is not None
    return [out, a.grad, b.grad, start.grad]


def test_the_recurrence_and_its_gradients() -> None:
    for found, expected in zip(scanned(True), scanned(False), strict=True):
        assert torch.allclose(found, expected, atol=1e-5)
