"""One step of the network on one core: compiled, ONNX Runtime, frozen TorchScript and eager torch, interleaved."""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rows import Row, compared, in_turn
from vqss_engine.bundle import ModelBundle
from vqss_engine.runtime import Runtime

OURS, ONNX = "compiled (ours)", "ONNX Runtime"


def _frame(bundle: ModelBundle) -> np.ndarray:
    rng = np.random.default_rng(0)
    shape = (2, bundle.config.bins)
    return ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * 3).astype(np.complex64)


def _torch_steps(bundle: ModelBundle) -> dict[str, Callable[[], Any]]:
    import torch

    from training.onnx_step import OneStep, initial_inputs
    from vqss_engine.generator import Generator

    torch.set_num_threads(1)
    generator = Generator.of(bundle)
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

    from training.onnx_step import INPUTS, initial_inputs, write_onnx
    from vqss_engine.generator import Generator

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        write_onnx(bundle, Path(folder) / "step.onnx")
        session = onnxruntime.InferenceSession(str(Path(folder) / "step.onnx"), options)
    arrays = [tensor.numpy() for tensor in initial_inputs(Generator.of(bundle))]
    feed = dict(zip(INPUTS, arrays, strict=True))
    return {ONNX: lambda: session.run(None, feed)}


def run(seconds: float = 10.0) -> list[Row]:
    """Rows in µs of processor time; the reference is ONNX Runtime, or the compiled step where that is not installed."""
    bundle = ModelBundle.load()
    runtime, frame = Runtime(bundle, 256), _frame(bundle)
    steps: dict[str, Callable[[], Any]] = {OURS: lambda: runtime.step(frame)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing tells that the graph is of one step only, as is wanted
        for make in (_onnx_step, _torch_steps):
            try:
                steps |= make(bundle)
            except ImportError as error:
                print(f"bench_runtime: left out: {error}", file=sys.stderr, flush=True)
    times = in_turn({name: (once, 1, 1e6) for name, once in steps.items()}, seconds, 20, time.process_time)
    return compared(times, "µs", ONNX if ONNX in times else OURS, "network step, ")
