"""Train the reader on the written companies. Stops and goes on: `state.pt` holds everything.

    python training/train_reader.py --embedder DIR --out DIR [--minutes M]

DIR of the embedder is the data folder's ``models/multilingual-e5-small``. Prints the loss and,
after each part of an epoch, what the held-out companies say; `best.pt` keeps the averaged
weights of the step where these say the best.
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

from training.companies import Company, asked, mistyped, read_companies, split
from training.reader import OWN_FROM, Lower, Reader, embedder_tensors

TOGETHER = 3
QUESTIONS = 90
"""Companies and questions of one step."""
HARD = 6
"""Wrong texts of each question that the certainty is learned from: the nearest ones."""
LONGEST = 180
AVERAGED = 100
"""Steps over which the weights are averaged: what is judged and ships."""


@dataclass
class Encoded:
    """A text below the reader."""

    states: Tensor
    """Shape (tokens, 384), bfloat16."""
    owner: Tensor
    """Sentence of each token, -1 outside."""


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
    """All texts and questions, encoded once."""

    def __init__(self, lower: Lower, tokenizer: Tokenizer) -> None:
        self.texts: dict[str, Encoded] = {}
        self.questions: dict[str, Encoded] = {}
        self.asked: list[Asked] = []
        self.companies: set[str] = set()
        self._lower, self._tokenizer = lower, tokenizer

    def add(self, companies: Sequence[Company]) -> None:
        """Encode the companies that are not there yet."""
        companies = [company for company in companies if company.name not in self.companies]
        if not companies:
            return
        self.companies |= {company.name for company in companies}
        lower, tokenizer = self._lower, self._tokenizer
        rng = random.Random(7)
        first = len(self.asked)
        reads = {
            f"{company.name}/{text.key}": text.read()
            for company in companies
            for text in company.texts.values()
        }
        texts, spans = zip(*reads.values(), strict=True)
        encoded = _encode(lower, tokenizer, "passage: ", texts, spans)
        self.texts.update(zip(reads, encoded, strict=True))
        for company in companies:
            for question in company.questions:
                (text,) = asked(question)
                forms = [text]
                if question.kind != "typo" and rng.random() < 0.4:
                    forms.append(mistyped(text, rng))
                right = [f"{company.name}/{key}" for key in question.by]
                sentences = {f"{company.name}/{k}": v for k, v in question.by.items()}
                self.asked.append(Asked(company.name, question.kind, forms, right, sentences))
        forms = sorted({form for a in self.asked[first:] for form in a.forms} - set(self.questions))
        encoded = _encode(lower, tokenizer, "query: ", forms, [[]] * len(forms))
        self.questions.update(zip(forms, encoded, strict=True))


def _encode(
    lower: Lower,
    tokenizer: Tokenizer,
    prompt: str,
    texts: Sequence[str],
    spans: Sequence[Sequence[tuple[int, int]]],
) -> list[Encoded]:
    """Return the lower states of texts."""
    encodings = [tokenizer.encode(prompt + text) for text in texts]
    order = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
    out: list[Encoded | None] = [None] * len(texts)
    start = 0
    while start < len(order):
        size = max(8, 4096 // min(len(encodings[order[start]].ids) + 8, LONGEST))
        part = order[start : start + size]
        start += size
        longest = min(max(len(encodings[i].ids) for i in part), LONGEST)
        ids = torch.zeros(len(part), longest, dtype=torch.long)
        mask = torch.zeros(len(part), longest, dtype=torch.long)
        for row, i in enumerate(part):
            own = encodings[i].ids[:longest]
            ids[row, : len(own)] = torch.tensor(own)
            mask[row, : len(own)] = 1
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            states = lower(ids, mask).to(torch.bfloat16)
        for row, i in enumerate(part):
            size = int(mask[row].sum())
            owner = torch.full((size,), -1)
            for number, (begin, end) in enumerate(spans[i]):
                for token, (a, b) in enumerate(encodings[i].offsets[:size]):
                    if b > a and a - len(prompt) < end and b - len(prompt) > begin:
                        owner[token] = number
            out[i] = Encoded(states[row, :size].clone(), owner)
    return [one for one in out if one is not None]


def _padded(items: Sequence[Encoded]) -> tuple[Tensor, Tensor]:
    longest = max(len(item.states) for item in items)
    x = torch.zeros(len(items), longest, items[0].states.shape[1], dtype=torch.bfloat16)
    mask = torch.zeros(len(items), longest)
    for row, item in enumerate(items):
        x[row, : len(item.states)] = item.states
        mask[row, : len(item.states)] = 1
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
    """Return the loss of one step: order, certainty, sentences."""
    q, q_mask = _padded([data.questions[form] for form, _ in step.asked])
    c, c_mask = _padded([data.texts[t] for t in step.texts])
    scores, tokens, asked_ = reader(q, q_mask, c, c_mask)
    place = {t: n for n, t in enumerate(step.texts)}
    right = torch.zeros_like(scores, dtype=torch.bool)
    for row, (_, a) in enumerate(step.asked):
        right[row, [place[t] for t in a.right]] = True
    has = right.any(1)
    wrong = scores.masked_fill(right, -1e4)
    every = torch.logsumexp(scores[has], 1)
    order = (every - torch.logsumexp(scores.masked_fill(~right, -1e4)[has], 1)).mean()
    hard = wrong.topk(HARD, 1).values
    certain = F.binary_cross_entropy_with_logits(hard, torch.zeros_like(hard))
    certain = certain + F.binary_cross_entropy_with_logits(
        scores[right], torch.ones(int(right.sum()))
    )
    lines = torch.zeros(())
    n_lines = 0
    for row, (_, a) in enumerate(step.asked):
        for t, wanted in a.sentences.items():
            owner = data.texts[t].owner
            near = asked_[0][row] @ tokens[place[t], : len(owner)].T
            weight = asked_[1][row]
            for number in range(int(owner.max()) + 1):
                mine = owner == number
                if mine.any():
                    found = (near[:, mine].amax(-1) * weight).sum() / weight.sum()
                    logit = reader.line[0] * (found - reader.line[1])
                    target = torch.tensor(float(number in wanted))
                    lines = lines + F.binary_cross_entropy_with_logits(logit, target)
                    n_lines += 1
    lines = lines / max(n_lines, 1)
    return order + certain + 0.5 * lines, {
        "order": order.item(),
        "certain": certain.item(),
        "lines": lines.item(),
    }


def judge(reader: Reader, data: Data, most: int = 10**9) -> dict[str, float]:
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
            q, q_mask = _padded([data.questions[a.forms[0]] for a in own])
            scores, tokens, asked_ = reader(q, q_mask, c, c_mask)
            for row, a in enumerate(own):
                top = texts[int(scores[row].argmax())]
                best.append(float(scores[row].max()))
                firsts.append(top in a.right)
                known.append(bool(a.right))
                if not a.right:
                    continue
                by_kind.setdefault(a.kind, []).append(top in a.right)
                at = texts.index(a.right[0])
                owner = data.texts[a.right[0]].owner
                near = asked_[0][row] @ tokens[at, : len(owner)].T
                for number in range(int(owner.max()) + 1):
                    mine = owner == number
                    if not mine.any():
                        continue
                    weight = asked_[1][row]
                    found = (near[:, mine].amax(-1) * weight).sum() / weight.sum()
                    yes, real = bool(found > reader.line[1]), number in a.sentences[a.right[0]]
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


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--embedder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--first", type=int, default=OWN_FROM)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    torch.manual_seed(1)
    tensors = embedder_tensors(options.embedder)
    tokenizer = Tokenizer.from_file(str(options.embedder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    lower, reader = Lower(tensors, options.first), Reader(tensors, options.first)
    data, check = Data(lower, tokenizer), Data(lower, tokenizer)
    average = AveragedModel(reader, multi_avg_fn=get_ema_multi_avg_fn(1 - 1 / AVERAGED))
    averaged = average.module
    assert isinstance(averaged, Reader)
    own = [p for n, p in reader.named_parameters() if n.startswith("layers")]
    new = [reader.weight.weight, reader.weight.bias]
    scales = [reader.scale, reader.threshold, reader.line]
    optimiser = torch.optim.AdamW(
        [
            {"params": own, "lr": options.rate, "weight_decay": 0.01},
            {"params": new, "lr": 10 * options.rate, "weight_decay": 0.01},
            {"params": scales[:1] + scales[2:], "lr": 0.05, "weight_decay": 0.0},
            {"params": scales[1:2], "lr": 0.002, "weight_decay": 0.0},
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
            print(json.dumps(judge(averaged, check, 100)), flush=True)
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
                figures = judge(averaged, check, 100)
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
    print(json.dumps(judge(averaged, check)), flush=True)


if __name__ == "__main__":
    main()
