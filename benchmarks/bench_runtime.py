"""One step of the network on one core: compiled, ONNX Runtime, frozen TorchScript and eager torch, interleaved."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vqss_engine.bundle import ModelBundle
from vqss_engine.runtime import Runtime


def _frame(bundle: ModelBundle) -> np.ndarray:
    rng = np.random.default_rng(0)
    shape = (2, bundle.config.bins)
    return ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * 3).astype(np.complex64)


def _torch_steps(bundle: ModelBundle) -> dict[str, Callable[[], Any]]:
    import torch

    from training.onnx_step import OneStep, generator_of, initial_inputs

    torch.set_num_threads(1)
    generator = generator_of(bundle)
    step, inputs = OneStep(generator).eval(), initial_inputs(generator)
    with torch.no_grad():
        traced = torch.jit.freeze(torch.jit.trace(step, inputs))

    def run(module: Any) -> Callable[[], Any]:
        def once() -> None:
            with torch.no_grad():
                module(*inputs)

        return once

    return {"torch eager": run(step), "torch TorchScript": run(traced)}


def _onnx_step(bundle: ModelBundle) -> dict[str, Callable[[], Any]]:
    import onnxruntime

    from training.onnx_step import INPUTS, generator_of, initial_inputs, write_onnx

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        write_onnx(bundle, Path(folder) / "step.onnx")
        session = onnxruntime.InferenceSession(str(Path(folder) / "step.onnx"), options)
    arrays = [tensor.numpy() for tensor in initial_inputs(generator_of(bundle))]
    feed = dict(zip(INPUTS, arrays, strict=True))
    return {"ONNX Runtime": lambda: session.run(None, feed)}


def run(seconds: float = 10.0) -> list[dict[str, Any]]:
    """Rows of median and p99 in µs; the reference is ONNX Runtime."""
    bundle = ModelBundle.load()
    runtime, frame = Runtime(bundle, 256), _frame(bundle)
    steps: dict[str, Callable[[], Any]] = {"compiled (ours)": lambda: runtime.step(frame)}
    steps |= _onnx_step(bundle) | _torch_steps(bundle)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for once in steps.values():
        for _ in range(20):
            once()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, once in steps.items():
            started = time.perf_counter()
            once()
            times[name].append((time.perf_counter() - started) * 1e6)
    reference = float(np.median(times["ONNX Runtime"]))
    return [
        {
            "name": f"network step, {name}",
            "median_us": float(np.median(values)),
            "p99_us": float(np.percentile(values, 99)),
            "ratio": float(np.median(values)) / reference,
            "reference": "ONNX Runtime",
        }
        for name, values in times.items()
    ]


if __name__ == "__main__":
    for row in run():
        figures = f"{row['median_us']:9.1f} {row['p99_us']:9.1f} µs  {row['ratio']:6.2f} x {row['reference']}"
        print(f"{row['name']:36} {figures}")
