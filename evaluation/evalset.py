"""Labelled evaluation sets: questions, what answers them, and the knowledge base they need.

Formats (one folder a set):
    ``faq.jsonl`` or ``faq.LANG.jsonl`` with ``queries.jsonl``: entries and questions that name the
    ids of the entries that answer them (none: the knowledge base has no answer);
    ``passages.jsonl`` or ``passages.LANG.jsonl``, or a folder ``docs/``, with ``questions.jsonl``
    or ``questions.LANG.jsonl``: texts and questions that name their text and its answers;
    ``holdout.json``: ids of entries to leave out, so that their questions have no answer.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import AnswerdeskError


class EvalSetError(AnswerdeskError):
    """A folder is no evaluation set that we can read."""


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """One labelled question."""

    question_id: str
    text: str
    relevant: frozenset[str]
    """Ids of the entries, passages or documents that answer it; empty: nothing does."""
    answers: tuple[str, ...] = ()
    """Gold answers, any of which will do; empty if the set has none."""
    without: frozenset[str] = frozenset()
    """Ids to leave out of the knowledge base for this question."""


@dataclass(frozen=True, slots=True)
class EvalSet:
    """A knowledge base to build and the questions to ask it."""

    name: str
    files: Mapping[str, bytes]
    """File name to content, as an operator would upload them."""
    questions: tuple[EvalQuestion, ...]
    by_document: bool
    """Whether `EvalQuestion.relevant` names whole files instead of entries or passages."""

    @property
    def answerable(self) -> int:
        """Count the questions that the knowledge base can answer."""
        return sum(bool(q.relevant) for q in self.questions)


@dataclass(frozen=True, slots=True)
class Options:
    """What to ask of a set."""

    ask: str = ""
    """Language of the questions; empty: all, or the knowledge base's where files differ."""
    kb: str = ""
    """Language of the entries or passages, where there are several."""
    hold_out: bool = False
    """Leave out the entries of ``holdout.json``; without that file, every second passage by hash,
    so that about half of the questions have no answer."""
    leave_out: bool = False
    """Ask each answerable question once more without what answers it."""
    sample: int = 0
    """Keep that many questions, chosen by hash; 0 keeps all."""


def load_evalset(folder: Path, options: Options = Options()) -> EvalSet:
    """Read the set of a folder; raises `EvalSetError` naming what is missing."""
    faq = _pick(folder, "faq", options.kb)
    built = _faq_set(folder, faq, options) if faq else _passage_set(folder, options)
    if options.sample and options.sample < len(built.questions):
        kept = sorted(built.questions, key=lambda q: _hash(q.question_id))[: options.sample]
        built = replace(built, questions=tuple(kept))
    if options.leave_out:
        twins = [
            replace(q, question_id=f"{q.question_id} left out", relevant=frozenset(), without=found)
            for q in built.questions
            if (found := q.relevant)
        ]
        built = replace(built, questions=(*built.questions, *twins))
    return built


def _faq_set(folder: Path, faq: Path, options: Options) -> EvalSet:
    rows = _read(faq)
    queries = [
        EvalQuestion(
            question_id=str(row["id"]),
            text=row["query"],
            relevant=frozenset(map(str, row["relevant"])),
        )
        for row in _read(_need(folder / "queries.jsonl"))
        if str(row.get("lang", "")).startswith(options.ask)
    ]
    if options.hold_out:
        removed = set(json.loads(_need(folder / "holdout.json").read_text("utf-8"))["removed"])
        rows = [row for row in rows if row["id"] not in removed]
        queries = [replace(q, relevant=q.relevant - removed) for q in queries]
    return EvalSet(folder.name, {faq.name: _write(rows)}, tuple(queries), by_document=False)


def _passage_set(folder: Path, options: Options) -> EvalSet:
    ask, kb = options.ask, options.kb
    questions_file = _pick(folder, "questions", ask or kb)
    if questions_file is None:
        raise EvalSetError(
            f"{str(folder)!r} is no evaluation set: it needs faq.jsonl with queries.jsonl, or "
            "passages.jsonl (or docs/) with questions.jsonl."
        )
    rows = _read(questions_file)
    passages = _pick(folder, "passages", kb or ask)
    if passages is not None:
        texts = _read(passages)
        ids = {str(row["id"]) for row in texts}
        removed = _every_second(ids) if options.hold_out else set()
        files = {passages.name: _write([t for t in texts if str(t["id"]) not in removed])}
    else:
        docs = folder / "docs"
        if not docs.is_dir():
            raise EvalSetError(f"{str(folder)!r} has questions but neither passages nor docs/.")
        found = {
            path.relative_to(docs).as_posix(): path
            for path in sorted(docs.rglob("*"))
            if path.is_file()
        }
        ids = set(found)
        removed = _every_second(ids) if options.hold_out else set()
        files = {name: path.read_bytes() for name, path in found.items() if name not in removed}
    questions = tuple(
        EvalQuestion(
            question_id=str(row["id"]),
            text=row["question"],
            relevant=_gold(str(row.get("doc") or ""), ids) - removed,
            answers=tuple(row.get("answers", ())),
        )
        for row in rows
        if str(row.get("lang", ask)).startswith(ask)
    )
    return EvalSet(folder.name, files, questions, by_document=passages is None)


def _gold(doc: str, ids: set[str]) -> frozenset[str]:
    if not doc:
        return frozenset()
    for name in (doc, doc.rsplit(".", 1)[0]):
        if name in ids:
            return frozenset({name})
    raise EvalSetError(f"A question names the text {doc!r}, which the set does not have.")


def _pick(folder: Path, stem: str, language: str) -> Path | None:
    """Find ``stem.jsonl`` or the file of a language; a lone or English file without one."""
    plain = folder / f"{stem}.jsonl"
    if plain.is_file():
        return plain
    found = sorted(folder.glob(f"{stem}.*.jsonl"))
    if not found:
        return None
    wanted = language or "en"
    for path in found:
        if path.name.split(".")[1].startswith(wanted):
            return path
    languages = ", ".join(path.name.split(".")[1] for path in found)
    raise EvalSetError(f"{str(folder)!r} has no {stem} in {wanted!r}; it has {languages}.")


def _need(path: Path) -> Path:
    if not path.is_file():
        raise EvalSetError(f"The evaluation set needs {str(path)!r}, which does not exist.")
    return path


def _every_second(ids: Iterable[str]) -> set[str]:
    return {i for i in ids if _hash(i)[0] % 2}


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def _write(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
