"""Train the reader on the written companies. Stops and goes on: `state.pt` holds everything.

    python -m training.train_reader --embedder DIR --out DIR [--minutes M] [--start STATE]

DIR of the embedder is the data folder's ``models/multilingual-e5-small``. `--start` takes the
averaged weights of an earlier reader; if that had fewer layers of its own, the others start as the
embedder's. Prints the loss and, every few minutes, what the held-out companies say; `best.pt` keeps
the averaged weights of the step where these say the best.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.companies import Company, Text, asked, mistyped, read_companies, split
from training.reader import OWN_FROM, Lower, Reader, embedder_tensors

TOGETHER = 3
QUESTIONS = 90
"""Companies and questions of one step."""
HARD = 6
"""Wrong texts of each question that the certainty is learned from: the nearest ones."""
UNHEARD = 0.12
"""Share of a question's tokens that are left out of a step."""
LONGEST = 180
AVERAGED = 60
"""Steps over which the weights are averaged: what is judged and ships."""


@dataclass
class Asked:
    """A question with its candidates."""

    company: str
    kind: str
    forms: list[str]
    """As written, and mistyped."""
    right: list[str]
    sentences: dict[str, tuple[int, ...]]


class Data:
    """All texts and questions, encoded once below the reader."""

    def __init__(self, lower: Lower, tokenizer: Tokenizer) -> None:
        self.texts: dict[str, Tensor] = {}
        """States of shape (tokens, 384), bfloat16."""
        self.sentences: dict[str, list[Tensor]] = {}
        """Of each text, each under its heading."""
        self.questions: dict[str, Tensor] = {}
        self.asked: list[Asked] = []
        self.companies: set[str] = set()
        self._lower, self._tokenizer = lower, tokenizer

    def add(self, companies: Sequence[Company]) -> None:
        """Encode the companies that are not there yet."""
        companies = [company for company in companies if company.name not in self.companies]
        if not companies:
            return
        self.companies |= {company.name for company in companies}
        rng = random.Random(7)
        first = len(self.asked)
        own = {f"{c.name}/{text.key}": text for c in companies for text in c.texts.values()}
        wholes = self._encode("passage: ", [text.read()[0] for text in own.values()])
        self.texts.update(zip(own, wholes, strict=True))
        sentences = [(key, read) for key, text in own.items() for read in _sentences(text)]
        encoded = self._encode("passage: ", [read for _, read in sentences])
        for (key, _), states in zip(sentences, encoded, strict=True):
            self.sentences.setdefault(key, []).append(states)
        for company in companies:
            for question in company.questions:
                forms = [asked(question)]
                if question.kind != "typo" and rng.random() < 0.4:
                    forms.append(mistyped(forms[0], rng))
                by = {f"{company.name}/{key}": places for key, places in question.by.items()}
                self.asked.append(Asked(company.name, question.kind, forms, list(by), by))
        forms = sorted({form for a in self.asked[first:] for form in a.forms} - set(self.questions))
        self.questions.update(zip(forms, self._encode("query: ", forms), strict=True))

    def _encode(self, prompt: str, texts: Sequence[str]) -> list[Tensor]:
        """Return the lower states of texts."""
        rows = [self._tokenizer.encode(prompt + text).ids[:LONGEST] for text in texts]
        order = sorted(range(len(texts)), key=lambda i: len(rows[i]))
        out: dict[int, Tensor] = {}
        start = 0
        while start < len(order):
            size = max(8, 4096 // (len(rows[order[start]]) + 8))
            part = order[start : start + size]
            start += size
            ids = torch.zeros(len(part), max(len(rows[i]) for i in part), dtype=torch.long)
            mask = torch.zeros_like(ids)
            for row, i in enumerate(part):
                ids[row, : len(rows[i])] = torch.tensor(rows[i])
                mask[row, : len(rows[i])] = 1
            with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
                states = self._lower(ids, mask).to(torch.bfloat16)
            out |= {i: states[row, : len(rows[i])].clone() for row, i in enumerate(part)}
        return [out[i] for i in range(len(texts))]


def _sentences(text: Text) -> list[str]:
    heading = text.title.rpartition(" › ")[2]
    return [f"{heading}\n{sentence}" for sentence in text.sentences]


def _padded(items: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    x = torch.zeros(len(items), max(map(len, items)), items[0].shape[1], dtype=torch.bfloat16)
    mask = torch.zeros(x.shape[:2])
    for row, item in enumerate(items):
        x[row, : len(item)] = item
        mask[row, : len(item)] = 1
    return x, mask


@dataclass
class Step:
    """Questions of a few companies with all texts of these."""

    texts: list[str]
    asked: list[tuple[str, Asked]]
    """Each with the form in which it is put."""


def _steps(data: Data, rng: random.Random) -> Iterator[Step]:
    """Yield the questions in random order, those of `TOGETHER` companies at a time."""
    names = sorted({a.company for a in data.asked})
    rng.shuffle(names)
    left = {name: [a for a in data.asked if a.company == name] for name in names}
    for own in left.values():
        rng.shuffle(own)
    while any(left.values()):
        full = [name for name in names if left[name]]
        chosen = sorted(full, key=lambda n: -len(left[n]) + rng.random() * 40)[:TOGETHER]
        asked_ = [a for name in chosen for a in left[name][: QUESTIONS // TOGETHER]]
        for name in chosen:
            left[name] = left[name][QUESTIONS // TOGETHER :]
        texts = [t for t in data.texts if t.split("/")[0] in chosen]
        forms = [rng.choice(a.forms) if rng.random() < 0.35 else a.forms[0] for a in asked_]
        yield Step(texts, list(zip(forms, asked_, strict=True)))


def loss_of(reader: Reader, data: Data, step: Step) -> tuple[Tensor, dict[str, float]]:
    """Return the loss of one step: order and certainty, of wholes and of sentences."""
    q, q_mask = _padded([data.questions[form] for form, _ in step.asked])
    c, c_mask = _padded([data.texts[t] for t in step.texts])
    said, weight, whole = reader.encode(q, q_mask)
    heard = (torch.rand_like(weight) > UNHEARD) * q_mask
    heard = torch.where(heard.sum(1, keepdim=True) > 0, heard, q_mask)
    question = said, weight * heard, whole
    scores = reader.score(question, reader.encode(c, c_mask), c_mask)
    place = {t: n for n, t in enumerate(step.texts)}
    right = torch.zeros_like(scores, dtype=torch.bool)
    for row, (_, a) in enumerate(step.asked):
        right[row, [place[t] for t in a.right]] = True
    order = _order(scores, right)
    certain = _untrue(scores, right) + F.binary_cross_entropy_with_logits(
        scores[right], torch.ones(int(right.sum()))
    )
    # All sentences of one of the companies, for the questions to it.
    company = random.choice([a.company for _, a in step.asked])
    rows = [row for row, (_, a) in enumerate(step.asked) if a.company == company]
    texts = [t for t in step.texts if t.split("/")[0] == company]
    numbers = [(n, i) for n, t in enumerate(texts) for i in range(len(data.sentences[t]))]
    s, s_mask = _padded([data.sentences[texts[n]][i] for n, i in numbers])
    few = question[0][rows], question[1][rows], question[2][rows]
    single = reader.score(few, reader.encode(s, s_mask), s_mask)
    owner = torch.tensor([n for n, _ in numbers])
    some = [torch.logsumexp(single[:, owner == n], 1) for n in range(len(texts))]
    columns = [place[t] for t in texts]
    own_right = right[rows][:, columns]
    joint = (torch.stack(some, 1) + scores[rows][:, columns]) / 2
    wanted = torch.zeros_like(single)
    known = torch.zeros_like(single, dtype=torch.bool)
    for row, number in enumerate(rows):
        for column, (n, i) in enumerate(numbers):
            answers = step.asked[number][1].sentences.get(texts[n])
            if answers is not None:
                known[row, column] = True
                wanted[row, column] = float(i in answers)
    lines = _untrue(single, own_right[:, owner])
    if known.any():
        lines = lines + F.binary_cross_entropy_with_logits(single[known], wanted[known])
    both = _order(joint, own_right)
    parts = {"order": order, "certain": certain, "both": both, "lines": lines}
    return order + certain + both + 0.5 * lines, {k: v.item() for k, v in parts.items()}


def _order(scores: Tensor, right: Tensor) -> Tensor:
    """Return the loss of the right texts against all, of the questions that have any."""
    has = right.any(1)
    if not has.any():
        return torch.zeros(())
    correct = torch.logsumexp(scores.masked_fill(~right, -1e4)[has], 1)
    return (torch.logsumexp(scores[has], 1) - correct).mean()


def _untrue(scores: Tensor, right: Tensor) -> Tensor:
    """Return the loss of the nearest wrong texts against zero."""
    hard = scores.masked_fill(right, -1e4).topk(HARD, 1).values
    return F.binary_cross_entropy_with_logits(hard, torch.zeros_like(hard))


def evaluate(reader: Reader, data: Data, most: int = 10**9) -> dict[str, float]:
    """Return what the reader makes of held-out companies, all texts of each as candidates."""
    reader.eval()
    best: list[float] = []
    firsts: list[bool] = []
    known: list[bool] = []
    hits = said = wanted = 0
    by_kind: dict[str, list[bool]] = {}
    with torch.no_grad():
        for name in sorted({a.company for a in data.asked}):
            own = [a for a in data.asked if a.company == name][:most]
            texts = [t for t in data.texts if t.split("/")[0] == name]
            c, c_mask = _padded([data.texts[t] for t in texts])
            question = reader.encode(*_padded([data.questions[a.forms[0]] for a in own]))
            scores = reader.score(question, reader.encode(c, c_mask), c_mask)
            numbers = [(t, i) for t in texts for i in range(len(data.sentences[t]))]
            s, s_mask = _padded([data.sentences[t][i] for t, i in numbers])
            single = reader.score(question, reader.encode(s, s_mask), s_mask)
            for row, a in enumerate(own):
                top = texts[int(scores[row].argmax())]
                best.append(float(scores[row].max()))
                firsts.append(top in a.right)
                known.append(bool(a.right))
                if not a.right:
                    continue
                by_kind.setdefault(a.kind, []).append(top in a.right)
                for column, (t, i) in enumerate(numbers):
                    if t == a.right[0]:
                        yes, real = bool(single[row, column] > 0), i in a.sentences[t]
                        hits += yes and real
                        said += yes
                        wanted += real
    reader.train()
    scores_, right, has = np.asarray(best), np.asarray(firsts), np.asarray(known)
    ranks = scores_.argsort().argsort()
    auc = (ranks[right].mean() - (right.sum() - 1) / 2) / max(1, (~right).sum())
    sure = scores_ >= 0
    return {
        "n": len(best),
        "first": round(float(right[has].mean()), 3),
        "auc": round(float(auc), 3),
        "sure": round(float(sure.mean()), 3),
        "right_of_sure": round(float(right[sure].mean()) if sure.any() else 0, 3),
        "sentence_f1": round(2 * hits / max(1, said + wanted), 3),
        **{k: round(float(np.mean(v)), 2) for k, v in sorted(by_kind.items())},
    }


def started(reader: Reader, path: Path) -> None:
    """Load the averaged weights of an earlier reader; its layers become the upper ones."""
    kept = {k.removeprefix("module."): v for k, v in torch.load(path)["average"].items()}
    layers = 1 + max(int(k.split(".")[1]) for k in kept if k.startswith("layers."))
    more = len(reader.layers) - layers
    state = reader.state_dict()
    for key, value in kept.items():
        kind, _, rest = key.partition(".")
        if kind == "layers":
            number, _, name = rest.partition(".")
            key = f"layers.{int(number) + more}.{name}"
        if key in state:
            state[key] = value
    reader.load_state_dict(state)


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--embedder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--rate", type=float, default=1.2e-4)
    parser.add_argument("--first", type=int, default=OWN_FROM)
    parser.add_argument("--start", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    torch.manual_seed(1)
    tensors = embedder_tensors(options.embedder)
    tokenizer = Tokenizer.from_file(str(options.embedder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    lower, reader = Lower(tensors, options.first), Reader(tensors, options.first)
    if options.start:
        started(reader, options.start)
    data, check = Data(lower, tokenizer), Data(lower, tokenizer)
    average = AveragedModel(reader, multi_avg_fn=get_ema_multi_avg_fn(1 - 1 / AVERAGED))
    averaged = average.module
    assert isinstance(averaged, Reader)
    below = [p for layer in reader.layers[:-4] for p in layer.parameters()]
    above = [p for layer in reader.layers[-4:] for p in layer.parameters()]
    rate = options.rate
    optimiser = torch.optim.AdamW(
        [
            {"params": below, "lr": 0.7 * rate, "weight_decay": 0.01},
            {"params": above, "lr": rate, "weight_decay": 0.01},
            {"params": reader.weight.parameters(), "lr": 5 * rate, "weight_decay": 0.01},
            {"params": [reader.scale], "lr": 0.02, "weight_decay": 0.0},
            {"params": [reader.threshold], "lr": 0.001, "weight_decay": 0.0},
        ]
    )
    rates = [group["lr"] for group in optimiser.param_groups]
    path = options.out / "state.pt"
    done = used = best = 0.0
    epoch = 0
    if path.is_file():
        state = torch.load(path)
        reader.load_state_dict(state["reader"])
        optimiser.load_state_dict(state["optimiser"])
        average.load_state_dict(state["average"])
        done, used, epoch = state["done"], state["used"], state["epoch"]
        best = state.get("best", 0.0)
    began = time.time() - used
    sums: dict[str, float] = {}
    saved = time.time()
    while time.time() - began < options.minutes * 60:
        learn, held = split(read_companies())
        data.add(learn)
        check.add(held)
        print(f"epoch {epoch}: {len(data.asked)} questions, {len(data.texts)} texts", flush=True)
        if done == 0:
            print(json.dumps(evaluate(averaged, check, 100)), flush=True)
        for step in _steps(data, random.Random(100 + epoch)):
            share = (time.time() - began) / (options.minutes * 60)
            factor = min(1.0, (done + 1) / 20) * max(0.03, 1 - share)
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            loss, parts = loss_of(reader, data, step)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
            optimiser.step()
            average.update_parameters(reader)
            done += 1
            for key, value in parts.items():
                sums[key] = sums.get(key, 0.0) + value
            if done % 10 == 0:
                shown = {k: round(v / 10, 3) for k, v in sums.items()}
                print(f"{done:.0f} {time.time() - began:.0f} s {shown}", flush=True)
                sums = {}
            if time.time() - saved > 300 or share >= 1:
                figures = evaluate(averaged, check, 100)
                print(json.dumps(figures), flush=True)
                saved = time.time()
                if figures["first"] + figures["auc"] >= best:
                    best = figures["first"] + figures["auc"]
                    torch.save({"average": average.state_dict()}, options.out / "best.pt")
                state = {"reader": reader.state_dict(), "optimiser": optimiser.state_dict()}
                state["average"] = average.state_dict()
                state |= {"done": done, "used": saved - began, "epoch": epoch, "best": best}
                torch.save(state, path.with_suffix(".new"))
                path.with_suffix(".new").replace(path)
            if share >= 1:
                break
        epoch += 1
    print(json.dumps(evaluate(averaged, check)), flush=True)


if __name__ == "__main__":
    main()
