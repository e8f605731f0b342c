"""What customers ask most, asked of two releases: which answers are others now?"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from core.errors import IndexDamaged, IndexMismatch, ModelError
from core.types import Answer, AnswerChange, IngestReport
from kb.gate import Replay, Seen, Side, TriesRankers, outcome
from kb.index_view import View

logger = logging.getLogger(__name__)

_NAMED = 8
"""Changes that a report names."""


class MostAsked:
    """Tells which of the questions that customers ask most a new release answers otherwise.

    Args:
        asked: returns these questions and how often each was asked.
        replay: asks them.
        rankers: gives the ranking of either release.
    """

    def __init__(
        self,
        asked: Callable[[], Awaitable[Sequence[tuple[str, int]]]],
        replay: Replay,
        rankers: TriesRankers,
    ) -> None:
        self._asked = asked
        self._replay = replay
        self._rankers = rankers

    async def changes(
        self, before: View | Side, after: View
    ) -> tuple[int, tuple[AnswerChange, ...]]:
        """Return how many questions were asked, and what changed, most asked first.

        Changes of one kind are one change: what customers wrote is not in it.
        """
        known = before.view.release if isinstance(before, Side) else before.release
        asked = await self._asked() if known and after.release else ()
        if not asked:
            return 0, ()
        try:
            old, new = await self._replay.compare(
                [question for question, _ in asked],
                await before.seen()
                if isinstance(before, Side)
                else Seen(before, await self._rankers.ranker(known)),
                Seen(after, await self._rankers.ranker(after.release)),
            )
        except (ModelError, IndexDamaged, IndexMismatch) as error:
            logger.warning("What customers ask most was not compared: %s", error)
            return 0, ()
        changed: Counter[tuple[str, str]] = Counter()
        for (_, times), was, now in zip(asked, old, new, strict=True):
            if _rests_on(was) != _rests_on(now):
                changed[outcome(was), outcome(now)] += times
        return len(asked), tuple(
            AnswerChange("", was, now if now != was else f"{now}, with another text", asked=times)
            for (was, now), times in changed.most_common()
        )


def _rests_on(answer: Answer) -> tuple[str, str]:
    kind = "answered" if answer.kind in {"composed", "quoted"} else answer.kind
    return kind, answer.sources[0].chunk_id if answer.sources else ""


def answers_text(report: IngestReport) -> list[str]:
    """Return which answers are others in a release that went live, as lines for operators."""
    if not report.asked or report.held:
        return []
    changed = sum(change.asked for change in report.answers)
    if not changed:
        return [f"The {report.asked} questions asked most lately are answered as before."]
    lines = [f"Of the {report.asked} questions asked most lately, some are answered otherwise:"]
    lines += [
        f"- asked {change.asked} times: {change.before}, now {change.after}"
        for change in report.answers[:_NAMED]
    ]
    if len(report.answers) > _NAMED:
        lines.append(f"- and {len(report.answers) - _NAMED} more changes")
    return lines
