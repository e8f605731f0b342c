"""Compare the answers of two releases to the most frequent questions."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from core.shown import short
from core.types import Answer, AnswerChange, Chunk, IngestReport
from core.wording import N_, ntr, tr
from kb.review.gate import change_of, rests_on

T = TypeVar("T")
AskedOnce: TypeAlias = tuple[str, int, int]
"""A question, how often it was asked, and the last answer to it (0: none)."""
Asked: TypeAlias = Callable[[], Awaitable[Sequence[AskedOnce]]]
"""Returns the most frequent questions."""

Cited: TypeAlias = Callable[..., Awaitable[Mapping[str, Collection[int]]]]
"""Returns the answers given ``since`` a moment, by the chunks that they cite."""
Named: TypeAlias = Callable[[Sequence[str]], Awaitable[Sequence[Chunk]]]
"""Returns those of the entries and passages that are live."""

_NAMED = 8
"""Changes that a report names, and questions of one that are named."""
_WORDS_CHARS = 100
_RISES_BY = 3
"""A smaller increase of questions is chance."""
_NO_WORDS: Mapping[int, str] = MappingProxyType({})


def differences(
    asked: Sequence[AskedOnce], old: Sequence[Answer], new: Sequence[Answer]
) -> tuple[AnswerChange, ...]:
    """Return the questions whose answers differ, the most frequent first.

    Changes of one kind are one change: what customers wrote is not in it, but where it is.
    """
    changed: Counter[AnswerChange] = Counter()
    answers: dict[AnswerChange, list[int]] = {}
    for (_, times, answer_id), was, now in zip(asked, old, new, strict=True):
        if rests_on(was) != rests_on(now):
            change = change_of(was, now)
            changed[change] += times
            answers.setdefault(change, []).append(answer_id)
    return tuple(
        replace(
            change,
            asked=times,
            questions=len(answers[change]),
            answer_ids=tuple(answers[change][:_NAMED]),
        )
        for change, times in changed.most_common()
    )


async def rising(
    cited: Cited, named: Named, *, since: float, now: float, most: int
) -> list[tuple[str, str, int]]:
    """Return the entries and documents given more often from `since` to `now` than as long before.

    Each as the id of the entry (empty: a document), its question or the document's name, and how
    many times more, the most first; moments are UTC epoch seconds.

    Raises:
        AnswerdeskError: if the live ones cannot be named.
    """
    both, latest = await cited(since=2 * since - now), await cited(since=since)
    names = {
        one.chunk_id: (one.chunk_id, one.text) if one.kind == "faq" else ("", one.doc_id)
        for one in await named([*both])
    }
    before, after = together(both, names), together(latest, names)
    more = {name: 2 * len(given) - len(before[name]) for name, given in after.items()}
    order = sorted((-by, name) for name, by in more.items() if by >= _RISES_BY)
    return [(*name, -by) for by, name in order][:most]


def together(cited: Mapping[str, Collection[int]], names: Mapping[str, T]) -> dict[T, set[int]]:
    """Return answers by a name of the chunks that they cite, each once, without nameless chunks."""
    found: dict[T, set[int]] = {}
    for key, given in cited.items():
        if key in names:
            found.setdefault(names[key], set()).update(given)
    return found


def answers_text(report: IngestReport, words: Mapping[int, str] = _NO_WORDS) -> list[str]:
    """Return which answers a release changed, or would change, as lines for operators.

    `words` has what customers wrote, where that may be shown, by their answers.
    """
    own = [report.trouble] if report.trouble and not report.held else []
    own += [] if report.held else map(_own_line, own_known(report.own, words))
    if report.held or not (report.asked or report.golden_asked):
        return own
    frequent = ntr(
        "%(num)s most frequent recent question",
        "%(num)s most frequent recent questions",
        report.asked,
    )
    golden = ntr("%(num)s golden question", "%(num)s golden questions", report.golden_asked)
    counted = ((report.asked, frequent), (report.golden_asked, golden))
    asked = tr(" and ").join(text for number, text in counted if number)
    pair = N_("%(before)s, then %(after)s") if report.dry_run else N_("%(before)s, now %(after)s")
    changed = [_golden_line(change, pair) for change in report.golden]
    changed += [_asked_line(change, pair, words) for change in report.answers]
    if not changed:
        lines = [
            *own,
            tr("For the %(questions)s, no answer would change.", questions=asked)
            if report.dry_run
            else tr("For the %(questions)s, no answer has changed.", questions=asked),
        ]
    else:
        number = len(report.golden) + sum(change.questions for change in report.answers)
        may = ntr("%(num)s answer may change.", "%(num)s answers may change.", number)
        lines = [
            *own,
            f"{may} "
            + tr("Of the %(questions)s, these would be answered differently:", questions=asked)
            if report.dry_run
            else tr("Of the %(questions)s, some are answered differently:", questions=asked),
        ]
        lines += [f"- {line}" for line in changed[:_NAMED]]
        if len(changed) > _NAMED:
            lines.append("- " + tr("and %(count)s more changes", count=len(changed) - _NAMED))
    if report.uncompared:
        lines.append(
            ntr(
                "One text that is too many for a preview is not in it.",
                "The %(num)s texts that are too many for a preview are not in it.",
                report.uncompared,
            )
        )
    return lines


def own_known(
    own: Sequence[AnswerChange], words: Mapping[int, str] = _NO_WORDS
) -> Iterator[AnswerChange]:
    """Yield what becomes of the questions that an entry is made for, as far as they are known."""
    for change in own:
        asked = change.question or next((words[n] for n in change.answer_ids if n in words), "")
        if asked:
            yield replace(change, question=asked)


def _own_line(change: AnswerChange) -> str:
    pair = N_("%(before)s, then %(after)s")
    return f"“{short(change.question, _WORDS_CHARS)}”: {_change_text(change, pair)}"


def _golden_line(change: AnswerChange, pair: str) -> str:
    line = tr("golden question “%(question)s”:", question=change.question)
    line = f"{line} {_change_text(change, pair)}"
    if change.expected:
        line += tr(" (should be %(what)s: would be held back)", what=change.expected)
    return line


def _asked_line(change: AnswerChange, pair: str, words: Mapping[int, str]) -> str:
    asked = ntr("asked %(num)s time:", "asked %(num)s times:", change.asked)
    named = [f"“{short(words[one], _WORDS_CHARS)}”" for one in change.answer_ids if one in words]
    parts = [asked, *([", ".join(named), "·"] if named else ()), _change_text(change, pair)]
    return " ".join(parts)


def _change_text(change: AnswerChange, pair: str) -> str:
    same = change.before == change.after
    if same and change.old_words == change.new_words:
        return tr("%(before)s, as before", before=change.before)
    after = tr("with another text") if same else change.after
    text = tr(pair, before=change.before, after=after)
    words = [f"“{words}”" for words in (change.old_words, change.new_words) if words]
    return f"{text}: {' → '.join(words)}" if change.new_words else text
