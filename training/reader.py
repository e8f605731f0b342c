"""The network of the reader, in torch, for training; the product runs it by onnxruntime.

A question and a candidate text (an FAQ entry or a passage) go through the lower layers of the
embedder as they do when they are embedded, and through upper layers of the reader's own, which
start as the embedder's. Then each token of the question looks for the token of the text that is
nearest to it (late interaction): the score is made of these, weighed by how much each token of the
question matters, and of the nearness of the two whole vectors, with which it starts.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

HIDDEN, HEADS, FFN, LAYERS = 384, 12, 1536, 12
OWN_FROM = 4
"""The first layer that is the reader's own."""
_EPS = 1e-12
_DROPPED = 0.1
Encoding: TypeAlias = tuple[Tensor, Tensor, Tensor]
"""Of some texts: token vectors, how much each token of a question matters, whole vectors."""


class Layer(nn.Module):
    """One layer of a BERT encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(HIDDEN, 3 * HIDDEN)
        self.ao = nn.Linear(HIDDEN, HIDDEN)
        self.aln = nn.LayerNorm(HIDDEN, eps=_EPS)
        self.fi = nn.Linear(HIDDEN, FFN)
        self.fo = nn.Linear(FFN, HIDDEN)
        self.oln = nn.LayerNorm(HIDDEN, eps=_EPS)

    def forward(self, x: Tensor, more_q: Tensor, more_k: Tensor) -> Tensor:
        """Return the next states.

        What is added to the attention's logits is the product of `more_q` and `more_k`, shapes
        (1 or texts, heads or 1, tokens, 8): a mask of that size would take most of the time.
        """
        n, size, _ = x.shape
        head = HIDDEN // HEADS
        q, k, v = self.qkv(x).view(n, size, 3, HEADS, head).permute(2, 0, 3, 1, 4)
        q = torch.cat([q, (more_q * math.sqrt(head)).to(q.dtype).expand(n, HEADS, -1, -1)], -1)
        k = torch.cat([k, more_k.to(q.dtype).expand(n, HEADS, -1, -1)], -1)
        # Written out: on processors it trains faster than the fused operator.
        seen = ((q / math.sqrt(head)) @ k.transpose(-1, -2)).softmax(-1).to(v.dtype) @ v
        seen = seen.transpose(1, 2).reshape(n, size, HIDDEN)
        x = self.aln(x + self.ao(seen))
        more = self.fo(F.gelu(self.fi(x)))
        out: Tensor = self.oln(x + F.dropout(more, _DROPPED, self.training))
        return out

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], number: int) -> "Layer":
        """Return a layer with the embedder's weights."""
        layer = cls()
        at = f"encoder.layer.{number}."
        names = {
            "ao": "attention.output.dense",
            "aln": "attention.output.LayerNorm",
            "fi": "intermediate.dense",
            "fo": "output.dense",
            "oln": "output.LayerNorm",
        }
        state = {
            f"{own}.{kind}": tensors[f"{at}{theirs}.{kind}"]
            for own, theirs in names.items()
            for kind in ("weight", "bias")
        }
        for kind in ("weight", "bias"):
            parts = [
                tensors[f"{at}attention.self.{part}.{kind}"] for part in ("query", "key", "value")
            ]
            state[f"qkv.{kind}"] = torch.cat(parts)
        layer.load_state_dict(state)
        return layer


class Lower(nn.Module):
    """The embedder below the reader; frozen."""

    def __init__(self, tensors: Mapping[str, Tensor], layers: int = OWN_FROM) -> None:
        super().__init__()
        at = "embeddings."
        words = tensors[f"{at}word_embeddings.weight"]
        self.words = nn.Embedding.from_pretrained(words)
        places = tensors[f"{at}position_embeddings.weight"]
        self.places = nn.Parameter(places + tensors[f"{at}token_type_embeddings.weight"][0])
        self.norm = nn.LayerNorm(HIDDEN, eps=_EPS)
        self.norm.load_state_dict(
            {kind: tensors[f"{at}LayerNorm.{kind}"] for kind in ("weight", "bias")}
        )
        self.layers = nn.ModuleList(Layer.of(tensors, number) for number in range(layers))
        self.requires_grad_(False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the states below the reader, shape (texts, tokens, 384)."""
        x: Tensor = self.norm(self.words(ids) + self.places[: ids.shape[1]])
        more = padding(mask)
        for layer in self.layers:
            x = layer(x, *more)
        return x


class Reader(nn.Module):
    """Judges a question and candidates by their tokens."""

    def __init__(self, tensors: Mapping[str, Tensor], first: int = OWN_FROM) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer.of(tensors, n) for n in range(first, LAYERS))
        self.weight = nn.Linear(HIDDEN, 1)
        nn.init.zeros_(self.weight.weight)
        nn.init.zeros_(self.weight.bias)
        self.scale = nn.Parameter(torch.tensor([30.0, 10.0]))
        """Of the whole vectors' nearness, and of the tokens'."""
        self.threshold = nn.Parameter(torch.tensor(0.85))

    def encode(self, x: Tensor, mask: Tensor) -> Encoding:
        """Return token vectors, their weights and the whole vector of each text.

        `x` has lower states of shape (texts, tokens, 384), `mask` 0 for padding.
        """
        more = padding(mask)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            for layer in self.layers:
                x = layer(x, *more)
        x = x.float()
        weight = F.softplus(self.weight(x)[..., 0]) * mask
        seen = mask.float()[..., None]
        mean = (x * seen).sum(1) / seen.sum(1)
        return F.normalize(x, dim=-1) * mask[..., None], weight, F.normalize(mean, dim=-1)

    def nearest(self, q: Tensor, weight: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """Return how near each candidate's nearest tokens are, shape (questions, candidates)."""
        near = torch.einsum("qid,cjd->qcij", q, c)
        near = near.masked_fill(c_mask[None, :, None, :] == 0, -1.0).amax(-1)
        return (near * weight[:, None]).sum(-1) / weight.sum(-1)[:, None]

    def score(self, asked: Encoding, texts: Encoding, c_mask: Tensor) -> Tensor:
        """Return the log-odds that each text answers each question, shape (questions, texts)."""
        near = self.nearest(asked[0], asked[1], texts[0], c_mask)
        whole = asked[2] @ texts[2].T
        return self.scale[0] * (whole - self.threshold) + self.scale[1] * (near - self.threshold)


def padding(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return what keeps attention away from padding, for `Layer`."""
    more_q = torch.zeros(1, 1, mask.shape[1], 8)
    more_q[..., 0] = 1.0
    more_k = F.pad((1.0 - mask.float())[:, None, :, None] * -1e4, (0, 7))
    return more_q, more_k


def embedder_tensors(folder: Path) -> dict[str, Tensor]:
    """Return the embedder's weights by name."""
    loaded = load_file(folder / "model.safetensors")
    return {name.removeprefix("bert."): tensor.float() for name, tensor in loaded.items()}
