"""Turn the reader's weights into a file that onnxruntime runs behind the embedder's lower layers.

The reader (`training/reader.py`) has upper layers of its own. The file takes the states that the
embedder's file gives below them (`onnx_build.LOWER`), and gives a unit vector for each token, how
much it matters in a question, and a unit vector for the whole text.

Run as a program: ``python -m models.onnx.reader_build WEIGHTS TARGET``.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto
from safetensors.numpy import load_file

from core.durable import write_durably
from models.onnx.build import Array, Graph, Shape

HEADS = 12
_EPS = 1e-12


def build_reader(tensors: Mapping[str, Array]) -> onnx.ModelProto:
    """Return the reader's layers.

    Inputs: ``states`` (texts, tokens, 384) and ``mask`` (texts, tokens), 1 for a token. Outputs:
    ``tokens`` (texts, tokens, 384), ``weights`` (texts, tokens), ``whole`` (texts, 384).
    """
    graph = Graph("int8")
    width = tensors["weight.weight"].shape[1]
    graph.node("Cast", ["mask"], "mask.int", to=TensorProto.INT32)
    x = "states"
    number = 0
    while f"layers.{number}.qkv.weight" in tensors:
        at = f"layers.{number}."
        weights = {k.removeprefix(at): tensor for k, tensor in tensors.items() if k.startswith(at)}
        x = graph.layer(weights, number, x, "mask.int", heads=HEADS, eps=_EPS)
        number += 1
    graph.node("LpNormalization", [x], "tokens", axis=-1, p=2)
    last = graph.weight("last", np.asarray([-1]))
    weight = graph.weight("weight", tensors["weight.weight"].T)
    graph.node("MatMul", [x, weight], "weight.column")
    graph.node("Squeeze", ["weight.column", last], "weight.row")
    graph.node("Add", ["weight.row", graph.weight("bias", tensors["weight.bias"])], "weight.raw")
    graph.node("Softplus", ["weight.raw"], "weights")
    graph.mean(x, "mask", "whole")
    states: Shape = (TensorProto.FLOAT, ["n", "t", width])
    return graph.model(
        "reader",
        {"states": states, "mask": (TensorProto.INT64, ["n", "t"])},
        {
            "tokens": states,
            "weights": (TensorProto.FLOAT, ["n", "t"]),
            "whole": (TensorProto.FLOAT, ["n", width]),
        },
    )


def main() -> None:
    """Build the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("weights", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    loaded = load_file(arguments.weights)
    tensors = {name: np.asarray(tensor, np.float32) for name, tensor in loaded.items()}
    model = build_reader(tensors)
    for name in ("scale", "threshold"):
        values = ",".join(str(float(v)) for v in np.atleast_1d(tensors[name]))
        model.metadata_props.append(onnx.StringStringEntryProto(key=name, value=values))
    arguments.target.parent.mkdir(exist_ok=True)
    write_durably(arguments.target, model.SerializeToString())


if __name__ == "__main__":
    main()
