"""Fit the weights that tell a customer's mood from the vector of the message.

    python -m training.fit_moods [--data FOLDER] [--out FILE]

Learns from `data/moods.jsonl`, whose languages say the same line by line. Questions to the written
companies that are learned from count as neutral, at less weight, except what a first fit finds
urgent: some are. `data/moods_heldout.jsonl` is judged at the end, with the weights as they ship,
and never learned from.
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
from scipy.optimize import minimize

from training.companies import Company, read_companies, split
from training.embedder import MODEL, open_embedder

FOLDER = Path(__file__).parent / "data"
OUT = Path(__file__).parents[1] / "kb" / "answering" / "data" / f"moods-{MODEL}.json"
MOODS = ("neutral", "angry", "urgent", "thanks", "goodbye", "smalltalk", "person", "wrong")
_PENALTY = 1e-5
"""Of the weights squared. With a third of it more ordinary questions pass for something else (37 of
600 to other companies, 24 with this), and no mood is told better."""
_COUNTS = {
    "angry": 1.2, "urgent": 1.4, "smalltalk": 2.0, "thanks": 4.0, "goodbye": 4.0, "person": 3.0,
    "wrong": 3.0,
}  # fmt: skip
"""What a message of a rare mood counts beside one of the others."""
_URGENT = 0.5
_QUESTION = 0.25
"""What a company's question counts. With .5 more of what is urgent passes for a question."""
_DIGITS = 2
"""Of a weight; the scores of messages have a spread of about 3."""

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Message:
    """What a customer wrote."""

    text: str
    language: str
    mood: str


@dataclass(frozen=True)
class Fit:
    """Weights of a multinomial logistic regression."""

    weights: Doubles
    bias: Doubles

    def probabilities(self, vectors: Doubles) -> Doubles:
        """Return the probability of each mood for each row."""
        scores = vectors @ self.weights.T + self.bias
        raised = np.exp(scores - scores.max(1, keepdims=True))
        return np.asarray(raised / raised.sum(1, keepdims=True))


def read(path: Path) -> list[Message]:
    """Return the messages of a file."""
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return [Message(line["text"], line["language"], line["label"]) for line in lines]


def fit(vectors: Doubles, moods: npt.NDArray[np.int64], share: Doubles) -> Fit:
    """Fit by maximum likelihood with a squared penalty; `share` is how much each row counts."""
    dim = vectors.shape[1]
    share = share / share.sum()
    mean = vectors.mean(0)
    centred = vectors - mean
    wanted = np.eye(len(MOODS))[moods]

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        weights, bias = flat[: -len(MOODS)].reshape(len(MOODS), dim), flat[-len(MOODS) :]
        p = Fit(weights, bias).probabilities(centred)
        away = (p - wanted) * share[:, None]
        value = -float(np.log(np.maximum((p * wanted).sum(1), 1e-12)) @ share)
        value += _PENALTY * float((weights**2).sum())
        gradient = away.T @ centred + 2 * _PENALTY * weights
        return value, np.concatenate([gradient.ravel(), away.sum(0)])

    start = np.zeros(len(MOODS) * (dim + 1))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150})
    weights, bias = found.x[: -len(MOODS)].reshape(len(MOODS), dim), found.x[-len(MOODS) :]
    return Fit(weights, bias - weights @ mean)


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
    asked, unseen = questions(train, 1500), questions(other, 600)
    texts = [*(m.text for m in learn), *(m.text for m in held), *asked, *unseen]
    vectors = asyncio.run(embedded(texts, given.data))
    own, of_held, of_asked, of_unseen = np.split(
        vectors, np.cumsum([len(learn), len(held), len(asked)])
    )
    moods = np.asarray([MOODS.index(m.mood) for m in learn])
    made = with_questions(own, moods, of_asked)
    rounded = Fit(made.weights.round(_DIGITS), made.bias.round(_DIGITS))
    said = judged(rounded.probabilities(of_held))
    _say(f"held out\n{table(held, said)}")
    for message, mood in zip(held, said, strict=True):
        if message.mood != mood:
            _say(f"  {message.language} {message.mood} told as {mood}: {message.text}")
    alarms = Counter(judged(rounded.probabilities(of_unseen)))
    _say(f"questions to companies that were not learned from: {dict(alarms)}")
    weights = {mood: row.tolist() for mood, row in zip(MOODS, rounded.weights, strict=True)}
    told = json.loads(given.out.read_text("utf-8")) if given.out.is_file() else {}
    values = {**told, "weights": weights, "bias": rounded.bias.tolist()}
    given.out.write_text(json.dumps(values, separators=(",", ":")) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
