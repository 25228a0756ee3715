"""`vqss export`: a training checkpoint as a bundle, a bundle with names for its clusters, or a bundle as ONNX."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge.commands import options
from bridge.console import print_json
from bridge.manifest import printable
from vqss_engine.errors import UsageError, VQSSError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", type=Path, metavar="CHECKPOINT|BUNDLE", help="a checkpoint or a bundle for -o, a bundle for --onnx"
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("-o", "--out", type=options.target, metavar="BUNDLE", help="write the model as a bundle")
    target.add_argument("--onnx", type=Path, metavar="FILE", help="write one step of a bundle's network as ONNX")
    parser.add_argument(
        "--scores", type=Path, metavar="FILE",
        help="what vqss evaluate --json printed: names the clusters and goes into the bundle's provenance",
    )  # fmt: skip
    parser.add_argument(
        "--mean-with", type=Path, metavar="BUNDLE",
        help="take the mean of the weights and those of a bundle that the source went on from",
    )  # fmt: skip
    parser.add_argument("--name", default="", metavar="TEXT", help="what the bundle calls itself")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing bundle or file")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    out: Path = arguments.out or arguments.onnx
    if arguments.onnx and (arguments.scores or arguments.name or arguments.mean_with):
        raise UsageError("--scores, --name and --mean-with are for a bundle; give them with -o")
    if arguments.onnx and out.suffix.lower() != ".onnx":
        raise UsageError(f"'{out}' is no ONNX file; give --onnx a name that ends in .onnx")
    _check_out(out, arguments.out is not None, arguments.overwrite)
    from training.export import export_bundle, export_onnx

    if arguments.out:
        export_bundle(arguments.source, out, arguments.name, arguments.scores, arguments.mean_with)
    else:
        export_onnx(arguments.source, out)
    if arguments.json:
        print_json({"file": printable(str(out))})
    else:
        print(out)
    return 0


def _check_out(out: Path, as_bundle: bool, overwrite: bool) -> None:
    """Nothing is replaced but, on demand, a bundle by a bundle and a file by a file."""
    from vqss_engine.bundle import is_bundle

    if not out.exists():
        return
    replaceable = is_bundle(out) if as_bundle else out.is_file()
    if not replaceable:
        raise VQSSError(f"'{out}' exists and is something else; choose another name")
    if not overwrite:
        raise VQSSError(f"'{out}' already exists; pass --overwrite or choose another name")
