"""Fit the weights that tell a customer's mood from the vector of the message.

    python -m training.fit_moods [--data FOLDER] [--out FILE]

A network of one hidden layer learns from `data/moods.jsonl`, whose languages say the same line by
line. Questions to the written companies that are learned from count as neutral, at less weight,
except what a first fit finds urgent: some are. `data/moods_heldout.jsonl` is judged at the end, and
never learned from.
"""

import argparse
import asyncio
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import cross_entropy, gelu

from training.companies import Company, read_companies, split
from training.embedder import MODEL, open_embedder

FOLDER = Path(__file__).parent / "data"
OUT = Path(__file__).parents[1] / "kb" / "answering" / "data" / f"moods-{MODEL}.json"
MOODS = ("neutral", "angry", "urgent", "thanks", "goodbye", "smalltalk", "person", "wrong")
_HIDDEN = 128
_EPOCHS, _BATCH, _RATE = 40, 256, 4e-3
_DROPPED, _DECAY, _SMOOTHED = 0.4, 0.05, 0.02
"""Of hidden units (of inputs half of it), of the weights, and of the labels."""
_COUNTS = {
    "angry": 1.5, "urgent": 1.4, "smalltalk": 2.0, "thanks": 2.0, "goodbye": 2.0, "person": 3.0,
    "wrong": 2.0,
}  # fmt: skip
"""What a message of a rare mood counts beside one of the others."""
_URGENT = 0.8
_QUESTIONS, _UNSEEN = 4500, 600
"""Questions to companies that are learned as calm ones, and of others that are told."""
_QUESTION = 0.5
"""What a company's question counts."""
_DIGITS = 2
"""Of a weight; the scores of messages have a spread of about 3."""

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Message:
    """What a customer wrote."""

    text: str
    language: str
    mood: str


def read(path: Path) -> list[Message]:
    """Return the messages of a file."""
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return [Message(line["text"], line["language"], line["label"]) for line in lines]


class Fit(nn.Module):
    """One hidden layer over the vectors of messages."""

    def __init__(self, vectors: Doubles) -> None:
        """Begin, with the mean and the spread of what is learned from."""
        super().__init__()
        self.mean, self.spread = vectors.mean(0), float(vectors.std(0).mean())
        self.first = nn.Linear(vectors.shape[1], _HIDDEN)
        self.second = nn.Linear(_HIDDEN, len(MOODS))
        self.inputs, self.hidden = nn.Dropout(_DROPPED / 2), nn.Dropout(_DROPPED)

    def forward(self, vectors: Doubles) -> torch.Tensor:
        """Return the scores of each mood for each row."""
        scaled = torch.tensor((vectors - self.mean) / self.spread, dtype=torch.float32)
        return self.second(self.hidden(gelu(self.first(self.inputs(scaled)))))

    def probabilities(self, vectors: Doubles) -> Doubles:
        """Return the probability of each mood for each row."""
        with torch.no_grad():
            return np.asarray(torch.softmax(self(vectors), 1), np.float64)

    def values(self) -> dict[str, object]:
        """Return the weights as the product reads them: of vectors as they are."""
        first, bias, second, last = (p.detach().double().numpy() for p in self.parameters())
        first = first / self.spread
        bias = bias - first @ self.mean
        arrays = {"hidden_bias": bias, "weights": second, "bias": last}
        told = {name: values.round(_DIGITS).tolist() for name, values in arrays.items()}
        return {"moods": MOODS, "hidden": first.round(1).tolist(), **told}


def fit(vectors: Doubles, moods: npt.NDArray[np.int64], share: Doubles) -> Fit:
    """Fit by maximum likelihood; `share` is how much each row counts."""
    torch.manual_seed(7)
    made = Fit(vectors)
    count = len(vectors)
    steps = _EPOCHS * -(-count // _BATCH)
    descent = torch.optim.AdamW(made.parameters(), weight_decay=_DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(descent, _RATE, total_steps=steps)
    wanted, counts = torch.tensor(moods), torch.tensor(share, dtype=torch.float32)
    for _ in range(_EPOCHS):
        for rows in torch.randperm(count).split(_BATCH):
            told = made(vectors[rows.numpy()])
            loss = cross_entropy(told, wanted[rows], reduction="none", label_smoothing=_SMOOTHED)
            descent.zero_grad()
            (loss * counts[rows]).mean().backward()
            descent.step()
            rate.step()
    return made.eval()


def judged(p: Doubles) -> list[str]:
    """Return moods as the product decides them: neutral unless another has even odds."""
    return [MOODS[int(row.argmax())] if row.max() >= 0.5 else MOODS[0] for row in p]


def table(messages: Sequence[Message], said: Sequence[str]) -> str:
    """Return recall and precision by mood, and what is right by language."""
    lines = []
    for mood in MOODS:
        wanted = [m.mood == mood for m in messages]
        given = [s == mood for s in said]
        both = sum(w and g for w, g in zip(wanted, given, strict=True))
        recall, precision = both / max(1, sum(wanted)), both / max(1, sum(given))
        lines.append(f"{mood:10} recall {recall:.3f} precision {precision:.3f} n {sum(wanted)}")
    right: defaultdict[str, list[bool]] = defaultdict(list)
    for message, mood in zip(messages, said, strict=True):
        right[message.language].append(message.mood == mood)
    lines += [f"{language} right {sum(r)}/{len(r)}" for language, r in right.items()]
    return "\n".join(lines)


async def embedded(texts: Sequence[str], data: Path) -> Doubles:
    """Return the vectors of messages as the service computes them."""
    async with open_embedder(data) as embedder:
        return np.asarray(await embedder.embed_queries(texts), np.float64)


def with_questions(vectors: Doubles, moods: npt.NDArray[np.int64], asked: Doubles) -> Fit:
    """Fit on messages, and on companies' questions as neutral ones."""
    counts = np.asarray([_COUNTS.get(mood, 1.0) for mood in MOODS])[moods]
    first = fit(vectors, moods, counts)
    calm = asked[first.probabilities(asked)[:, MOODS.index("urgent")] < _URGENT]
    return fit(
        np.concatenate([vectors, calm]),
        np.concatenate([moods, np.zeros(len(calm), np.int64)]),
        np.concatenate([counts, np.full(len(calm), _QUESTION)]),
    )


def questions(companies: Sequence[Company], count: int) -> list[str]:
    """Return some questions that companies are asked first."""
    texts = sorted({q.text for c in companies for q in c.questions if not q.history})
    return random.Random(7).sample(texts, count)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main() -> int:
    """Fit, write, and judge what was held out."""
    options = argparse.ArgumentParser(description="Fit the weights that tell moods.")
    options.add_argument("--data", type=Path, default=Path("data"))
    options.add_argument("--out", type=Path, default=OUT)
    given = options.parse_args()
    learn, held = read(FOLDER / "moods.jsonl"), read(FOLDER / "moods_heldout.jsonl")
    train, other = split(read_companies())
    asked, unseen = questions(train, _QUESTIONS), questions(other, _UNSEEN)
    texts = [*(m.text for m in learn), *(m.text for m in held), *asked, *unseen]
    vectors = asyncio.run(embedded(texts, given.data))
    own, of_held, of_asked, of_unseen = np.split(
        vectors, np.cumsum([len(learn), len(held), len(asked)])
    )
    moods = np.asarray([MOODS.index(m.mood) for m in learn])
    made = with_questions(own, moods, of_asked)
    said = judged(made.probabilities(of_held))
    _say(f"held out\n{table(held, said)}")
    for message, mood in zip(held, said, strict=True):
        if message.mood != mood:
            _say(f"  {message.language} {message.mood} told as {mood}: {message.text}")
    alarms = Counter(judged(made.probabilities(of_unseen)))
    _say(f"questions to companies that were not learned from: {dict(alarms)}")
    told = json.loads(given.out.read_text("utf-8")) if given.out.is_file() else {}
    values = {**told, **made.values()}
    given.out.write_text(json.dumps(values, separators=(",", ":")) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
