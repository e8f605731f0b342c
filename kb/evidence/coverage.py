"""The other words: enough of them have to stand in the passage, and near each other."""

from collections.abc import Iterator, Sequence

from kb.evidence.reading import Read, covered, read_text, vocabulary
from kb.evidence.spans import best_span, clause_spans
from kb.evidence.verdict import Reason
from kb.lexicon import is_cjk
from kb.text import split_sentences

MIN_COVERAGE = 0.7
"""Share of a sentence's content words that the passage must hold."""
MIN_LOCAL_COVERAGE = 0.65
"""The same for one sentence of the passage: words from everywhere make a new statement."""
MIN_CLAUSE_COVERAGE = 0.5
"""The same for each clause, so that an invented one does not hide behind a copied one."""


def coverage_of(reply: Read, source: Read, asked: Read, passage: str) -> tuple[float, list[Reason]]:
    """Return the covered share of the content, and what is wrong with it."""
    known, questioned = vocabulary(source), vocabulary(asked)
    marks = [covered(i, reply.words, known) for i in range(len(reply.words))]
    local = _local_marks(reply, passage, marks)
    content = [i for i, word in enumerate(reply.words) if not word.stop]
    facts = sum(fact.certain for fact in reply.facts)
    from_question = [i for i in content if not local[i] and covered(i, reply.words, questioned)]
    han = sum(is_cjk(reply.words[i].text[0]) for i in content)
    free = max(2 if han > len(content) / 2 else 1, len(content) // 5)
    if len(from_question) <= free:
        for i in from_question:
            marks[i] = local[i] = True
    total = len(content) + facts
    right = sum(marks[i] for i in content) + facts
    share = right / total if total else 0.0
    reasons: list[Reason] = []
    if share < MIN_COVERAGE or right == len(from_question):
        missing = [reply.words[i].text for i in content if not marks[i]]
        reasons.append(Reason("words", " ".join(missing)))
    else:
        reasons += _uncovered_clauses(reply, marks)
    if total and sum(local[i] for i in content) + facts < MIN_LOCAL_COVERAGE * total:
        reasons.append(
            Reason("words", " ".join(reply.words[i].text for i in content if not local[i]))
        )
    reasons += _uncovered_runs(reply, marks)
    return share, reasons


def _local_marks(reply: Read, passage: str, marks: Sequence[bool]) -> list[bool]:
    """Tell which words stand in the sentence nearest to their clause; names may stand anywhere."""
    sentences = tuple(split_sentences(passage)) or (passage,)
    local = [mark and reply.words[i].name for i, mark in enumerate(marks)]
    for start, end in clause_spans(reply.text):
        span = best_span(read_text(reply.text[start:end]), sentences)
        near = vocabulary(read_text(span.sentence))
        for i, word in enumerate(reply.words):
            if start <= word.start < end:
                local[i] |= covered(i, reply.words, near)
    return local


def _uncovered_clauses(reply: Read, marks: Sequence[bool]) -> Iterator[Reason]:
    for start, end in clause_spans(reply.text):
        inside = [i for i, w in enumerate(reply.words) if start <= w.start < end and not w.stop]
        facts = sum(start <= fact.start < end and fact.certain for fact in reply.facts)
        right = sum(marks[i] for i in inside) + facts
        if inside and right < MIN_CLAUSE_COVERAGE * (len(inside) + facts):
            yield Reason("words", reply.text[start:end].strip())


def _uncovered_runs(reply: Read, marks: Sequence[bool]) -> Iterator[Reason]:
    """Find three Han characters in a row that the passage does not have: a name, an addition."""
    run = ""
    for i, word in enumerate(reply.words):
        lacking = is_cjk(word.text[0]) and not word.stop and not marks[i]
        run = run + word.text if lacking else ""
        if len(run) == 3:
            yield Reason("words", run)
