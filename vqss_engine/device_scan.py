"""The recurrence of `scan` on a graphics card: one pass over memory, every channel a thread that walks through time."""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

CHANNELS = 128  # of one program


@triton.jit
def _forward(a, b, start, out, width, FRAMES: tl.constexpr, CHANNELS: tl.constexpr):  # type: ignore[no-untyped-def]
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    inside = channel < width
    row = tl.program_id(0).to(tl.int64)
    place = row * FRAMES * width + channel
    h = tl.load(start + row * width + channel, mask=inside, other=0.0)
    for _ in range(FRAMES):
        h = tl.load(a + place, mask=inside, other=0.0) * h + tl.load(b + place, mask=inside, other=0.0)
        tl.store(out + place, h, mask=inside)
        place += width


@triton.jit
def _backward(a, out, start, grad, grad_a, grad_b, width, FRAMES: tl.constexpr, CHANNELS: tl.constexpr):  # type: ignore[no-untyped-def]
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    inside = channel < width
    row = tl.program_id(0).to(tl.int64)
    place = (row * FRAMES + FRAMES - 1) * width + channel
    carried = tl.zeros([CHANNELS], tl.float32)
    for _ in range(FRAMES - 1):
        carried += tl.load(grad + place, mask=inside, other=0.0)
        tl.store(grad_b + place, carried, mask=inside)
        tl.store(grad_a + place, carried * tl.load(out + place - width, mask=inside, other=0.0), mask=inside)
        carried *= tl.load(a + place, mask=inside, other=0.0)
        place -= width
    carried += tl.load(grad + place, mask=inside, other=0.0)
    tl.store(grad_b + place, carried, mask=inside)
    first = tl.load(start + row * width + channel, mask=inside, other=0.0)
    tl.store(grad_a + place, carried * first, mask=inside)


def _grid(a: Tensor) -> tuple[int, int]:
    return a.shape[0], triton.cdiv(a.shape[2], CHANNELS)


@torch.library.custom_op("vqss::scan", mutates_args=())
def device_scan(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    """Run h[t] = a[t] h[t-1] + b[t] from start (B, W); a, b, h (B, T, W), contiguous float32."""
    out = torch.empty_like(b)
    _forward[_grid(a)](a, b, start, out, a.shape[2], FRAMES=a.shape[1], CHANNELS=CHANNELS)
    return out


@torch.library.custom_op("vqss::scan_backward", mutates_args=())
def _scan_backward(a: Tensor, out: Tensor, start: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    grad_a, grad_b = torch.empty_like(a), torch.empty_like(a)
    _backward[_grid(a)](a, out, start, grad, grad_a, grad_b, a.shape[2], FRAMES=a.shape[1], CHANNELS=CHANNELS)
    return grad_a, grad_b


@device_scan.register_fake
def _(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    return torch.empty_like(b)


@_scan_backward.register_fake
def _(a: Tensor, out: Tensor, start: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    return torch.empty_like(a), torch.empty_like(a)


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(inputs[0], output, inputs[2])


def _gradients(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    a, out, start = ctx.saved_tensors
    grad_a, grad_b = _scan_backward(a, out, start, grad.contiguous())
    return grad_a, grad_b, grad_b[:, 0] * a[:, 0]


device_scan.register_autograd(_gradients, setup_context=_keep)
