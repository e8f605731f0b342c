"""Fit the weights that order candidates and say how sure the best one is.

    python -m training.fit_ranking [--pairs FILE] [--readings FILE] [--out FILE]

Learns from the written companies, put together by three to knowledge bases: every question with its
texts, with its answers left out, and those that no text answers. `--pairs` writes what the reader
is to read; `--readings` takes what it said (`training/read_pairs.py`).
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.types import Chunk
from kb.index.chunk import embedding_text
from kb.index.table import RowHit
from kb.ranking.align import AlignedEmbedder
from kb.ranking.calibration import Choice, Linear, blank, fit_choice, fit_logistic, reliability
from kb.ranking.candidates import Reading, gather
from kb.ranking.evidence import FEATURES, Evidence, certainty
from kb.ranking.features import Rarity, char_bags, stem_bags
from kb.ranking.ranker import SENTENCES_OF
from kb.text.stems import content_words
from training.companies import Company, asked, read_companies, split
from training.embedder import open_embedder

_TOGETHER = 3
_OF_LANGUAGE = [FEATURES.index("foreign"), FEATURES.index("foreign_asked")]


@dataclass
class Case:
    """A question with what was found for it."""

    question: str
    kind: str
    language: str
    features: npt.NDArray[np.float32]
    read: list[tuple[str, ...]]
    """What the reader reads of each candidate: its statement, then its sentences."""
    right: npt.NDArray[np.bool_]
    same_company: npt.NDArray[np.bool_]
    """Which candidates are texts of the company that the question is asked of."""
    share: float
    words: int


def chunks_of(company: Company) -> list[Chunk]:
    """Return a company's texts as the product chunks them."""
    chunks = []
    for text in company.texts.values():
        whole, spans = text.read()
        body = whole[spans[0][0] :]
        language = company.name[:2]
        key = f"{company.name}/{text.key}"
        if text.is_entry:
            chunk = Chunk(key, f"{company.name}.csv", "faq", text.title, body, language=language)
        else:
            chunk = Chunk(
                key, f"{company.name}.md", "passage", body, title=text.title, language=language
            )
        chunks.append(chunk)
    return chunks


async def cases_of(companies: Sequence[Company], embedder: AlignedEmbedder) -> list[Case]:
    """Return the questions of knowledge bases of a few companies each."""
    cases: list[Case] = []
    ordered = sorted(companies, key=lambda c: c.name)
    for start in range(0, len(ordered), _TOGETHER):
        base = ordered[start : start + _TOGETHER]
        chunks = [chunk for company in base for chunk in chunks_of(company)]
        entries = [chunk for chunk in chunks if chunk.kind == "faq"]
        stated_texts = [
            f"{c.text}\n{c.answer}"[:480] if c.kind == "faq" else embedding_text(c) for c in chunks
        ]
        asked_vectors = await embedder.embed_queries([c.text for c in entries])
        stated_vectors = await embedder.embed_passages(stated_texts)
        read = [f"{c.title}\n{c.text}\n{c.answer}" for c in chunks]
        evidence = Evidence(
            Rarity.of_texts(stated_texts, char_bags), Rarity.of_texts(read, stem_bags)
        )
        questions = [(company, q) for company in base for q in company.questions]
        texts = [asked(q) for _, q in questions]
        vectors = await embedder.embed_queries(texts)
        for (company, q), text, vector in zip(questions, texts, vectors, strict=True):
            by = {f"{company.name}/{key}" for key in q.by}
            to_statement = stated_vectors @ vector
            to_question = asked_vectors @ vector
            for left_out in (False, True):
                if left_out and not by:
                    continue
                gone = by if left_out else set()
                stated = [
                    RowHit(c, t, "answer" if c.kind == "faq" else "passage", float(s), "")
                    for c, t, s in zip(chunks, stated_texts, to_statement, strict=True)
                    if c.chunk_id not in gone
                ]
                own = [
                    RowHit(c, c.text, "question", float(s), "")
                    for c, s in zip(entries, to_question, strict=True)
                    if c.chunk_id not in gone
                ]
                own += [row for row in stated if row.role == "passage"]
                stated.sort(key=lambda row: -row.score)
                own.sort(key=lambda row: -row.score)
                found = gather(own[:100], stated[:60], ())
                cases.append(
                    Case(
                        text,
                        q.kind,
                        q.language,
                        evidence.of(text, found),
                        [(c.statement, *c.sentences()) for c in found],
                        np.asarray([c.chunk.chunk_id in by for c in found]),
                        np.asarray(
                            [c.chunk.chunk_id.startswith(f"{company.name}/") for c in found]
                        ),
                        0.15 if left_out else 1.0,
                        len(content_words(text)),
                    )
                )
    return cases


def fit_order(cases: Sequence[Case], scored: Sequence[npt.NDArray[np.float32]]) -> Linear:
    """Fit scores that are the log-odds of a candidate being right.

    Companies put together differ in language, which therefore tells them apart: what is said of
    language is fitted on texts of the company that is asked, everything else without it.
    """
    told = [f[:, _OF_LANGUAGE] for f in scored]
    scored = [np.delete(f, _OF_LANGUAGE, axis=1) for f in scored]
    found = [
        Choice(f, int(place))
        for case, f in zip(cases, scored, strict=True)
        for place in np.flatnonzero(case.right)
    ]
    order = fit_choice(found, blank(np.concatenate([c.features for c in found])), penalty=1e-4)
    top = [order.score(f) for f in scored]
    z = np.concatenate([t[np.argsort(-t)[:8]] for t in top]).astype(np.float32)
    right = np.concatenate([c.right[np.argsort(-t)[:8]] for c, t in zip(cases, top, strict=True)])
    share = np.concatenate(
        [np.full(min(8, len(t)), c.share) for c, t in zip(cases, top, strict=True)]
    )
    # From nothing: a start at 1 is so far from the optimum that Newton's steps do not get there.
    line = fit_logistic(
        z[:, None], right, share, Linear(np.zeros(1), np.ones(1), np.zeros(1)), penalty=1e-6
    )
    stretch, bias = float(line.weights[0]), line.bias
    own = np.concatenate([c.same_company for c in cases])
    x = np.column_stack([np.concatenate(top), np.concatenate(told)])[own].astype(np.float32)
    answers = np.concatenate([c.right for c in cases])[own]
    both = fit_logistic(x, answers, np.ones(len(x)), blank(x), penalty=1e-6)
    of_language = both.weights[1:] / both.scale[1:] / (both.weights[0] / both.scale[0])
    at = _OF_LANGUAGE[0]
    return Linear(
        np.insert(order.mean, [at] * 2, 0),
        np.insert(order.scale, [at] * 2, 1),
        np.insert(order.weights, [at] * 2, of_language) * stretch,
        order.bias * stretch + bias,
    )


def _blind(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return features that do not tell a company by its language."""
    out = features.copy()
    out[:, _OF_LANGUAGE] = 0
    return out


def fit_certainty(
    cases: Sequence[Case],
    features: Sequence[npt.NDArray[np.float32]],
    scores: Sequence[npt.NDArray[np.float64]],
) -> Linear:
    """Fit the probability that the best candidate answers."""
    x = np.stack(features)
    right = np.asarray([c.right[int(np.argmax(s))] for c, s in zip(cases, scores, strict=True)])
    share = np.asarray([c.share for c in cases])
    return fit_logistic(x, right, share, blank(x), penalty=1e-4)


def report(
    name: str,
    cases: Sequence[Case],
    scores: Sequence[npt.NDArray[np.float64]],
    p: npt.NDArray[np.float64],
) -> None:
    """Print what the weights do on cases."""
    top = np.asarray([c.right[int(np.argmax(s))] for c, s in zip(cases, scores, strict=True)])
    whole = np.asarray([c.share == 1.0 for c in cases])
    has = np.asarray([bool(c.right.any()) for c in cases])
    figures: dict[str, object] = {
        "n": len(cases),
        "first": round(float(top[has].mean()), 3),
        "ece": round(reliability(p[whole], top[whole]).error, 3),
    }
    for at in (0.4, 0.5, 0.6, 0.8):
        sure = p >= at
        figures[f"at_{at}"] = {
            "resolved": round(float((top & sure)[has & whole].mean()), 3),
            "wrong_of_turns": round(float((~top & sure)[whole].mean()), 3),
            "none_answered": round(float(sure[whole & ~has].mean()), 3),
            "left_out_answered": round(float(sure[~whole].mean()), 3),
            "right_of_sure": round(float(top[sure & whole].mean()), 3)
            if (sure & whole).any()
            else None,
        }
    sys.stdout.write(f"{name}: {json.dumps(figures)}\n")


async def main() -> None:
    """Fit, report on the held-out companies, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--readings", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    async with open_embedder(options.data) as model:
        embedder = AlignedEmbedder.load(model)
        assert embedder is not None
        learn, held = split(read_companies())
        cases, check = await cases_of(learn, embedder), await cases_of(held, embedder)
    order = fit_order(cases, [c.features for c in cases])
    out: dict[str, object] = {"order": order.to_json()}
    scored = {id(c): order.score(_blind(c.features)) for c in [*cases, *check]}
    _certain("similarity", cases, check, scored, out, "certain")
    if options.pairs:
        pairs = [(c.question, text) for c in check for texts in c.read for text in texts]
        unique = list(dict.fromkeys(pairs))
        options.pairs.write_text(json.dumps(unique, ensure_ascii=False), "utf-8")
    if options.readings:
        by_pair = {(q, t): v for q, t, v in json.loads(options.readings.read_text("utf-8"))}
        features = {}
        for c in check:
            odds = [[by_pair.get((c.question, t), np.nan) for t in texts] for texts in c.read]
            read = [Reading(v[0], tuple(("", o) for o in v[1:])).features() for v in odds]
            features[id(c)] = np.column_stack([c.features, np.asarray(read)]).astype(np.float32)
        # Of companies that the reader has learned from it says too much: fitted on the others.
        cases = check = [c for c in check if np.isfinite(features[id(c)]).all()]
        both = fit_order(cases, [features[id(c)] for c in cases])
        out["read_order"] = both.to_json()
        for c in check:
            features[id(c)] = _blind(features[id(c)])
            wholes = features[id(c)].copy()
            wholes[:, -1] = wholes[:, -2]
            best = np.argsort(-both.score(wholes))[:SENTENCES_OF]
            features[id(c)] = features[id(c)][best]
            c.features, c.right = c.features[best], c.right[best]
        scored = {id(c): both.score(features[id(c)]) for c in check}
        _certain("reader", cases, check, scored, out, "read_certain")
        sys.stdout.write(f"weights of similarity and reader: {both.weights / both.scale}\n")
    if options.out:
        options.out.write_text(json.dumps(out, indent=1), "utf-8")


def _certain(
    name: str,
    cases: Sequence[Case],
    check: Sequence[Case],
    scored: Mapping[int, npt.NDArray[np.float64]],
    out: dict[str, object],
    key: str,
) -> None:
    def made(some: Sequence[Case]) -> list[npt.NDArray[np.float32]]:
        return [certainty(c.features, scored[id(c)].astype(np.float32), c.words) for c in some]

    model = fit_certainty(cases, made(cases), [scored[id(c)] for c in cases])
    out[key] = model.to_json()
    for label, some in {"learned": cases, "held out": check}.items():
        p = model.probability(np.stack(made(some)))
        report(f"{name}, {label}", some, [scored[id(c)] for c in some], p)
        if label == "held out":
            by: dict[str, list[bool]] = {}
            for c in some:
                if c.right.any() and c.share == 1.0:
                    by.setdefault(c.kind, []).append(bool(c.right[int(np.argmax(scored[id(c)]))]))
            shown = {k: [round(float(np.mean(v)), 2), len(v)] for k, v in sorted(by.items())}
            sys.stdout.write(f"  first by kind: {json.dumps(shown)}\n")


if __name__ == "__main__":
    asyncio.run(main())
