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
from onnx import TensorProto, helper
from safetensors.numpy import load_file

from core.durable import write_durably
from models.onnx.build import FUSED, IR, OPSET, Array, Graph

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
        x = _layer(graph, tensors, number, x)
        number += 1
    graph.node("LpNormalization", [x], "tokens", axis=-1, p=2)
    last = graph.weight("last", np.asarray([-1]))
    weight = graph.weight("weight", tensors["weight.weight"].T)
    graph.node("MatMul", [x, weight], "weight.column")
    graph.node("Squeeze", ["weight.column", last], "weight.row")
    graph.node("Add", ["weight.row", graph.weight("bias", tensors["weight.bias"])], "weight.raw")
    graph.node("Softplus", ["weight.raw"], "weights")
    middle = graph.weight("middle", np.asarray([1]))
    graph.node("Cast", ["mask"], "mask.float", to=TensorProto.FLOAT)
    graph.node("Unsqueeze", ["mask.float", middle], "mask.row")
    graph.node("MatMul", ["mask.row", x], "sum.row")
    graph.node("Squeeze", ["sum.row", middle], "sum")
    graph.node("LpNormalization", ["sum"], "whole", axis=-1, p=2)
    shapes = {"tokens": ["n", "t", width], "weights": ["n", "t"], "whole": ["n", width]}
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "reader",
            [
                helper.make_tensor_value_info("states", TensorProto.FLOAT, ["n", "t", width]),
                helper.make_tensor_value_info("mask", TensorProto.INT64, ["n", "t"]),
            ],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)],
        ir_version=IR,
    )


def _layer(graph: Graph, tensors: Mapping[str, Array], number: int, x: str) -> str:
    at = f"{number}"

    def get(name: str) -> Array:
        return tensors[f"layers.{number}.{name}"]

    def norm(out: str, y: str, skip: str, dense: str, name: str) -> str:
        inputs = [y, skip, graph.weight(f"{out}.norm", get(f"{name}.weight"))]
        inputs.append(graph.weight(f"{out}.norm.bias", get(f"{name}.bias")))
        inputs.append(graph.weight(f"{out}.bias", get(f"{dense}.bias")))
        return graph.node("SkipLayerNormalization", inputs, out, fused=True, epsilon=_EPS)

    qkv = graph.matmul(x, f"{at}.qkv", get("qkv.weight"))
    names = [f"{at}.{part}" for part in ("q", "k", "v")]
    graph.node("Split", [qkv], *names, axis=-1, num_outputs=3)
    inputs = [*names, graph.weight(f"{at}.qkv.bias", get("qkv.bias")), "mask.int"]
    attention = graph.node("MultiHeadAttention", inputs, f"{at}.att", fused=True, num_heads=HEADS)
    attended = norm(
        f"{at}.attended", graph.matmul(attention, f"{at}.ao", get("ao.weight")), x, "ao", "aln"
    )
    y = graph.matmul(attended, f"{at}.fi", get("fi.weight"))
    inputs = [y, graph.weight(f"{at}.fi.bias", get("fi.bias"))]
    y = graph.node("BiasGelu", inputs, f"{at}.gelu", fused=True)
    return norm(
        f"x{number + 1}", graph.matmul(y, f"{at}.fo", get("fo.weight")), attended, "fo", "oln"
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
