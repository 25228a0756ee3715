"""First-order linear recurrence over time, differentiable: h[t] = a[t] * h[t-1] + b[t].

On a CPU a compiled loop does it in one pass over memory, on a graphics card a kernel of `device_scan`; elsewhere Hillis
and Steele's doubling scan ("Data parallel algorithms", 1986) needs log2(T) elementwise passes and no custom kernel.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vqss_engine.compiled import njit, prange

_on_device: Any = None  # the kernel, where there are a card and a compiler for it
if torch.cuda.is_available():
    with contextlib.suppress(ImportError):
        from vqss_engine.device_scan import device_scan as _on_device


@njit(cache=True, parallel=True, nogil=True, fastmath=True)
def _scan_forward(a: np.ndarray, b: np.ndarray, start: np.ndarray, out: np.ndarray) -> None:
    batch, frames, width = a.shape
    for i in prange(batch):
        for j in range(width):
            out[i, 0, j] = a[i, 0, j] * start[i, j] + b[i, 0, j]
        for t in range(1, frames):
            for j in range(width):
                out[i, t, j] = a[i, t, j] * out[i, t - 1, j] + b[i, t, j]


@njit(cache=True, parallel=True, nogil=True, fastmath=True)
def _scan_backward(
    a: np.ndarray, out: np.ndarray, start: np.ndarray, grad: np.ndarray, grad_a: np.ndarray, grad_b: np.ndarray
) -> None:
    batch, frames, width = a.shape
    for i in prange(batch):
        for j in range(width):
            grad_b[i, frames - 1, j] = grad[i, frames - 1, j]
        for t in range(frames - 1, 0, -1):
            for j in range(width):
                carried = grad_b[i, t, j]
                grad_a[i, t, j] = carried * out[i, t - 1, j]
                grad_b[i, t - 1, j] = grad[i, t - 1, j] + a[i, t, j] * carried
        for j in range(width):
            grad_a[i, 0, j] = grad_b[i, 0, j] * start[i, j]


class _CompiledScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, start: Tensor) -> Tensor:
        a, b, start = a.contiguous(), b.contiguous(), start.contiguous()
        out = torch.empty_like(b)
        _scan_forward(a.detach().numpy(), b.detach().numpy(), start.detach().numpy(), out.numpy())
        ctx.save_for_backward(a, out, start)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, out, start = ctx.saved_tensors
        grad_a, grad_b = torch.empty_like(a), torch.empty_like(a)
        _scan_backward(
            a.numpy(), out.numpy(), start.numpy(), grads[0].contiguous().numpy(), grad_a.numpy(), grad_b.numpy()
        )
        return grad_a, grad_b, grad_b[:, 0] * a[:, 0]


@torch.compiler.disable  # or its tracer would follow numba's compiler, too
def _compiled_scan(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    scanned: Tensor = _CompiledScan.apply(a.float(), b.float(), start.float())
    return scanned


def _doubling_scan(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    b = torch.cat([(b[:, :1] + a[:, :1] * start[:, None]), b[:, 1:]], dim=1)
    reach = 1
    while reach < a.shape[1]:
        b = torch.cat([b[:, :reach], b[:, reach:] + a[:, reach:] * b[:, :-reach]], dim=1)
        a = torch.cat([a[:, :reach], a[:, reach:] * a[:, :-reach]], dim=1)
        reach *= 2
    return b


def linear_scan(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    """Run h[t] = a[t] h[t-1] + b[t] with h[-1] = start.

    a, b: (B, T, W) float32; start: (B, W). Returns h (B, T, W). Differentiable in all three.
    """
    if a.shape[1] == 1:
        return a * start[:, None] + b
    if a.device.type == "cpu":
        return _compiled_scan(a, b, start)
    if a.device.type == "cuda" and _on_device is not None:
        scanned: Tensor = _on_device(a.contiguous(), b.contiguous(), start.contiguous())
        return scanned
    return _doubling_scan(a, b, start)
