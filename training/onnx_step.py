"""One step of the generator as an ONNX graph, for hosts that have a runtime of their own."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vqss_engine.bundle import ModelBundle
from vqss_engine.errors import VQSSError, reason
from vqss_engine.generator import Generator, LayerState, State
from vqss_engine.whole_files import written_whole

INPUTS = ("power", "side", "level", "hidden", "previous")
OUTPUTS = ("masks", "next_level", "next_hidden", "next_previous")


class OneStep(nn.Module):
    """A frame's mask-bin powers and the state in, masks and the next state out, as plain tensors."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(
        self, power: Tensor, side: Tensor, level: Tensor, hidden: Tensor, previous: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """power, side (1, M); level (1, 1); hidden (L, 1, Bn R); previous (L, 1, 1, Bn, D) -> masks (K, M), state."""
        layers = tuple(LayerState(h, p) for h, p in zip(hidden.unbind(0), previous.unbind(0), strict=True))
        generator = self.generator
        logits, after = generator.logits(power[None], side[None], generator.codes, State(level, layers))
        masks = torch.softmax(logits[0, 0], dim=-1).transpose(0, 1)
        return (
            masks,
            after.level,
            torch.stack([layer.hidden for layer in after.layers]),
            torch.stack([layer.previous for layer in after.layers]),
        )


def initial_inputs(generator: Generator) -> tuple[Tensor, ...]:
    """Silence and the state of a generator that has heard nothing, in the order of INPUTS."""
    state, bins = generator.initial_state(1), generator.config.mask_bins
    hidden = torch.stack([layer.hidden for layer in state.layers])
    previous = torch.stack([layer.previous for layer in state.layers])
    return torch.zeros(1, bins), torch.zeros(1, bins), state.level, hidden, previous


def write_onnx(bundle: ModelBundle, path: Path) -> None:
    """Write the graph to `path`, whole or not at all.

    Raises ImportError without the onnx package, VQSSError where the disk refuses.
    """
    generator = Generator.of(bundle)
    try:
        with written_whole(path) as partial:
            _trace(generator, partial)
            _finish(partial)
    except OSError as error:
        raise VQSSError(f"cannot write to '{path.parent}' ({reason(error)}); choose another folder") from error


def _trace(generator: Generator, path: Path) -> None:
    with warnings.catch_warnings():
        # Sizes become constants of the graph, as they are of the model.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            OneStep(generator),
            initial_inputs(generator),
            str(path),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            opset_version=17,
            dynamo=False,
        )


def _finish(path: Path) -> None:
    """Constants in single precision, and checked."""
    import onnx

    model = onnx.load(str(path))
    _single_precision(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _single_precision(model: Any) -> None:
    """Make every number float32: the exporter takes Python's constants for doubles, and what they touch with them."""
    from onnx import TensorProto, numpy_helper

    def narrow(tensor: Any) -> None:
        if tensor.data_type == TensorProto.DOUBLE:
            array = numpy_helper.to_array(tensor).astype("float32")
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

    for tensor in model.graph.initializer:
        narrow(tensor)
    for node in model.graph.node:
        for attribute in node.attribute:
            narrow(attribute.t)
            if node.op_type == "Cast" and attribute.i == TensorProto.DOUBLE:
                attribute.i = TensorProto.FLOAT
    for output in model.graph.output:
        output.type.tensor_type.elem_type = TensorProto.FLOAT
    del model.graph.value_info[:]  # the types it had noted down
