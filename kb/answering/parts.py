"""One reply to a message with several questions."""

from collections.abc import Sequence
from dataclasses import astuple

from core.types import Answer, AnswerKind, TokenUsage
from kb.answering.plain import plain
from kb.text.layout import heading_of


def join(answers: Sequence[Answer], rest: str, lead: str = "") -> Answer:
    """Return one answer of several, each under what its source is about.

    The customer's own words are not repeated: they could come back as a link.

    Args:
        answers: to the questions that can be answered, in order.
        rest: says that others cannot; empty if all can.
        lead: the reservation, for where some are sure: the others then follow below it.
    """
    answers = sorted(answers, key=lambda answer: answer.hedged)
    kinds = {answer.kind for answer in answers}
    kind: AnswerKind = "faq" if kinds == {"faq"} else "composed"
    seen: dict[tuple[str, ...], Answer] = {}
    for answer in answers:
        seen.setdefault((*tuple(s.chunk_id for s in answer.sources), answer.text), answer)
    texts = [_labelled(answer, plain_text=kind != "faq") for answer in seen.values()]
    sure = sum(not answer.hedged for answer in seen.values())
    if 0 < sure < len(texts):
        texts.insert(sure, lead)
    timings: dict[str, float] = {}
    for answer in answers:
        for key, value in answer.timings_ms.items():
            timings[key] = round(timings.get(key, 0.0) + value, 1)
    tokens = zip(*(astuple(answer.tokens) for answer in answers), strict=True)
    sources = {source.chunk_id: source for answer in answers for source in answer.sources}
    return Answer(
        kind,
        "\n\n".join(filter(None, [*texts, rest])),
        answers[0].language,
        confidence=min(answer.confidence for answer in answers),
        hedged=not sure,
        sources=tuple(sources.values()),
        release=answers[0].release,
        timings_ms=timings,
        tokens=TokenUsage(*map(sum, tokens)),
    )


def _labelled(answer: Answer, *, plain_text: bool) -> str:
    label = heading_of(answer.sources[0].title) if answer.sources else ""
    text = plain(answer.text) if answer.kind == "faq" and plain_text else answer.text
    if not label or text.casefold().startswith(label.casefold()):
        return text
    colon = "：" if answer.language in ("zh", "ja") else ":"
    return f"{label}\n{text}" if label.endswith(("?", "？")) else f"{label}{colon}\n{text}"
