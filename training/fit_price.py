"""Fit the weights that tell a question for a price from its vector, in any language.

    python -m training.fit_price [--data FOLDER]

Questions to the written companies are labelled by words of their eight languages that only a price
has; the vectors carry what is learned over to other languages. The weights stand
beside those of `training.fit_moods`.
"""

import argparse
import asyncio
import json
import random
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from training.companies import Company, read_companies, split
from training.fit_moods import OUT, Doubles, embedded

_PRICED = re.compile(
    r"how much (?:is|are|does|do|for|would|will|to)\b(?!.*\b(?:time|luggage|weigh))|\bcosts?\b|"
    r"\bprice|\bfee\b|wie ?viel kost|\bkoste|\bpreis|was zahl|cuesta|cu[aá]nto (?:vale|es\b|cobr|"
    r"pago)|precio|tarif|сколько сто|стоит|стоимост|цен[аыу]|多少钱|费用|價格|价格|收費|收费|几块|"
    r"\bprix|\bco[uû]te|c'est combien|preço|\bcusta|quanto (?:sai|fica|pago)|prezzo|"
    r"\bcosta|quanto viene",
    re.IGNORECASE,
)
_PENALTY = 1e-4
_COUNTS = 6
"""What a question for a price counts beside one of the others, which are six times as many."""
_SURE = 1.0
"""Log-odds from which on a question is one: of 83 in 20 languages 30 of 38 are, and no other."""
_EACH, _HELD = 400, 60
"""Questions of one language that are learned from, and judged by."""


def chosen(companies: Sequence[Company], count: int, draw: random.Random) -> list[str]:
    """Return some first questions of each language, up to a quarter of them for a price."""
    asked: defaultdict[str, set[str]] = defaultdict(set)
    for company in companies:
        for question in company.questions:
            if not question.history:
                asked[question.language].add(question.text)
    found: list[str] = []
    for _, texts in sorted(asked.items()):
        priced = [text for text in sorted(texts) if _PRICED.search(text)]
        others = [text for text in sorted(texts) if not _PRICED.search(text)]
        found += draw.sample(priced, min(len(priced), count // 4))
        found += draw.sample(others, min(len(others), 3 * count // 4))
    return found


def fit(vectors: Doubles, priced: Doubles) -> tuple[Doubles, float]:
    """Return weights and bias of a logistic regression with a squared penalty."""
    mean = vectors.mean(0)
    centred = vectors - mean
    share = np.where(priced == 1, _COUNTS, 1.0)
    share /= share.sum()

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        p = 1 / (1 + np.exp(-(centred @ flat[:-1] + flat[-1])))
        likely = priced * np.log(p + 1e-12) + (1 - priced) * np.log(1 - p + 1e-12)
        away = (p - priced) * share
        gradient = np.append(centred.T @ away + 2 * _PENALTY * flat[:-1], away.sum())
        return -float(likely @ share) + _PENALTY * float(flat[:-1] @ flat[:-1]), gradient

    start = np.zeros(vectors.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return found[:-1], float(found[-1] - found[:-1] @ mean - _SURE)


def main() -> int:
    """Fit, write, and judge what was held out."""
    options = argparse.ArgumentParser(description="Fit the weights that tell questions for prices.")
    options.add_argument("--data", type=Path, default=Path("data"))
    given = options.parse_args()
    train, other = split(read_companies())
    draw = random.Random(3)
    learn, held = chosen(train, _EACH, draw), chosen(other, _HELD, draw)
    vectors = asyncio.run(embedded([*learn, *held], given.data))
    priced = np.asarray([float(bool(_PRICED.search(text))) for text in (*learn, *held)])
    weights, bias = fit(vectors[: len(learn)], priced[: len(learn)])
    told, wanted = vectors[len(learn) :] @ weights + bias > 0, priced[len(learn) :] == 1
    sys.stdout.write(f"recall {told[wanted].mean():.3f} false {told[~wanted].mean():.3f}\n")
    values = json.loads(OUT.read_text("utf-8"))
    values["price"] = [*weights.round(2).tolist(), round(bias, 2)]
    OUT.write_text(json.dumps(values, separators=(",", ":")) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
