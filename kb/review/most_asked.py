"""What customers ask most, asked of two releases: which answers are others now?"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from core.errors import IndexUnusable, ModelError
from core.types import Answer, AnswerChange, IngestReport
from kb.index.view import View
from kb.ranking.training import Trainer
from kb.review.gate import Replay, Seen, change_of, rests_on, seen

logger = logging.getLogger(__name__)

Asked: TypeAlias = Callable[[], Awaitable[Sequence[tuple[str, int]]]]
"""Returns what customers ask most, and how often each was asked."""

_NAMED = 8
"""Changes that a report names."""


@dataclass(frozen=True)
class MostAsked:
    """Tells which of the questions that customers ask most a new release answers otherwise."""

    asked: Asked
    replay: Replay
    rankers: Trainer

    async def changes(
        self, before: View | Seen[View], after: View
    ) -> tuple[int, tuple[AnswerChange, ...]]:
        """Return how many questions were asked, and what changed, most asked first.

        Changes of one kind are one change: what customers wrote is not in it.
        """
        releases = [await seen(one, self.rankers) for one in (before, after)]
        asked = await self.asked() if all(one.rows.release for one in releases) else ()
        if not asked:
            return 0, ()
        try:
            old, new = await self.replay.compare([question for question, _ in asked], *releases)
        except (ModelError, IndexUnusable) as error:
            logger.warning("What customers ask most was not compared: %s", error)
            return 0, ()
        return len(asked), differences(asked, old, new)


def differences(
    asked: Sequence[tuple[str, int]], old: Sequence[Answer], new: Sequence[Answer]
) -> tuple[AnswerChange, ...]:
    """Return which of the questions got another answer, most asked first.

    Changes of one kind are one change: what customers wrote is not in it.
    """
    changed: Counter[AnswerChange] = Counter()
    questions: Counter[AnswerChange] = Counter()
    for (_, times), was, now in zip(asked, old, new, strict=True):
        if rests_on(was) != rests_on(now):
            change = change_of(was, now)
            changed[change] += times
            questions[change] += 1
    return tuple(
        replace(change, asked=times, questions=questions[change])
        for change, times in changed.most_common()
    )


def answers_text(report: IngestReport) -> list[str]:
    """Return which answers a release changed, or would change, as lines for operators."""
    if report.held or not (report.asked or report.golden_asked):
        return []
    asked = f"{report.asked} question{_s(report.asked)} asked most lately"
    golden = f"{report.golden_asked} golden question{_s(report.golden_asked)}"
    counted = ((report.asked, asked), (report.golden_asked, golden))
    questions = " and ".join(text for number, text in counted if number)
    then = "then" if report.dry_run else "now"
    changed = []
    for one in report.golden:
        held = f" (should be {one.expected}: would be held back)" if one.expected else ""
        changed.append(f"golden question “{one.question}”: {_change_text(one, then)}{held}")
    for one in report.answers:
        changed.append(f"asked {one.asked} time{_s(one.asked)}: {_change_text(one, then)}")
    if not changed:
        verb = "is" if report.asked + report.golden_asked == 1 else "are"
        lines = [f"The {questions} {'would be' if report.dry_run else verb} answered as before."]
    else:
        number = len(report.golden) + sum(change.questions for change in report.answers)
        may = f"{number} answer{_s(number)} may change. "
        otherwise = "these would be answered" if report.dry_run else "some are answered"
        lines = [f"{may * report.dry_run}Of the {questions}, {otherwise} otherwise:"]
        lines += [f"- {line}" for line in changed[:_NAMED]]
        if len(changed) > _NAMED:
            lines.append(f"- and {len(changed) - _NAMED} more changes")
    if report.uncompared:
        lines.append(
            f"The {report.uncompared} texts that are too many for a preview are not in it."
        )
    return lines


def _change_text(change: AnswerChange, then: str) -> str:
    text = f"{change.before}, {then} {change.after}"
    if change.before == change.after:
        text = f"{change.before}, {then} with another text"
    words = [f"“{words}”" for words in (change.old_words, change.new_words) if words]
    return f"{text}: {' → '.join(words)}" if change.new_words else text


def _s(number: int) -> str:
    return "" if number == 1 else "s"
